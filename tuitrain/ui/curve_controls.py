"""What the keys of a run's curves do to how they are seen: window, cursor, settings of a chart.

From where the steps lie and the choices so far to other choices; knows no widget and no key's name.
"""

from dataclasses import replace
from typing import Any

from tuitrain.ui.curve_choices import ChartSettings, Choices
from tuitrain.view.chart.scale import Reach, Window

_CURSOR_STEPS = 60
"""An arrow key moves the cursor by this part of the window."""
_LEAP = 10
"""Arrow keys that a page key moves the cursor by."""
_PAN_SHARE = 0.25
"""An arrow key moves the window by this share of its width."""
_MOST_DIGITS = 9


class TypedNumber:
    """A number that is typed before a key."""

    def __init__(self) -> None:
        """Begin with none."""
        self._digits = ""

    def add(self, digit: str) -> None:
        """Take a digit; of many the last few count."""
        self._digits = (self._digits + digit)[-_MOST_DIGITS:]

    @property
    def has_begun(self) -> bool:
        """Whether there are digits, so that 0 is one of them."""
        return bool(self._digits)

    def take(self) -> int | None:
        """Return the number, once; None without any."""
        digits, self._digits = self._digits, ""
        return int(digits) if digits else None


class CurveControls:
    """The choices of one screen."""

    def __init__(self) -> None:
        """See all of the run."""
        self.choices = Choices()
        self.typed = TypedNumber()

    # --- window and cursor ----------------------------------------------------------------------

    def zoom(self, reach: Reach, factor: float, around: float | None = None) -> None:
        """Show more or fewer steps, around the cursor, another step or the end."""
        whole = reach.whole
        window = self.choices.window or whole
        around = self.choices.cursor if around is None else around
        if around is None:
            around = min(window.last, reach.newest or window.last)
            window = window.follow(around)
        zoomed = window.zoom(factor, around).clamp(whole)
        self._see(None if zoomed.span >= whole.span else zoomed)

    def pan(self, reach: Reach, side: int, cells: int) -> None:
        """Move the cursor, or the window; by as many columns of `cells` as were typed before."""
        count, window = self.typed.take(), self.choices.window or reach.whole
        if count is None:
            arrow = max(1.0, window.span / _CURSOR_STEPS)
            self._move(reach, side * arrow, side * _PAN_SHARE)
        else:
            columns = side * count / max(1, cells - 1)
            self._move(reach, columns * window.span, columns)

    def leap(self, reach: Reach, side: int) -> None:
        """Move the cursor further, or the window by all of its width; as often as was typed."""
        times = side * (self.typed.take() or 1)
        window = self.choices.window or reach.whole
        self._move(reach, times * _LEAP * max(1.0, window.span / _CURSOR_STEPS), times)

    def _move(self, reach: Reach, steps: float, share: float) -> None:
        choices = self.choices
        if choices.cursor is not None:
            self.point(reach, choices.cursor + steps)
        elif choices.window is not None:
            self._see(choices.window.pan(share).clamp(reach.whole))

    def edge(self, reach: Reach, side: int) -> None:
        """Move the cursor, or the window, to the first or to the newest step."""
        choices, whole = self.choices, reach.whole
        window = choices.window or whole
        if choices.cursor is not None:
            self.point(reach, window.first if side < 0 else window.last)
        elif choices.window is not None:
            end = whole.first + window.span if side < 0 else whole.last
            self._see(window.follow(end).clamp(whole))

    def point(self, reach: Reach, step: float) -> None:
        """Put the cursor on the step nearest to this one that was taken and is seen."""
        window = self.choices.window or reach.whole
        newest = min(window.last, reach.newest or window.last)
        cursor = max(window.first, min(newest, float(round(step))))
        self.choices = replace(self.choices, cursor=cursor)

    def inspect(self, reach: Reach) -> None:
        """Show or hide the cursor; after a number put it on that step, wherever that is."""
        step, window = self.typed.take(), self.choices.window or reach.whole
        if step is not None:
            if not window.first <= step <= window.last:
                self._see(window.follow(step + window.span / 2).clamp(reach.whole))
            self.point(reach, step)
        elif self.choices.cursor is not None:
            self.choices = replace(self.choices, cursor=None)
        else:
            self.point(reach, (window.first + window.last) / 2)

    def span(self, reach: Reach, first: float, last: float) -> None:
        """Show the steps between two, in either order."""
        low, high = sorted((first, last))
        if high > low:
            self._see(Window(low, high).clamp(reach.whole))

    def show_values(self, title: str, seen: Window, whole: Window) -> None:
        """Show a part of a chart's own x axis of values, or all of it where that is no more."""
        others = {name: span for name, span in self.choices.spans.items() if name != title}
        if 0 < seen.span < whole.span:
            part = seen.clamp(whole)
            others[title] = (part.first, part.last)
        self.choices = replace(self.choices, spans=others)

    def reset(self) -> None:
        """Show the whole run and follow it."""
        self.choices = replace(self.choices, window=None, cursor=None, spans={})

    def _see(self, window: Window | None) -> None:
        self.choices = replace(self.choices, window=window)

    # --- one chart ------------------------------------------------------------------------------

    def change_chart(self, title: str, **changes: Any) -> None:
        """Change some of a chart's settings; what is as at first is not kept."""
        charts = dict(self.choices.charts)
        charts[title] = replace(self.choices.settings_of(title), **changes)
        kept = {name: each for name, each in charts.items() if each != ChartSettings()}
        spans = dict(self.choices.spans)
        if "across" in changes:
            spans.pop(title, None)
        self.choices = replace(self.choices, charts=kept, spans=spans)

    def show_hidden(self) -> None:
        """Show every chart again."""
        for title, settings in self.choices.charts.items():
            if settings.hidden:
                self.change_chart(title, hidden=False)
