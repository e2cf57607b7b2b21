"""The chart in front: how it alone is seen, its place in the grid, and what is taken from it.

Acts on `Curves`, which tells the screen; knows nothing of runs beyond where their files go.
"""

from collections.abc import Sequence
from typing import Any

from tuitrain.errors import UsageError
from tuitrain.lang import tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.chart_files import check_ending, cursor_text, draw_picture, free_path, write_chart
from tuitrain.ui.curve_choices import AXES, axis_word, parse_across, parse_limits
from tuitrain.ui.screens.curves.charts import Curves
from tuitrain.ui.screens.dialogs import Ask
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.chartpages import Group


class ChartInFront:
    """The chart that has the focus, else the first in sight."""

    def __init__(self, curves: Curves) -> None:
        """Act on one of these charts."""
        self._curves = curves
        self._grid = curves.grid

    @property
    def group(self) -> Group | None:
        """Its title and metrics; None where no chart is in sight."""
        seen = self._grid.pages.in_sight(self._curves.groups)
        return seen[min(self._grid.focused, len(seen) - 1)] if seen else None

    # --- how it is seen -------------------------------------------------------------------------

    def switch(self, what: str) -> None:
        """Change how it is seen."""
        group = self.group
        if group is None:
            return
        settings = self._curves.choices.settings_of(group[0])
        changed: dict[str, dict[str, Any]] = {
            "log": {"log": not settings.log},
            "smoothing": {"smoothing": settings.next_smoothing()},
            "pinned": {"pinned": not settings.pinned},
            "hidden": {"hidden": True},
        }
        self._change(**changed[what])

    def _change(self, **changes: Any) -> None:
        group = self.group
        if group is not None:
            self._curves.controls.change_chart(group[0], **changes)
            self._curves.tell(rearranged=True, settings=True)

    def limits(self) -> None:
        """Let the value axis be automatic, span all values, or what is typed."""
        group = self.group
        if group is None:
            return
        limits = self._curves.choices.settings_of(group[0]).limits
        if limits != "all":
            self._change(limits="all" if limits == "automatic" else "automatic")
            return

        def fix(answer: str | None) -> None:
            self._change(limits=parse_limits(answer) if answer else "automatic")

        app_of(self._curves).push_screen(
            Ask(
                tr("Value axis of {group}, from and to", group=group[0]),
                hint=tr("Two numbers, as 0 2.5; empty: automatic again."),
                check=lambda text: text and parse_limits(text),
            ),
            fix,
        )

    def across(self) -> None:
        """Ask what lies along its x axis."""
        group = self.group
        if group is None:
            return
        known = self._curves.known

        def check(text: str) -> str:
            return parse_across(text, known.names, known.axes)

        def choose(answer: str | None) -> None:
            if answer is not None:
                self._change(across=check(answer))

        words = ", ".join(map(axis_word, known.axes))
        now = self._curves.choices.settings_of(group[0]).across
        app_of(self._curves).push_screen(
            Ask(
                tr("Along x of {group}", group=group[0]),
                value=axis_word(now) if now in AXES else now,
                hint=tr(
                    "A metric, as lr or val/loss, or {words}; empty: as all charts.", words=words
                ),
                check=check,
            ),
            choose,
        )

    def show_hidden(self) -> None:
        """Show every chart again."""
        self._curves.controls.show_hidden()
        self._curves.tell(rearranged=True, settings=True)

    # --- the grid around it ---------------------------------------------------------------------

    def maximise(self) -> None:
        """Show it alone, or all again."""
        group, pages = self.group, self._grid.pages
        pages.put_alone(None if pages.is_alone or group is None else group[0])
        self._curves.tell(rearranged=True)

    def resize(self, by: int) -> None:
        """Show more or fewer charts at once."""
        app_of(self._curves).tell(tr("charts: {by}", by=self._grid.pages.resize(by)))
        self._curves.tell(rearranged=True)

    def page(self, by: int) -> None:
        """Show other charts."""
        self._grid.pages.turn(by)
        self._curves.tell(rearranged=True)

    def next(self) -> bool:
        """Show the next chart where there is room for one; return whether that is so."""
        pages = self._grid.pages
        if pages.shape != (1, 1) or pages.is_alone:
            return False
        self.page(1)
        return True

    def step_back(self) -> bool:
        """Take the cursor or the single chart away; return whether there was one."""
        if self._curves.choices.cursor is not None:
            self._curves.see("inspect")
        elif self._grid.pages.is_alone:
            self.maximise()
        else:
            return False
        return True

    # --- what is taken from it ------------------------------------------------------------------

    def write(self, directories: Sequence[RunDirectory]) -> None:
        """Ask for a kind of file and write it as that.

        Args:
            directories: of the runs on it; the file goes into the `exports/` of the first.
        """
        group, chart = self.group, self._grid.chart_in_front
        if group is None or chart is None or not directories:
            app_of(self._curves).tell(tr("no chart to write yet"), "warning")
            return

        def write(answer: str | None) -> None:
            if answer is not None:
                self._write(group, directories, check_ending(answer))

        app_of(self._curves).push_screen(
            Ask(
                tr("Write the chart of {group} as", group=group[0]),
                value="svg",
                hint=tr("svg or csv: what is in sight. png: the whole run, by tuitrain plot."),
                check=check_ending,
            ),
            write,
        )

    def _write(self, group: Group, directories: Sequence[RunDirectory], ending: str) -> None:
        chart = self._grid.chart_in_front
        if chart is None:
            return
        title, metrics = group
        choices, newest = self._curves.choices, self._curves.known.reach.newest
        settings = choices.settings_of(title)

        def work() -> str:
            path = free_path(directories[0].exports, title, newest, ending)
            if ending == "png":
                draw_picture(path, directories, metrics, settings, choices.axis)
            else:
                names = ", ".join(directory.id for directory in directories)
                by = f" by {chart.across}" if chart.across else ""
                write_chart(path, chart, f"{title}{by}  {names}")
            return tr("written: {path}", path=path)

        app_of(self._curves).work.do(work)

    def copy_value(self) -> None:
        """Copy the values under its cursor."""
        chart = self._grid.chart_in_front
        if chart is None:
            return
        try:
            app_of(self._curves).copier.copy(cursor_text(chart), "value")
        except UsageError as error:
            app_of(self._curves).tell(str(error), "warning")
