"""What a run goes on from: a checkpoint, its very beginning, or the weights of another file.

Knows checkpoints and a trainer that is built; nothing of how it was.
"""

import time
from pathlib import Path
from typing import Any

import torch

from tuitrain.config.schema import Preset
from tuitrain.errors import CheckpointError, DamagedCheckpointError
from tuitrain.messages import (
    AlertRaised,
    CheckpointRemoved,
    CheckpointSaved,
    PreparationReported,
    StartTraining,
    TrainingResumed,
)
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder, load_checkpoint, size_of
from tuitrain.training.checkpoints.weights import begin_with
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.distributed.sending import at_hand
from tuitrain.training.distributed.world import World
from tuitrain.training.loop import Trainer
from tuitrain.training.settings.changed import begin_again, resettle
from tuitrain.training.settings.live import PendingChanges


class Resumption:
    """Brings a trainer to where its run goes on."""

    def __init__(
        self,
        order: StartTraining,
        preset: Preset,
        link: WorkerChannel,
        world: World,
        folder: CheckpointFolder,
        writer: CheckpointWriter,
    ) -> None:
        """Prepare to go on as an order says.

        Args:
            order: what is to be done.
            preset: of the run.
            link: is told what was found.
            world: the ranks, which go on together.
            folder: the checkpoints.
            writer: is told of the one in use.
        """
        self._order = order
        self._directory = Path(order.run_directory)
        self._preset = preset
        self._link = link
        self._world = world
        self._folder = folder
        self._writer = writer
        self._restored: Path | None = None
        """The checkpoint that the run goes on from."""

    def resume(self, trainer: Trainer) -> None:
        """Go back to a checkpoint: rank 0 finds it, the others follow."""
        if self._world.leads:
            self._restore(trainer)
            path = self._world.first(self._restored)
            if path is not None and self._world.is_spread:
                with at_hand(self._world, path, self._folder.folder):
                    pass
            return
        path = self._world.first(self._restored)
        settings = PendingChanges(self._order.settings)
        if path is None:
            trainer.state.pending = settings
            self.begin_with_weights(trainer)
            begin_again(trainer.state, self._order, self._link.send)
            return
        if self._order.checkpoint:
            settings = PendingChanges(())
        # Rank 0 has checked it; of a sharded model each rank reads its own part.
        whole = trainer.components.plain is None
        if not self._world.is_spread:
            self._load(trainer, load_checkpoint(path, checked=whole, whole=whole), settings)
            return
        with at_hand(self._world, path, self._folder.folder) as found:
            self._load(trainer, load_checkpoint(found, checked=whole, whole=whole), settings)

    def begin_with_weights(self, trainer: Trainer) -> None:
        """Begin with the weights of a file, if so told, and nothing else of it.

        Raises:
            CheckpointError: the file can't be read.
            TrainingError: the weights are of another model.
        """
        if self._preset.train.weights_from is None:
            return
        path = Path(self._preset.train.weights_from)
        self._report(f"loading the weights of {path.name}")
        parts = trainer.components
        fitting = begin_with(parts.model, path, sharded=parts.plain is not None)
        if fitting.is_whole:
            self._report(fitting.text())
        else:
            self._alert(f"train.weights_from = {path}: {fitting.text()}")

    def _restore(self, trainer: Trainer) -> None:
        """Go back to the newest whole checkpoint.

        Raises:
            CheckpointError: there were checkpoints, and none of them can be read.
        """
        settings = PendingChanges(self._order.settings)
        whole = trainer.components.plain is None
        if self._order.checkpoint:
            path = self._directory / self._order.checkpoint
            state = load_checkpoint(path, whole=whole)
            self._restore_from(path, state, trainer, PendingChanges(()))
            return
        for path in self._folder.files():
            self._report(f"loading {path.name}")
            try:
                state = load_checkpoint(path, whole=whole)
            except DamagedCheckpointError as error:
                self._set_aside(path, error)
                continue
            self._restore_from(path, state, trainer, settings)
            return
        if self._order.had_checkpoint or self._folder.has_damaged():
            raise CheckpointError(
                f"no checkpoint in {self._folder.folder} can be read any more; "
                f"`tuitrain run {self._directory / 'config.toml'}` begins the run anew"
            )
        trainer.state.pending = settings
        self.begin_with_weights(trainer)
        self._link.send(TrainingResumed(time.time(), 0, "", ""))
        begin_again(trainer.state, self._order, self._link.send)
        self._alert("the run ended before its first checkpoint: it begins again at step 0")

    def _restore_from(
        self, path: Path, state: dict[str, Any], trainer: Trainer, settings: PendingChanges
    ) -> None:
        self._folder.abandon_after(state["step"])
        self._link.send(
            TrainingResumed(time.time(), state["step"], self._relative(path), state["pending"])
        )
        self._load(trainer, state, settings)
        self._restored = path
        self._tell_of_ranks(state["generators"])
        self._adopt(path, state["digest"], trainer)

    def _load(self, trainer: Trainer, state: dict[str, Any], settings: PendingChanges) -> None:
        if _ranks_of(state["generators"]) == self._world.size:
            self._keep_threads(int(state["threads"]))
        trainer.state.load_state_dict(state, settings)
        trainer.checkpoints.saved_step = trainer.state.step
        resettle(trainer.state, state, self._order, self._link.send)

    def _tell_of_ranks(self, generators: Any) -> None:
        """Say what stays exact and what does not where the number of ranks is another."""
        before, now = _ranks_of(generators), self._world.size
        if before != now:
            self._alert(
                f"goes on with {_ranks(now)}, it had {_ranks(before)}: order and augmentation of "
                "the samples stay the same; dropout and other draws of the model differ, and sums "
                "differ in their last digits"
            )

    def _set_aside(self, path: Path, error: DamagedCheckpointError) -> None:
        aside = self._folder.set_aside(path)
        self._link.send(CheckpointRemoved(time.time(), self._relative(path), str(error)))
        self._alert(f"{error}; it is kept as {aside.name}, and the checkpoint before it is used")

    def _keep_threads(self, threads: int) -> None:
        """Results repeat to the last bit at a fixed number of threads only."""
        if self._preset.train.threads or threads == torch.get_num_threads():
            return
        self._alert(f"trains on with the {threads} CPU threads that the run began with")
        torch.set_num_threads(threads)

    def _adopt(self, path: Path, digest: str, trainer: Trainer) -> None:
        """Tell the record of the file in use: a supervisor that died may not have noted it."""
        self._folder.point(("last",), path)
        self._writer.newest = CheckpointSaved(
            time=time.time(),
            step=trainer.state.step,
            path=self._relative(path),
            names=self._folder.names(path),
            digest=digest,
            size_bytes=size_of(path),
            held_up_s=0.0,
            write_s=0.0,
            metrics=trainer.state.progress.metrics,
        )
        self._link.send(self._writer.newest)

    def _report(self, text: str) -> None:
        self._link.send(PreparationReported(time.time(), text))

    def _alert(self, text: str) -> None:
        self._link.send(AlertRaised(time.time(), 0, "checkpoint", text))

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._directory))


def _ranks_of(generators: Any) -> int:
    """Return how many ranks a checkpoint is of: it holds a list of theirs, or one alone."""
    return 1 if isinstance(generators, dict) else len(generators)


def _ranks(number: int) -> str:
    return "one rank" if number == 1 else f"{number} ranks"
