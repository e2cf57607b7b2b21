"""What the keys of a run's curves do to how they are seen: window, cursor, settings of a chart.

From a snapshot and the choices so far to other choices; knows no widget and no name of a key.
"""

from dataclasses import replace
from typing import Any

from tuitrain.ui.charting import ChartSettings, Choices, whole_window
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.view.chart.scale import Window

ZOOM_IN, ZOOM_OUT = 0.5, 2.0
_CURSOR_STEPS = 60
"""An arrow key moves the cursor by this part of the window."""
_LEAP = 10
"""Arrow keys that a page key moves the cursor by."""
_PAN_SHARE = 0.25
"""An arrow key moves the window by this share of its width."""
_MOST_DIGITS = 4


class CurveControls:
    """The choices of one screen, and a number that was typed before a key."""

    def __init__(self) -> None:
        """See all of the run."""
        self.choices = Choices()
        self._typed = ""

    # --- a number before a key ------------------------------------------------------------------

    def type_digit(self, digit: str) -> None:
        """Take a digit of the number before a key; of many the last few count."""
        self._typed = (self._typed + digit)[-_MOST_DIGITS:]

    @property
    def is_typing(self) -> bool:
        """Whether a number has begun, so that 0 belongs to it."""
        return bool(self._typed)

    def take_count(self) -> int | None:
        """Return the number that was typed, once; None without any."""
        typed, self._typed = self._typed, ""
        return int(typed) if typed else None

    # --- window and cursor ----------------------------------------------------------------------

    def zoom(self, snapshot: RunSnapshot, factor: float, around: float | None = None) -> None:
        """Show more or fewer steps, around the cursor, another step or the end."""
        whole = whole_window(snapshot)
        window = self.choices.window or whole
        around = self.choices.cursor if around is None else around
        if around is None:
            newest = snapshot.summary.step if snapshot.summary else window.last
            around = min(window.last, newest)
            window = window.follow(around)
        zoomed = window.zoom(factor, around).clamp(whole)
        self._see(None if zoomed.span >= whole.span else zoomed)

    def pan(self, snapshot: RunSnapshot, side: int, cells: int) -> None:
        """Move the cursor, or the window; by as many columns of `cells` as were typed before."""
        count, window = self.take_count(), self.choices.window or whole_window(snapshot)
        if count is None:
            arrow = max(1.0, window.span / _CURSOR_STEPS)
            self._move(snapshot, side * arrow, side * _PAN_SHARE)
        else:
            columns = side * count / max(1, cells - 1)
            self._move(snapshot, columns * window.span, columns)

    def leap(self, snapshot: RunSnapshot, side: int) -> None:
        """Move the cursor further, or the window by all of its width; as often as was typed."""
        times = side * (self.take_count() or 1)
        window = self.choices.window or whole_window(snapshot)
        self._move(snapshot, times * _LEAP * max(1.0, window.span / _CURSOR_STEPS), times)

    def _move(self, snapshot: RunSnapshot, steps: float, share: float) -> None:
        choices = self.choices
        if choices.cursor is not None:
            self.point(snapshot, choices.cursor + steps)
        elif choices.window is not None:
            self._see(choices.window.pan(share).clamp(whole_window(snapshot)))

    def edge(self, snapshot: RunSnapshot, side: int) -> None:
        """Move the cursor, or the window, to the first or to the newest step."""
        choices, whole = self.choices, whole_window(snapshot)
        window = choices.window or whole
        if choices.cursor is not None:
            self.point(snapshot, window.first if side < 0 else window.last)
        elif choices.window is not None:
            end = whole.first + window.span if side < 0 else whole.last
            self._see(window.follow(end).clamp(whole))

    def point(self, snapshot: RunSnapshot, step: float) -> None:
        """Put the cursor on the step nearest to this one that was taken and is seen."""
        window = self.choices.window or whole_window(snapshot)
        summary = snapshot.summary
        newest = min(window.last, summary.step) if summary is not None else window.last
        cursor = max(window.first, min(newest, float(round(step))))
        self.choices = replace(self.choices, cursor=cursor)

    def inspect(self, snapshot: RunSnapshot) -> None:
        """Show or hide the cursor."""
        if self.choices.cursor is not None:
            self.choices = replace(self.choices, cursor=None)
            return
        window = self.choices.window or whole_window(snapshot)
        self.point(snapshot, (window.first + window.last) / 2)

    def reset(self) -> None:
        """Show the whole run and follow it."""
        self.choices = replace(self.choices, window=None, cursor=None)

    def _see(self, window: Window | None) -> None:
        self.choices = replace(self.choices, window=window)

    # --- one chart ------------------------------------------------------------------------------

    def change_chart(self, title: str, **changes: Any) -> None:
        """Change some of a chart's settings; what is as at first is not kept."""
        charts = dict(self.choices.charts)
        charts[title] = replace(self.choices.settings_of(title), **changes)
        kept = {name: each for name, each in charts.items() if each != ChartSettings()}
        self.choices = replace(self.choices, charts=kept)

    def show_hidden(self) -> None:
        """Show every chart again."""
        for title, settings in self.choices.charts.items():
            if settings.hidden:
                self.change_chart(title, hidden=False)
