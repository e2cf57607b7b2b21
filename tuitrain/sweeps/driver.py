"""What a sweep's driver does: asks for points, has them run, reports, prunes, and tells.

Decides; knows neither Optuna's storage nor processes, and reads no clock. Whatever it needs to
know after a kill is in the study and in the runs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from tuitrain.errors import TuitrainError
from tuitrain.sweeps.directory import Control
from tuitrain.sweeps.runs import TrialRun, TrialRuns
from tuitrain.sweeps.settings import Sweep
from tuitrain.sweeps.space import value_words
from tuitrain.sweeps.study import Asked, Outcome
from tuitrain.sweeps.table import SweepTable, TrialRow, tail

_PRUNED, _HALTED, _RUN, _REASON = "pruned", "halted", "run", "reason"
_RESUMES = 5
"""A run that is lost more often is told as failed: something kills it."""
_MOST_FAILURES = 5
"""So many trials that fail one after the other, with none before, have one cause."""


class Trials(Protocol):
    """The study, as far as a driver needs it."""

    def ask(self) -> Asked | None:
        """Return the next trial; None where there have been as many as wanted."""
        ...

    def trials(self) -> list[Asked]:
        """Return every trial that was begun."""
        ...

    def running(self) -> list[Asked]:
        """Return the trials that nobody has told the end of."""
        ...

    def trial(self, number: int) -> Asked:
        """Return a trial as it stands."""
        ...

    def report(self, number: int, evaluation: int, value: float) -> None:
        """Put down what an evaluation gave."""
        ...

    def should_prune(self, number: int) -> bool:
        """Return whether a trial falls behind."""
        ...

    def mark(self, number: int, **marks: object) -> None:
        """Put something down beside a trial."""
        ...

    def tell(self, number: int, outcome: Outcome, value: float | None) -> None:
        """Put down how a trial ended."""
        ...

    def repeat(self, number: int) -> None:
        """Give a trial up, and let its point be run again."""
        ...


class Driver:
    """Drives one sweep, a look at a time.

    Attributes:
        table: how the sweep stands.
    """

    def __init__(
        self,
        sweep: Sweep,
        metric: str,
        mode: str,
        study: Trials,
        runs: TrialRuns,
        say: Callable[[str], None] = lambda _words: None,
    ) -> None:
        """Take a sweep over where it stands.

        Args:
            sweep: what is to be done.
            metric: what decides.
            mode: min or max.
            study: asked and told.
            runs: of the trials.
            say: is told in a line what happens.
        """
        self._sweep = sweep
        self._metric = metric
        self._mode = mode
        self._study = study
        self._runs = runs
        self._say = say
        self._open = {each.number: each for each in study.running()}
        self._looked: dict[int, TrialRun] = {}
        self._resumes: dict[int, int] = {}
        self._rows = {each.number: self._row(each, None) for each in study.trials()}
        self._stopping = False
        self._reason = ""
        self._over = False
        keys = tuple(each.key for each in sweep.space)
        self.table = SweepTable(metric, mode, sweep.budget, 1, "running", keys)
        self._adopt()

    def _adopt(self) -> None:
        """Go on with what an earlier driver left: live runs as they are, the rest resumed."""
        for number in list(self._open):
            run = self._runs.look(number)
            if run is None:
                self._start_late(number)
            elif not run.live and run.state in ("paused", "stopped", "queued"):
                marks = self._open[number].marks
                if run.state != "stopped" or marks.get(_HALTED):
                    self._resume(number, f"{run.id}: goes on")
            if number in self._open:
                self._study.mark(number, **{_HALTED: False})
                self._open[number] = self._study.trial(number)

    def _start_late(self, number: int) -> None:
        """Start a trial that an earlier driver asked for and died; run one again that is gone."""
        asked = self._open[number]
        if asked.marks.get(_RUN):
            self._give_up(number)
        else:
            self._start(asked)

    # --- a look -----------------------------------------------------------------------------------

    def look(self, control: Control, places: int) -> bool:
        """See to everything once; return whether the sweep is over, or has come to rest.

        Args:
            control: what people want.
            places: how many trials there may be at a time, where nobody says.
        """
        for number in list(self._open):
            self._follow(number)
        parallel = control.parallel or places
        if control.stop:
            self._halt()
        elif not control.paused:
            while not self._reason and self._active() < parallel and self._begin():
                pass
        self._over = self._is_over(control)
        self._put_down(control, parallel)
        return self._over

    def _active(self) -> int:
        """Return how many trials take a place: a run that was released takes none."""
        looked = [self._looked.get(number) for number in self._open]
        return sum(run is None or run.live or run.state != "paused" for run in looked)

    def _is_over(self, control: Control) -> bool:
        if control.stop or self._reason:
            return not any(self._is_live(number) for number in self._open)
        return not control.paused and not self._active()

    def _is_live(self, number: int) -> bool:
        run = self._looked.get(number)
        return run is not None and run.live

    def _begin(self) -> bool:
        """Start the next trial; return whether there was one."""
        asked = self._study.ask()
        if asked is None:
            return False
        self._start(asked)
        return True

    def _start(self, asked: Asked) -> None:
        number = asked.number
        self._open[number] = asked
        try:
            self._runs.start(number, asked.point)
        except (TuitrainError, OSError) as error:
            self._tell(number, "failed", None, f"no run can be started: {error}")
        else:
            self._rows[number] = self._row(asked, None)
            self._say(f"trial {number}: {_words(asked)}")

    def _halt(self) -> None:
        """Let every run save and end, once; its trial goes on at the next start."""
        if self._stopping:
            return
        self._stopping = True
        for number in self._open:
            self._study.mark(number, **{_HALTED: True})
            self._runs.stop(number)
            self._open[number] = self._study.trial(number)

    # --- one trial --------------------------------------------------------------------------------

    def _follow(self, number: int) -> None:
        run = self._runs.look(number)
        if run is None:
            self._give_up(number)
            return
        if run is not self._looked.get(number):
            if number not in self._looked:
                self._study.mark(number, **{_RUN: run.id})
            self._looked[number] = run
            self._report(number, run)
            self._rows[number] = self._row(self._open[number], run)
        if not run.live and run.state not in ("paused", "queued", "starting", "running"):
            self._conclude(number, run)

    def _report(self, number: int, run: TrialRun) -> None:
        """Report evaluations that are new, and have the run stopped where it falls behind."""
        asked = self._open[number]
        fresh = [
            (index, epoch, value)
            for index, (epoch, value) in enumerate(run.evaluations, 1)
            if index not in asked.reported
        ]
        for index, epoch, value in fresh:
            if math.isfinite(value):
                self._study.report(number, index, value)
            late = epoch >= self._sweep.settings.min_epochs and run.live
            if late and not asked.marks.get(_PRUNED) and self._study.should_prune(number):
                self._study.mark(number, **{_PRUNED: True})
                self._say(f"trial {number}: pruned at epoch {epoch:g}, {self._metric} {value:.5g}")
                self._runs.stop(number)
                break
        if fresh:
            self._open[number] = self._study.trial(number)

    def _conclude(self, number: int, run: TrialRun) -> None:
        """Tell the end of a run that has ended, or go on with one that was lost."""
        marks, value = self._open[number].marks, self._value(run)
        if run.state == "lost":
            self._resume(number, f"{run.id}: was lost, goes on")
        elif run.state == "finished":
            if value is None:
                self._tell(number, "failed", None, f"never evaluated {self._metric}")
            else:
                self._tell(number, "complete", value)
        elif run.state != "stopped":
            self._tell(number, "failed", None, run.reason)
        elif marks.get(_PRUNED):
            self._tell(number, "pruned", value)
        elif not marks.get(_HALTED):
            outcome: Outcome = "failed" if value is None else "pruned"
            self._tell(number, outcome, value, "stopped by hand")

    def _value(self, run: TrialRun) -> float | None:
        """Return the best finite value of the metric."""
        values = [value for _epoch, value in run.evaluations if math.isfinite(value)]
        if not values:
            return None
        return max(values) if self._mode == "max" else min(values)

    def _resume(self, number: int, words: str) -> None:
        self._resumes[number] = self._resumes.get(number, 0) + 1
        if self._resumes[number] > _RESUMES:
            self._tell(number, "failed", None, f"was lost {_RESUMES} times")
            return
        try:
            self._runs.resume(number)
        except (TuitrainError, OSError) as error:
            self._say(f"trial {number}: {error}")
            self._give_up(number)
        else:
            self._say(words)

    def _give_up(self, number: int) -> None:
        """Let the point be run again by another trial: its run is gone."""
        self._study.repeat(number)
        self._say(f"trial {number}: its run is gone, its settings are run again")
        self._rows[number] = replace(self._row(self._open.pop(number), None), state="repeated")
        self._looked.pop(number, None)

    def _tell(self, number: int, outcome: Outcome, value: float | None, reason: str = "") -> None:
        if reason:
            self._study.mark(number, **{_REASON: reason})
        self._study.tell(number, outcome, value)
        self._open.pop(number)
        run = self._looked.pop(number, None)
        self._runs.forget(number)
        self._rows[number] = self._row(self._study.trial(number), run)
        shown = "" if value is None else f", {self._metric} {value:.5g}"
        self._say(f"trial {number}: {outcome}{shown}{f', {reason}' if reason else ''}")
        self._refuse_to_go_on()

    def _refuse_to_go_on(self) -> None:
        """Start nothing more where all trials fail: they have one cause, which a person can see."""
        rows = [self._rows[number] for number in sorted(self._rows)]
        ended = [row for row in rows if row.state in ("complete", "pruned", "failed")]
        if len(ended) >= _MOST_FAILURES and all(row.state == "failed" for row in ended):
            self._reason = f"all of {len(ended)} trials failed; the last: {ended[-1].reason}"

    # --- how it stands --------------------------------------------------------------------------

    def _row(self, asked: Asked, run: TrialRun | None) -> TrialRow:
        state = asked.state
        if state == "running" and run is not None:
            state = run.state
        if asked.state == "failed" and asked.marks.get("repeated"):
            state = "repeated"
        values = list(asked.reported.values())
        if run is not None:
            values = [value for _epoch, value in run.evaluations]
        value = asked.value if asked.value is not None else self._best(values)
        return TrialRow(
            asked.number,
            state,
            run.id if run is not None else str(asked.marks.get(_RUN) or ""),
            asked.point,
            value,
            run.epoch if run is not None else 0.0,
            tail(values),
            str(asked.marks.get(_REASON) or ""),
        )

    def _best(self, values: Sequence[float]) -> float | None:
        finite = [value for value in values if math.isfinite(value)]
        if not finite:
            return None
        return max(finite) if self._mode == "max" else min(finite)

    def _put_down(self, control: Control, parallel: int) -> None:
        if control.stop or self._reason:
            state = "stopped" if self._over else "stopping"
        elif self._over:
            state = "stopped" if self._open else "finished"
        else:
            state = "paused" if control.paused else "running"
        reason = self._reason
        if self._over and self._open and not reason:
            reason = f"{len(self._open)} trials are at rest: `tuitrain sweep resume` goes on"
        rows = tuple(self._rows[number] for number in sorted(self._rows))
        self.table = replace(self.table, parallel=parallel, state=state, rows=rows, reason=reason)


def _words(asked: Asked) -> str:
    return ", ".join(f"{key} {value_words(value)}" for key, value in asked.point.items())
