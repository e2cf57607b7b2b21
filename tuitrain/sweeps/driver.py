"""What a sweep's driver does: asks for points, has them run, reports, prunes, and tells.

Decides; knows neither Optuna's storage nor processes, and reads no clock. Whatever it needs to
know after a kill is in the study and in the runs.
"""

import math
from collections.abc import Callable
from typing import Protocol

from tuitrain.errors import TuitrainError
from tuitrain.sweeps.directory import Control
from tuitrain.sweeps.runs import TrialRun, TrialRuns
from tuitrain.sweeps.settings import Sweep
from tuitrain.sweeps.space import value_words
from tuitrain.sweeps.standing import Standing
from tuitrain.sweeps.study import HALTED, PRUNED, REASON, RUN, Asked, Outcome
from tuitrain.sweeps.table import SweepTable

_RESUMES = 5
"""A run that is lost more often is told as failed: something kills it."""


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
    """Drives one sweep, a look at a time."""

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
        self._study = study
        self._runs = runs
        self._say = say
        self._open = {each.number: each for each in study.running()}
        self._looked: dict[int, TrialRun] = {}
        self._resumes: dict[int, int] = {}
        self._standing = Standing(sweep, metric, mode, study.trials())
        self._stopping = False
        self._reason = ""
        self._over = False
        self._adopt()

    @property
    def table(self) -> SweepTable:
        """How the sweep stands."""
        return self._standing.table

    def _adopt(self) -> None:
        """Go on with what an earlier driver left: live runs as they are, the rest resumed."""
        for number in list(self._open):
            run = self._runs.look(number)
            if run is None:
                self._start_late(number)
            elif not run.live and run.state in ("paused", "stopped", "queued"):
                marks = self._open[number].marks
                if run.state != "stopped" or marks.get(HALTED):
                    self._resume(number, f"{run.id}: goes on")
            if number in self._open:
                self._study.mark(number, **{HALTED: False})
                self._open[number] = self._study.trial(number)

    def _start_late(self, number: int) -> None:
        """Start a trial that an earlier driver asked for and died; run one again that is gone."""
        asked = self._open[number]
        if asked.marks.get(RUN):
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
            self._standing.take(asked, None)
            self._say(f"trial {number}: {_words(asked)}")

    def _halt(self) -> None:
        """Let every run save and end, once; its trial goes on at the next start."""
        if self._stopping:
            return
        self._stopping = True
        for number in self._open:
            self._study.mark(number, **{HALTED: True})
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
                self._study.mark(number, **{RUN: run.id})
            self._looked[number] = run
            self._report(number, run)
            self._standing.take(self._open[number], run)
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
            if late and not asked.marks.get(PRUNED) and self._study.should_prune(number):
                self._study.mark(number, **{PRUNED: True})
                self._say(f"trial {number}: pruned at epoch {epoch:g}, {self._metric} {value:.5g}")
                self._runs.stop(number)
                break
        if fresh:
            self._open[number] = self._study.trial(number)

    def _conclude(self, number: int, run: TrialRun) -> None:
        """Tell the end of a run that has ended, or go on with one that was lost."""
        marks = self._open[number].marks
        value = self._standing.best([each for _epoch, each in run.evaluations])
        if run.state == "lost":
            self._resume(number, f"{run.id}: was lost, goes on")
        elif run.state == "finished":
            if value is None:
                self._tell(number, "failed", None, f"never evaluated {self._metric}")
            else:
                self._tell(number, "complete", value)
        elif run.state != "stopped":
            self._tell(number, "failed", None, run.reason)
        elif marks.get(PRUNED):
            self._tell(number, "pruned", value)
        elif not marks.get(HALTED):
            outcome: Outcome = "failed" if value is None else "pruned"
            self._tell(number, outcome, value, "stopped by hand")

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
        self._open.pop(number)
        self._standing.take(self._study.trial(number), self._looked.pop(number, None))

    def _tell(self, number: int, outcome: Outcome, value: float | None, reason: str = "") -> None:
        if reason:
            self._study.mark(number, **{REASON: reason})
        self._study.tell(number, outcome, value)
        self._open.pop(number)
        run = self._looked.pop(number, None)
        self._runs.forget(number)
        self._standing.take(self._study.trial(number), run)
        shown = "" if value is None else f", {self._metric} {value:.5g}"
        self._say(f"trial {number}: {outcome}{shown}{f', {reason}' if reason else ''}")
        self._reason = self._standing.why_hopeless()

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
        self._standing.put_down(state, parallel, reason)


def _words(asked: Asked) -> str:
    return ", ".join(f"{key} {value_words(value)}" for key, value in asked.point.items())
