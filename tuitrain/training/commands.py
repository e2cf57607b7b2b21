"""Applies commands to a run, between two steps.

Everything here may take its time: training stands still. An evaluation that is asked for is part
of the boundary; here it is only answered.
"""

import time
from collections.abc import Callable
from typing import Literal

from tuitrain.messages import (
    ChangeSetting,
    Command,
    Continue,
    Evaluate,
    HoldForRecord,
    Pause,
    Profile,
    RecordWritable,
    SaveCheckpoint,
    SettingChanged,
    Stop,
    TrainingEnded,
)
from tuitrain.training.checkpoints.manager import CheckpointManager
from tuitrain.training.distributed.profiles import RankProfiles
from tuitrain.training.endings import Endings
from tuitrain.training.standstill import Standstill
from tuitrain.training.state import TrainingState


class CommandHandler:
    """Does what people and the supervisor ask for."""

    def __init__(
        self,
        state: TrainingState,
        checkpoints: CheckpointManager,
        endings: Endings,
        profiles: RankProfiles,
        standstill: Standstill,
    ) -> None:
        self._state = state
        self._checkpoints = checkpoints
        self._endings = endings
        self._profiles = profiles
        self._standstill = standstill

    def handle(
        self, next_command: Callable[[], Command | None], orphaned: bool
    ) -> TrainingEnded | None:
        """Apply commands in their order; return the run's end if one of them ends it."""
        while (command := next_command()) is not None:
            ended = self._apply(command)
            if ended is not None:
                return ended
        return self._endings.end("paused", "the supervisor is gone") if orphaned else None

    @property
    def stand_still(self) -> bool:
        """Whether training is to wait."""
        return self._standstill.lasts

    def repeat(self, changes: tuple[tuple[int, str, float], ...]) -> None:
        """Make changes (step, key, value) again that are on record after a checkpoint."""
        for step, key, value in changes:
            old = self._state.change_setting(key, value)
            if step == self._step:
                self._standstill.send(SettingChanged(time.time(), step, key, old, value))

    @property
    def _step(self) -> int:
        return self._state.step

    def _apply(self, command: Command) -> TrainingEnded | None:
        match command:
            case Pause():
                return self._pause(command)
            case Stop():
                return self._stop(command)
            case HoldForRecord():
                self._standstill.held = command.reason
                self._standstill.begin(self._step, command.reason)
            case RecordWritable():
                self._release()
            case Continue():
                self._continue(command)
            case SaveCheckpoint():
                self._save(command)
            case Evaluate():
                self._answer(command, "done", f"evaluated at step {self._step}")
            case ChangeSetting():
                self._change(command)
            case Profile():
                self._profiles.begin(command, self._step)
        return None

    def _answer(self, command: Command, outcome: Literal["done", "refused"], text: str) -> None:
        self._standstill.answer(command, outcome, text, self._step)

    def _save(self, command: SaveCheckpoint) -> None:
        self._checkpoints.save("last", *filter(None, [command.name]))
        self._checkpoints.wait()
        self._answer(command, "done", f"saved {self._checkpoints.newest or 'a checkpoint'}")

    def _change(self, command: ChangeSetting) -> None:
        groups = self._state.components.groups
        if command.key == "optimizer.weight_decay" and not groups.takes_weight_decay:
            self._answer(
                command, "refused", "every parameter group of the optimizer fixes its own decay"
            )
            return
        new = float(command.value)
        if new == self._state.settings.now(command.key, self._step):
            same = f"{command.key} is {new:.6g} already: nothing is changed"
            self._answer(command, "done", same)
            return
        old = self._state.change_setting(command.key, command.value)
        self._standstill.send(SettingChanged(time.time(), self._step, command.key, old, new))
        self._answer(
            command, "done", f"{command.key}: {old:.6g} -> {new:.6g} from step {self._step + 1} on"
        )

    def _stop(self, command: Stop) -> TrainingEnded:
        ended = self._endings.end("stopped", command.reason)
        self._answer(command, "done", f"stopped at step {self._step}")
        return ended

    def _pause(self, command: Pause) -> TrainingEnded | None:
        if command.release:
            ended = self._endings.end("paused", "released")
            self._answer(command, "done", f"paused and released at step {self._step}")
            return ended
        if self._standstill.paused:
            self._answer(command, "refused", f"the run is paused already (step {self._step})")
            return None
        self._checkpoints.save_whole("last")
        self._standstill.paused = True
        self._standstill.begin(self._step, "by command")
        self._answer(command, "done", f"paused at step {self._step}")
        return None

    def _continue(self, command: Continue) -> None:
        standstill = self._standstill
        if not standstill.paused:
            self._answer(command, "refused", f"the run is not paused (step {self._step})")
            return
        standstill.paused = False
        standstill.end(self._step)
        when = f" once this is over: {standstill.held}" if standstill.held else ""
        self._answer(command, "done", f"goes on from step {self._step}{when}")

    def _release(self) -> None:
        if self._standstill.held:
            self._standstill.held = ""
            self._standstill.end(self._step)
