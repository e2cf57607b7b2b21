"""From a run's record to what rules look at, at a cost that does not grow with the run.

Reads only; concludes nothing.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from tuitrain.analysis.diagnosis.diagnosis import Diagnosis
from tuitrain.analysis.diagnosis.history import (
    BEGINNING_STEPS,
    MOST_STRETCHES,
    ClassCounts,
    Curve,
    TrainingHistory,
)
from tuitrain.analysis.diagnosis.rules import diagnose_training
from tuitrain.analysis.why_failed import shown_path
from tuitrain.messages import FINAL_STATES
from tuitrain.runs.reader import RunReader
from tuitrain.runs.reading.curves import CurveReader

_VALIDATION = frozenset({"val/loss", "val/accuracy", "val/r2"})
_COUNTED = 3
"""Evaluations whose counts by class are read."""
_LEAST_S = 2.0
"""Between two looks: some 5 ms each, however long the run is and however often it evaluates."""
_GONE_AFTER = 3
"""Looks in a row that must no longer show what was shown."""


def read_diagnoses(reader: RunReader) -> tuple[Diagnosis, ...]:
    """Return what the curves of a run show.

    Raises:
        RecordError: the record can't be read.
    """
    return diagnose_training(read_history(reader))


def read_history(reader: RunReader) -> TrainingHistory:
    """Return what rules look at.

    Raises:
        RecordError: the record can't be read.
    """
    curves, facts = reader.curves, reader.facts()
    progress, monitor = reader.steps.progress(), facts.monitor or ""
    return TrainingHistory(
        run=reader.directory.id,
        preset=shown_path(reader.directory.config_path),
        step=progress.step if progress else 0,
        total_steps=facts.total_steps or 0,
        live=reader.state().state not in FINAL_STATES | {"lost"},
        config=reader.config(),
        train=_curve(curves, "train/loss"),
        beginning=_curve(curves, "train/loss", 1, BEGINNING_STEPS),
        rate=_curve(curves, "lr"),
        validation={
            name: _curve(curves, name)
            for name in curves.metric_names()
            if name in _VALIDATION or name == monitor
        },
        evaluations=reader.entries.count_evaluations(),
        counts=tuple(
            ClassCounts(row.step, row.counts)
            for row in reader.entries.last_evaluations(_COUNTED)
            if row.counts is not None
        ),
        checkpoints={
            name: row.step
            for row in reader.entries.checkpoints()
            if row.removed is None
            for name in row.names
        },
        monitor=monitor,
    )


def _curve(
    curves: CurveReader, name: str, first: int | None = None, last: int | None = None
) -> Curve:
    columns = curves.series(name, first, last, MOST_STRETCHES).columns
    finite = [column for column in columns if column.count > column.nonfinite]
    return Curve(
        name,
        tuple(column.last_step for column in finite),
        tuple(column.mean for column in finite),
        tuple(column.maximum for column in finite),
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    diagnosis: Diagnosis
    unseen: int = 0
    """Looks in a row that did not show it any more."""


class LiveDiagnoses:
    """Diagnoses of a run that goes on: made after evaluations, and kept while they waver."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked_at: tuple[int, ...] = ()
        self._looked_s = -math.inf
        self._shown: dict[str, _Shown] = {}

    def read(self, reader: RunReader) -> tuple[Diagnosis, ...]:
        """Return what the curves show; as before where nothing was evaluated since.

        Raises:
            RecordError: the record can't be read.
        """
        state = reader.state().state in FINAL_STATES | {"lost"}
        evaluations = reader.entries.count_evaluations()
        look = (int(state), len(reader.attempts()), evaluations)
        # What has ended, or was resumed from elsewhere, is looked at as if for the first time.
        is_other = look[:2] != self._looked_at[:2]
        if is_other or (look != self._looked_at and self._clock() - self._looked_s >= _LEAST_S):
            if is_other:
                self._shown.clear()
            self._looked_at, self._looked_s = look, self._clock()
            self._take(read_diagnoses(reader))
        return tuple(shown.diagnosis for shown in self._shown.values())

    def _take(self, found: tuple[Diagnosis, ...]) -> None:
        fresh: dict[str, _Shown] = {each.kind: _Shown(each) for each in found}
        for kind, shown in self._shown.items():
            if kind not in fresh and shown.unseen + 1 < _GONE_AFTER:
                fresh[kind] = _Shown(shown.diagnosis, shown.unseen + 1)
        self._shown = fresh
