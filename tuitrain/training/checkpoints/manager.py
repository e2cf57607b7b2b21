"""When a checkpoint of the state is wanted: saved, named, waited for.

Knows the state and the writer; not why a checkpoint is wanted.
"""

import time

from tuitrain.messages import ActivityBegun, encode_pending
from tuitrain.training.boundary import Planner
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.full_disk import FullDisk, disk_alert
from tuitrain.training.checkpoints.saveable import require_saveable
from tuitrain.training.checkpoints.sharded import require_placed
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.standstill import Standstill
from tuitrain.training.state import TrainingState


class CheckpointManager:
    """Saves one run's state."""

    def __init__(
        self,
        state: TrainingState,
        writer: CheckpointWriter,
        planner: Planner,
        channel: WorkerChannel,
        standstill: Standstill,
        config: str,
    ) -> None:
        """Save `state` through `writer`.

        Args:
            state: what is saved.
            writer: copies and writes it.
            planner: tells what comes in while the disk is waited for.
            channel: holds the events that go into a checkpoint, as the record may lack them.
            standstill: says that training waits.
            config: the resolved preset, as checkpoints hold it.
        """
        self.saved_step = -1
        """The step of the newest checkpoint, on disk or under way."""
        self._state = state
        self._writer = writer
        self._channel = channel
        self._disk = FullDisk(state, writer, planner, channel, standstill)
        self._config = config
        parts = state.components
        self._data = parts.description.to_json(parts.preset.data.name)
        self._proved = False

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written."""
        return self._writer.busy

    @property
    def newest(self) -> str:
        """The newest file's path relative to the run's directory; empty: there is none."""
        return self._writer.newest.path if self._writer.newest else ""

    def has(self, step: int) -> bool:
        """Return whether a step's checkpoint is in place, or being written."""
        return self._writer.has(step)

    def prove(self) -> None:
        """Look once, when the optimizer has a state, whether checkpoints could be loaded again.

        Raises:
            TrainingError: they could not, or can't be written; the text says what is at fault.
        """
        if not self._proved:
            self._proved = True
            state = self._state.state_dict()
            require_saveable(state, self._state.step)
            self._writer.parts.require_place(state)
            require_placed(self._state.components.optimizer)

    def save(self, *names: str) -> None:
        """Begin to save a checkpoint of this step, or give the one it has more names.

        Raises:
            DiskHeldError: the disk was full, and the run was told to end meanwhile.
        """
        step = self._state.step
        world = self._state.components.world
        world.stand(step, "checkpoint")
        if world.first(self._writer.has(step)):
            self._disk.wait_out(lambda: self._writer.add_names(names))
            return
        self._channel.send(ActivityBegun(time.time(), step, "saving"))
        keep = self._state.components.preset.checkpoint.keep
        metrics = self._state.progress.metrics
        self._disk.wait_out(
            lambda: self._writer.save(
                self._collect, step=step, names=names, keep=keep, metrics=metrics
            )
        )
        self.saved_step = step

    def save_whole(self, *names: str) -> None:
        """Save a checkpoint of this step, if it is one, and wait until it is on disk.

        Raises:
            DiskHeldError: the disk was full, and the run was told to end meanwhile.
        """
        if self._state.step:
            self.save(*names)
        self.wait()

    def wait(self) -> None:
        """Wait until the checkpoint under way is on disk.

        Raises:
            DiskHeldError: the disk was full, and the run was told to end meanwhile.
        """
        self._disk.wait_out(self._writer.wait)

    def check(self) -> bool:
        """Notice a checkpoint that failed in its thread, and wait until it can be written.

        Returns:
            Whether training stood still for it.

        Raises:
            DiskHeldError: the run was told to end meanwhile.
        """
        return self._disk.wait_out(self._writer.check)

    def settle(self) -> None:
        """Let the checkpoint in flight reach the disk: a run that ends takes its process along."""
        error = self._writer.settle()
        if error is not None:
            text = f"the last checkpoint could not be written: {error}"
            self._channel.send(disk_alert(self._state.step, text))

    def _collect(self) -> dict[str, object]:
        pending = encode_pending(self._channel.unacknowledged())
        about = {"config": self._config, "data": self._data}
        return {**self._state.state_dict(), **about, "pending": pending}
