"""A disk that can't take a checkpoint is waited out: training stands still until it can.

Knows the writer and how to stand still; not what a checkpoint holds.
"""

import time
from collections.abc import Callable

from tuitrain.messages import GOES_ON_BY_ITSELF, AlertRaised, HoldForRecord, RecordWritable, Stop
from tuitrain.training.boundary import Planner
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.standstill import Standstill
from tuitrain.training.state import TrainingState

_RETRY_S = 5.0
_ADVICE = f"make room there, and {GOES_ON_BY_ITSELF}"


class DiskHeldError(Exception):
    """The run waited for the disk and was told to end meanwhile."""


class FullDisk:
    """Waits for one run's disk."""

    def __init__(
        self,
        state: TrainingState,
        writer: CheckpointWriter,
        planner: Planner,
        channel: WorkerChannel,
        standstill: Standstill,
    ) -> None:
        """Stand by a writer.

        Args:
            state: tells the step.
            writer: tries again what failed.
            planner: tells what comes in meanwhile.
            channel: takes the alert.
            standstill: says that training waits.
        """
        self._state = state
        self._writer = writer
        self._planner = planner
        self._channel = channel
        self._standstill = standstill

    def wait_out(self, write: Callable[[], None]) -> bool:
        """Do what writes; where the disk can't take it, alert, wait, and try again.

        Returns:
            Whether training stood still for it.

        Raises:
            DiskHeldError: the run was told to end meanwhile.
        """
        waited = False
        while True:
            try:
                write()
                return waited
            except OSError as error:
                waited = True
                self._hold(f"a checkpoint could not be written: {error}; {_ADVICE}")

    def _hold(self, reason: str) -> None:
        """Stand still until the checkpoint that failed is on disk."""
        self._channel.send(disk_alert(self._state.step, reason))
        self._standstill.begin(self._state.step, reason)
        self._wait(reason)
        while not self._retried():
            self._wait(reason)
        self._standstill.end(self._state.step)

    def _retried(self) -> bool:
        try:
            self._writer.retry()
        except OSError:
            return False
        return True

    def _wait(self, reason: str) -> None:
        self._planner.wait(_RETRY_S)
        commands, orphaned = self._planner.arrived()
        if orphaned:
            raise DiskHeldError(f"the supervisor is gone, and {reason}")
        step = self._state.step
        for command in commands:
            match command:
                case Stop():
                    text = f"stopped at step {step}; {reason}"
                    self._standstill.answer(command, "done", text, step)
                    raise DiskHeldError(f"{command.reason}; {reason}")
                case HoldForRecord():
                    self._standstill.held = command.reason
                case RecordWritable():
                    self._standstill.held = ""
                case _:
                    self._standstill.answer(command, "refused", f"the run holds: {reason}", step)


def disk_alert(step: int, text: str) -> AlertRaised:
    """Return the alert on a checkpoint that could not be written."""
    return AlertRaised(time.time(), step, "disk", text)
