"""How a run ends: what is saved then, and in which words it is told."""

import os
import time
from typing import Literal

from tuitrain.errors import TrainingError
from tuitrain.messages import TrainingEnded
from tuitrain.training.checkpoints.manager import CheckpointManager
from tuitrain.training.memory.oom_recovery import HALF_MADE
from tuitrain.training.memory.oom_report import (
    OomReport,
    OutOfMemory,
    is_in_update,
    is_out_of_memory,
)
from tuitrain.training.metrics.reporter import StepReporter
from tuitrain.training.state import TrainingState

EndState = Literal["finished", "stopped", "failed", "paused"]


class RunEndedError(Exception):
    """The run is over for a reason that `ended` tells."""

    def __init__(self, ended: TrainingEnded) -> None:
        super().__init__(ended.reason)
        self.ended = ended


class Endings:
    """Ends one run, each time with the last whole step on record and on disk where it can be."""

    def __init__(
        self, state: TrainingState, checkpoints: CheckpointManager, reporter: StepReporter
    ) -> None:
        self._state = state
        self._checkpoints = checkpoints
        self._reporter = reporter
        self._pid = os.getpid()

    def end(self, name: EndState, reason: str) -> TrainingEnded:
        """Save the state of this step and return the run's end."""
        self._checkpoints.save_whole("last")
        return self.without_saving(name, reason)

    def without_saving(self, name: EndState, reason: str) -> TrainingEnded:
        """Return the run's end; the last checkpoint stays the one that it is."""
        return TrainingEnded(time.time(), self._state.step, name, reason)

    def finish(self, reason: str = "") -> TrainingEnded:
        """Return the end of a run that has done all its steps, or that stopped early by itself."""
        lacking = self._state.progress.lacks_best()
        said = f"; {lacking}" if lacking and self._state.components.preset.checkpoint.best else ""
        return self.end("finished", f"{reason or self._steps_done()}{said}")

    def _steps_done(self) -> str:
        train = self._state.components.preset.train
        if train.max_steps and self._state.step == train.max_steps:
            return f"train.max_steps = {train.max_steps} reached"
        return f"{train.epochs} epochs done" if train.epochs > 1 else "1 epoch done"

    def nonfinite(self, reason: str) -> TrainingEnded:
        """Save the last finite state, if this is one, and return the run's failure."""
        if self._state.weights_are_finite():
            saved = f"the state of step {self._state.step} is saved"
            return self.end("failed", f"{reason}; {saved}: resume with a lower optimizer.lr")
        advice = (
            "the weights are not finite either, so the last checkpoint stays the one before: "
            "resume with another learning rate or train.clip_norm"
        )
        return self.without_saving("failed", f"{reason}; {advice}")

    # --- a step that failed, once what it has left is undone -------------------------------------

    def save_last_step(self) -> None:
        """Put the last whole step on record and on disk; one of several ranks can't alone."""
        if not self._state.components.world.is_alone:
            return
        self._reporter.flush()
        if not self._reporter.ends or self._state.weights_are_finite():
            self._checkpoints.save_whole("last")

    def save_for_lack_of_memory(self, report: OomReport) -> str:
        """Save the last whole step where there is one; return what became of it, in words."""
        if report.in_update:
            return HALF_MADE
        try:
            self.save_last_step()
        except OutOfMemory as error:
            if not is_out_of_memory(error):
                raise
            return "; there was no memory left to save this step, the last checkpoint stays"
        return f"; {saved}" if (saved := self._saved()) else ""

    def leave_forked_child(self, error: BaseException) -> None:
        """End this process where a part of the run has forked it: the run is its parent's."""
        if os.getpid() != self._pid:
            os._exit(_exit_code_of(error))

    def save_before(self, error: BaseException) -> None:
        """Save the last whole step before an error ends the run; the error's notes say so."""
        if is_in_update(error):
            error.add_note("the last update may be half made, so the last checkpoint stays")
            return
        try:
            self.save_last_step()
        except BaseException as second:  # a device that is lost takes its weights along
            note_unsaved(error, second)
        else:
            if saved := self._saved():
                error.add_note(saved)

    def _saved(self) -> str:
        step = self._state.step
        return f"step {step} is saved" if self._checkpoints.has(step) else ""


def note_unsaved(error: BaseException, second: BaseException) -> None:
    """Note on an error that the last step could not be saved, and why if that is another reason."""
    again = isinstance(second, TrainingError) and str(second) == str(error)
    why = "" if again else f": {type(second).__name__}: {second}"
    error.add_note(f"the last step could not be saved{why}")


def _exit_code_of(error: BaseException) -> int:
    """Return what python would end a process with that this error leaves."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 1
