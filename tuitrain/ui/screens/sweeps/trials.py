"""The trials of a sweep as a list: the best first, marks on those to be seen together.

Knows a sweep's table; nothing of its driver.
"""

from textual import on
from textual.binding import Binding

from tuitrain.errors import RunNotFoundError
from tuitrain.lang import tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import find_run
from tuitrain.sweeps.table import SweepTable
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.view.sweep import trial_line


class TrialList(PickList):
    """Trials, each of which has a run."""

    BINDINGS = [
        Binding("m", "mark", "mark", id="sweep.mark",
                tooltip="Mark this trial, to see it together with others by d."),
        Binding("d", "together", "compare", id="sweep.together",
                tooltip="Show the runs of the marked trials in a workspace; without marks of all."),
    ]  # fmt: skip

    def __init__(self) -> None:
        """Show no trial yet."""
        super().__init__()
        self._table: SweepTable | None = None
        self._marked: set[str] = set()

    def show_table(self, table: SweepTable) -> None:
        """Show other trials; those marked stay so."""
        self._table = table
        self._marked &= {str(row.number) for row in table.rows}
        width, look = max(20, self.app.size.width), app_of(self).look
        rows = []
        for row in table.ranked:
            key = str(row.number)
            line = trial_line(row, table, width, look, marked=key in self._marked)
            rows.append(Row(key, line))
        self.show_rows(rows, empty=tr(" no trial yet"))

    def show_none(self, words: str) -> None:
        """Say why there is no trial."""
        self._table = None
        self.show_rows([], empty=words)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what is done with trials where there are some."""
        there = super().check_action(action, parameters)
        return there and (action not in ("mark", "together") or bool(self.key))

    def action_mark(self) -> None:
        """Mark the trial under the cursor, or take its mark away."""
        self._toggle(self.key)
        self.action_move(1)

    @on(PickList.Marked)
    def _clicked(self, event: PickList.Marked) -> None:
        self._toggle(event.key)

    def _toggle(self, key: str) -> None:
        if key and self._table is not None:
            self._marked ^= {key}
            self.show_table(self._table)

    def action_together(self) -> None:
        """Show the runs of the marked trials over one grid of charts, or those of all."""
        rows = self._table.ranked if self._table is not None else ()
        wanted = [row for row in rows if not self._marked or str(row.number) in self._marked]
        directories = [found for row in wanted if row.run and (found := self._find(row.run))]
        if directories:
            app_of(self).opener.open_workspace(directories)
        else:
            app_of(self).tell("none of these trials has a run", "warning")

    @on(PickList.Chosen)
    def _open(self, event: PickList.Chosen) -> None:
        rows = self._table.rows if self._table is not None else ()
        run = next((row.run for row in rows if str(row.number) == event.key), "")
        directory = self._find(run) if run else None
        if directory is not None:
            app_of(self).opener.open_run(directory)
        else:
            gone = tr("its run {run} is gone", run=run) if run else tr("this trial has no run")
            app_of(self).tell(gone, "warning")

    def _find(self, run: str) -> RunDirectory | None:
        try:
            return find_run(app_of(self).root, run)
        except RunNotFoundError:
            return None
