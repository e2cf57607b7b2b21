"""One worker's work from order to end: build, restore, train.

Knows the run as a folder for checkpoints and a link.
"""

import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tuitrain.config.load import parse_preset
from tuitrain.config.schema import Preset, TrainSection
from tuitrain.errors import CheckpointError, DamagedCheckpointError
from tuitrain.messages import (
    AlertRaised,
    CheckpointRemoved,
    CheckpointSaved,
    PreparationReported,
    StartTraining,
    TrainingEnded,
    TrainingPrepared,
    TrainingResumed,
)
from tuitrain.training.build import TrainingComponents, build_components, pick_device
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder, load_checkpoint, size_of
from tuitrain.training.checkpoints.weights import begin_with
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.distributed.sending import at_hand
from tuitrain.training.distributed.sharding import shard
from tuitrain.training.distributed.strategy import choose_parts, is_sharded_run, replicate
from tuitrain.training.distributed.world import ALONE, World
from tuitrain.training.distributed.writing import FollowingWriter
from tuitrain.training.instruments import Instrument
from tuitrain.training.loop import Trainer
from tuitrain.training.memory.allocator import find_allocator, record_history
from tuitrain.training.memory.oom_ending import end_outside_steps, rerun_words
from tuitrain.training.memory.oom_report import OutOfMemory, capture, is_out_of_memory
from tuitrain.training.modules.frozen_body import keep_features
from tuitrain.training.runtime.compile_choice import choose_compile
from tuitrain.training.runtime.environment import describe_environment
from tuitrain.training.runtime.precision_choice import choose_precision
from tuitrain.training.runtime.randomness import seed_everything
from tuitrain.training.settings.changed import begin_again, check_warmup, resettle
from tuitrain.training.settings.live import PendingChanges


class Session:
    """What one worker does."""

    def __init__(
        self, order: StartTraining, link: WorkerChannel, world: World = ALONE, device: str = ""
    ) -> None:
        """Prepare to carry out an order.

        Args:
            order: what is to be done.
            link: takes events and gives commands.
            world: the ranks, of which this process is one.
            device: of this rank; empty: the preset's.
        """
        self._world = world
        self._order = order
        self._link = link
        self._directory = Path(order.run_directory)
        abandoned = [Path(path).name for path in order.abandoned]
        self._folder = CheckpointFolder(self._directory / "checkpoints", abandoned)
        self._preset: Preset = _placed(parse_preset(order.config, "config.toml"), device)
        self._writer = CheckpointWriter(self._folder, self._directory)
        if not world.leads:
            self._writer = FollowingWriter(self._directory)
        self._writer.send = link.send
        self._trainer: Trainer | None = None
        self._restored: Path | None = None
        """The checkpoint that the run goes on from."""

    def run(self) -> TrainingEnded:
        """Build, restore where ordered, and train until the end.

        Raises:
            TuitrainError: training can't start, for a reason that the text gives.
        """
        try:
            return self._run()
        except OutOfMemory as error:
            if not (is_out_of_memory(error) and self._world.is_alone):
                raise
            return self._end_without_memory(error)

    def _run(self) -> TrainingEnded:
        world = self._world
        if world.leads:
            self._folder.prepare()
        choose_parts(self._preset, world, self._writer, self._folder.folder)
        set_up_torch(self._preset.train)
        if not (world.is_alone or self._preset.train.threads):
            torch.set_num_threads(max(1, torch.get_num_threads() // world.place.size))
        seed_everything(self._preset.train.seed)
        device = pick_device(self._preset.train.device)
        Instrument("the record of allocations", self._tell_left_out).look(
            lambda: record_history(self._preset, device), None
        )
        parts = self._build()
        replicate(parts)
        trainer = self._trainer = Trainer(
            parts, self._link, self._writer, self._order.config, rerun=rerun_words(self._order)
        )
        if self._order.resume:
            self._resume(trainer)
        else:
            self._begin_with_weights(trainer)
        if world.is_alone:
            choose_precision(parts, self._report)
            keep_features(parts, self._report)
            choose_compile(parts, trainer.state.total_steps - trainer.state.step, self._report)
        if not trainer.state.step:
            check_warmup(self._preset, trainer.state.total_steps)
        self._link.send(
            TrainingPrepared(
                time=time.time(),
                start_step=trainer.state.step,
                total_steps=trainer.state.total_steps,
                steps_per_epoch=parts.data.plan.steps_per_epoch,
                parameters=parts.parameters,
                device=str(parts.device),
                environment=describe_environment(parts),
                ahead=parts.data.plan.ahead,
            )
        )
        self._link.enter_training()
        return trainer.run()

    def _end_without_memory(self, error: BaseException) -> TrainingEnded:
        device = pick_device(self._preset.train.device)
        shortage = capture(error, device, find_allocator(device))
        step = self._trainer.state.step if self._trainer is not None else None
        account, ended = end_outside_steps(shortage, step)
        self._link.send(account)
        return ended

    def _report(self, text: str) -> None:
        self._link.send(PreparationReported(time.time(), text))

    def _build(self) -> TrainingComponents:
        """Build the parts; of a machine's ranks one first, as data may be fetched or decoded."""
        sharded = is_sharded_run(self._preset, self._world)
        is_first = not self._world.place.rank
        if not is_first:
            self._world.gather(None)
        parts = build_components(
            self._preset,
            Path(self._order.data_directory),
            self._report,
            self._directory,
            warn=self._tell_of_data,
            world=self._world,
            shard=self._shard if sharded else None,
        )
        if is_first and not sharded:
            self._world.gather(None)
        return parts

    def _shard(self, model: nn.Module) -> nn.Module:
        """Split a model over all ranks, which do that together; return it without numbers."""
        if not self._world.place.rank:
            self._world.gather(None)
        return shard(model, self._preset, pick_device(self._preset.train.device))

    # --- resume ---------------------------------------------------------------------------------

    def _resume(self, trainer: Trainer) -> None:
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
            self._begin_with_weights(trainer)
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
        self._begin_with_weights(trainer)
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

    def _begin_with_weights(self, trainer: Trainer) -> None:
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

    def _tell_left_out(self, text: str, trace: str) -> None:
        self._link.send(AlertRaised(time.time(), 0, "record", text, trace))

    def _tell_of_data(self, text: str) -> None:
        self._link.send(AlertRaised(time.time(), 0, "data", text))

    def _alert(self, text: str) -> None:
        self._link.send(AlertRaised(time.time(), 0, "checkpoint", text))

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._directory))


def _placed(preset: Preset, device: str) -> Preset:
    """Return a preset for one rank's device; empty: as it is."""
    if not device:
        return preset
    return preset.model_copy(update={"train": preset.train.model_copy(update={"device": device})})


def _ranks_of(generators: Any) -> int:
    """Return how many ranks a checkpoint is of: it holds a list of theirs, or one alone."""
    return 1 if isinstance(generators, dict) else len(generators)


def _ranks(number: int) -> str:
    return "one rank" if number == 1 else f"{number} ranks"


def set_up_torch(train: TrainSection) -> None:
    """Let torch compute as a preset says, before anything is on a device."""
    if train.threads:
        torch.set_num_threads(train.threads)
    if train.deterministic:
        # cuBLAS wants its workspace fixed before its first use (torch's notes on randomness).
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
