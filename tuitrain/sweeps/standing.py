"""How a sweep stands while it is driven: a row for each trial, and the table that is put down.

Follows from the study and the runs; decides nothing of what is done.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tuitrain.sweeps.runs import TrialRun
from tuitrain.sweeps.settings import Sweep
from tuitrain.sweeps.study import REASON, REPEATED, RUN, Asked
from tuitrain.sweeps.table import SweepTable, TrialRow, tail

_MOST_FAILURES = 5
"""So many trials that fail one after the other, with none before, have one cause."""
_ENDED = frozenset({"complete", "pruned", "failed"})


class Standing:
    """The rows of one sweep.

    Attributes:
        table: as it was put down last.
    """

    def __init__(self, sweep: Sweep, metric: str, mode: str, trials: Iterable[Asked]) -> None:
        """Begin with the trials as the study has them."""
        self._mode = mode
        self._rows = {each.number: self._row(each, None) for each in trials}
        keys = tuple(each.key for each in sweep.space)
        self.table = SweepTable(metric, mode, sweep.budget, 1, "running", keys)

    def take(self, asked: Asked, run: TrialRun | None) -> None:
        """Take in how a trial stands, with its run as it was seen last."""
        self._rows[asked.number] = self._row(asked, run)

    def _row(self, asked: Asked, run: TrialRun | None) -> TrialRow:
        values = list(asked.reported.values())
        if run is not None:
            values = [value for _epoch, value in run.evaluations]
        return TrialRow(
            asked.number,
            _state(asked, run),
            run.id if run is not None else str(asked.marks.get(RUN) or ""),
            asked.point,
            asked.value if asked.value is not None else self.best(values),
            run.epoch if run is not None else 0.0,
            tail(values),
            str(asked.marks.get(REASON) or ""),
        )

    def best(self, values: Sequence[float]) -> float | None:
        """Return the best of values that is finite; None: there is none."""
        finite = [value for value in values if math.isfinite(value)]
        if not finite:
            return None
        return max(finite) if self._mode == "max" else min(finite)

    def why_hopeless(self) -> str:
        """Return why no more trials are of any use: all of them failed; empty where they are."""
        ended = [row for row in self._rows.values() if row.state in _ENDED]
        if len(ended) < _MOST_FAILURES or any(row.state != "failed" for row in ended):
            return ""
        last = max(ended, key=lambda row: row.number)
        return f"all of {len(ended)} trials failed; the last: {last.reason}"

    def put_down(self, state: str, parallel: int, reason: str) -> None:
        """Make the table."""
        rows = tuple(self._rows[number] for number in sorted(self._rows))
        self.table = replace(self.table, parallel=parallel, state=state, rows=rows, reason=reason)


def _state(asked: Asked, run: TrialRun | None) -> str:
    if asked.state == "failed" and asked.marks.get(REPEATED):
        return "repeated"
    return run.state if asked.state == "running" and run is not None else asked.state
