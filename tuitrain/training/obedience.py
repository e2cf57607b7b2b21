"""What the loop does at a boundary because somebody, or the disk, asks for it: hold, stop, save.

Everything here may take its time: training stands still.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from tuitrain.messages import (
    ChangeSetting,
    Command,
    CommandDone,
    Continue,
    Evaluate,
    Hold,
    Pause,
    Profile,
    Release,
    SaveCheckpoint,
    SettingChanged,
    Stop,
    TrainingContinued,
    TrainingEnded,
    TrainingPaused,
)
from tuitrain.training.shortage import is_in_update

if TYPE_CHECKING:
    from tuitrain.training.loop import Trainer

_LOOK_S = 1.0
_DISK_RETRY_S = 5.0

EndState = Literal["finished", "stopped", "failed", "paused"]


class DiskHeldError(Exception):
    """The run held for the disk and was told to end meanwhile."""


class Obedience:
    """Applies commands to a trainer."""

    def __init__(self, trainer: "Trainer") -> None:
        self._trainer = trainer
        self._link = trainer.link
        self._paused = False
        self._standing = False
        self.held = ""
        """Why the supervisor wants training to wait, if it does."""

    def obey(self) -> TrainingEnded | None:
        """Apply every command that has arrived; return the run's end if one of them ends it."""
        while (command := self._link.next_command()) is not None:
            ended = self._apply(command)
            if ended is not None:
                return ended
        if self._link.orphaned:
            return self.end("paused", "the supervisor is gone")
        return self._stand_still()

    def _apply(self, command: Command) -> TrainingEnded | None:
        match command:
            case Pause():
                return self._pause(command)
            case Stop():
                return self._stop(command)
            case Hold():
                return self._hold(command)
            case Release():
                self._release()
            case Continue():
                self._continue(command)
            case SaveCheckpoint():
                self._save(command)
            case Evaluate():
                self._trainer.evaluate()
                self._answer(command, "done", f"evaluated at step {self._step}")
            case ChangeSetting():
                self._change(command)
            case Profile():
                self._trainer.profiler.begin(command, self._step)
        return None

    @property
    def _step(self) -> int:
        return self._trainer.step

    def _answer(self, command: Command, outcome: Literal["done", "refused"], text: str) -> None:
        number = getattr(command, "command_id", 0)
        if number:
            self._link.send(CommandDone(time.time(), number, outcome, text, self._step))

    # --- commands -------------------------------------------------------------------------------

    def _save(self, command: SaveCheckpoint) -> None:
        names = ("last", command.name) if command.name else ("last",)
        self._trainer.save(names)
        self.with_disk(self._trainer.writer.wait)
        self._trainer.resume_clock()
        newest = self._trainer.writer.newest
        self._answer(command, "done", f"saved {newest.path if newest else 'a checkpoint'}")

    def _change(self, command: ChangeSetting) -> None:
        new = float(command.value)
        if new == self._trainer.settings.now(command.key, self._step):
            same = f"{command.key} is {new:.6g} already: nothing is changed"
            self._answer(command, "done", same)
            return
        old = self._trainer.change_setting(command.key, command.value)
        self._link.send(SettingChanged(time.time(), self._step, command.key, old, new))
        self._answer(
            command, "done", f"{command.key}: {old:.6g} -> {new:.6g} from step {self._step + 1} on"
        )

    def _stop(self, command: Stop) -> TrainingEnded:
        ended = self.end("stopped", command.reason)
        self._answer(command, "done", f"stopped at step {self._step}")
        return ended

    def _pause(self, command: Pause) -> TrainingEnded | None:
        if command.release:
            ended = self.end("paused", "released")
            self._answer(command, "done", f"paused and released at step {self._step}")
            return ended
        if self._paused:
            self._answer(command, "refused", f"the run is paused already (step {self._step})")
            return None
        self._save_whole()
        self._paused = True
        self._tell_paused("by command")
        self._answer(command, "done", f"paused at step {self._step}")
        return self._stand_still()

    def _continue(self, command: Continue) -> None:
        if not self._paused:
            self._answer(command, "refused", f"the run is not paused (step {self._step})")
            return
        self._paused = False
        self._tell_unless_waiting()
        when = f" once this is over: {self.held}" if self.held else ""
        self._answer(command, "done", f"goes on from step {self._step}{when}")

    def _hold(self, command: Hold) -> TrainingEnded | None:
        self.held = command.reason
        self._tell_paused(command.reason)
        return self._stand_still()

    def _release(self) -> None:
        if self.held:
            self.held = ""
            self._tell_unless_waiting()

    def _stand_still(self) -> TrainingEnded | None:
        """Do what is told until neither a person nor the supervisor wants training to wait."""
        if self._standing or not (self._paused or self.held):
            return None
        self._standing = True
        while self._paused or self.held:
            command = self._link.next_command()
            if command is not None:
                ended = self._apply(command)
                if ended is not None:
                    return ended
            elif self._link.orphaned:
                return self.end("paused", "the supervisor is gone")
            else:
                self._link.wait_for_command(_LOOK_S)
        self._standing = False
        self._trainer.resume_clock()
        return None

    def _tell_paused(self, reason: str) -> None:
        self._link.send(TrainingPaused(time.time(), self._step, reason))

    def _tell_unless_waiting(self) -> None:
        """Say that training goes on, or what it still waits for."""
        if self._paused or self.held:
            self._tell_paused(self.held or "by command")
        else:
            self._link.send(TrainingContinued(time.time(), self._step))

    # --- endings --------------------------------------------------------------------------------

    def end(self, state: EndState, reason: str) -> TrainingEnded:
        """Save the state of this step and return the run's end."""
        self._save_whole()
        return TrainingEnded(time.time(), self._step, state, reason)

    def end_nonfinite(self, reason: str) -> TrainingEnded:
        """Save the last finite state, if this is one, and return the run's failure."""
        if not self._trainer.weights_are_finite():
            return TrainingEnded(
                time.time(),
                self._step,
                "failed",
                f"{reason}; the weights are not finite either, so the last checkpoint stays the "
                "one before: resume with another learning rate or train.clip_norm",
            )
        advice = f"the state of step {self._step} is saved: resume with a lower optimizer.lr"
        return self.end("failed", f"{reason}; {advice}")

    def rescue(self, error: Exception) -> None:
        """Save the last whole step before an error ends the run; the error's notes say so."""
        if is_in_update(error):
            error.add_note("the last update may be half made, so the last checkpoint stays")
            return
        try:
            self._trainer.break_off()
            self._trainer.keep_last_step()
        except Exception as second:  # a device that is lost takes its weights along
            error.add_note(f"the last step could not be saved: {type(second).__name__}: {second}")
        else:
            if self._step:
                error.add_note(f"step {self._step} is saved")

    def _save_whole(self) -> None:
        if self._trainer.step:
            self._trainer.save(("last",))
        self.with_disk(self._trainer.writer.wait)

    # --- a disk that can't take it --------------------------------------------------------------

    def check_writer(self) -> None:
        """Notice a checkpoint that failed in its thread, and hold until it can be written."""
        self.with_disk(self._trainer.writer.check)

    def settle_writer(self) -> None:
        """Let the checkpoint in flight reach the disk: a run that ends takes its process along."""
        error = self._trainer.writer.settle()
        if error is not None:
            self._trainer.alert("disk", f"the last checkpoint could not be written: {error}")

    def with_disk(self, write: Callable[[], None]) -> None:
        """Do what writes; where the disk can't take it, alert, hold, and try again.

        Raises:
            DiskHeldError: a stop came while it held.
        """
        while True:
            try:
                write()
                return
            except OSError as error:
                self._hold_for_disk(error)

    def _hold_for_disk(self, error: OSError) -> None:
        """Stand still until the checkpoint that failed is on disk."""
        reason = f"a checkpoint could not be written: {error}"
        self._trainer.alert("disk", f"{reason}; training holds and tries again")
        self._tell_paused(reason)
        self._wait_for_space(reason)
        while not self._retried():
            self._wait_for_space(reason)
        self._tell_unless_waiting()
        self._trainer.resume_clock()

    def _retried(self) -> bool:
        try:
            self._trainer.writer.retry()
        except OSError:
            return False
        return True

    def _wait_for_space(self, reason: str) -> None:
        self._link.wait_for_command(_DISK_RETRY_S)
        if self._link.orphaned:
            raise DiskHeldError(f"the supervisor is gone, and {reason}")
        while (command := self._link.next_command()) is not None:
            match command:
                case Stop():
                    self._answer(command, "done", f"stopped at step {self._step}; {reason}")
                    raise DiskHeldError(f"{command.reason}; {reason}")
                case Hold():
                    self.held = command.reason
                case Release():
                    self.held = ""
                case _:
                    self._answer(command, "refused", f"the run holds: {reason}")
