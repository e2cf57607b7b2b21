"""One worker's work from order to end: build, restore, train.

Knows the run as a folder for checkpoints and a link.
"""

import os
import time
from pathlib import Path

import torch
from torch import nn

from tuitrain.config.load import parse_preset
from tuitrain.config.schema import Preset, TrainSection
from tuitrain.messages import (
    AlertRaised,
    PreparationReported,
    StartTraining,
    TrainingEnded,
    TrainingPrepared,
)
from tuitrain.training.build import TrainingComponents, build_components, pick_device
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder
from tuitrain.training.checkpoints.resumption import Resumption
from tuitrain.training.checkpoints.writer import CheckpointWriter
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
from tuitrain.training.settings.changed import check_warmup


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
        self._resumption = Resumption(order, self._preset, link, world, self._folder, self._writer)
        self._trainer: Trainer | None = None

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
            self._resumption.resume(trainer)
        else:
            self._resumption.begin_with_weights(trainer)
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

    def _tell_left_out(self, text: str, trace: str) -> None:
        self._link.send(AlertRaised(time.time(), 0, "record", text, trace))

    def _tell_of_data(self, text: str) -> None:
        self._link.send(AlertRaised(time.time(), 0, "data", text))


def _placed(preset: Preset, device: str) -> Preset:
    """Return a preset for one rank's device; empty: as it is."""
    if not device:
        return preset
    return preset.model_copy(update={"train": preset.train.model_copy(update={"device": device})})


def set_up_torch(train: TrainSection) -> None:
    """Let torch compute as a preset says, before anything is on a device."""
    if train.threads:
        torch.set_num_threads(train.threads)
    if train.deterministic:
        # cuBLAS wants its workspace fixed before its first use (torch's notes on randomness).
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
