"""From a preset to what the loop works with: device, data, model, loss, optimizer, schedule.

Knows nothing of queues, checkpoints or the order in which the loop does things.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import nn

from tuitrain.components.data import DataContext, Samples
from tuitrain.components.hooks import HookContext
from tuitrain.components.metric import MetricContext
from tuitrain.components.task import Task
from tuitrain.config.schema import Preset
from tuitrain.errors import DeviceError
from tuitrain.training.data.batches import Batches, TensorBatches
from tuitrain.training.data.build import Data, build_data, in_types_of, prepared_once
from tuitrain.training.data.description import DataDescription, describe_data, stand_in
from tuitrain.training.data.loader import LoaderBatches
from tuitrain.training.data.samples import validation_samples
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.distributed.world import ALONE, World
from tuitrain.training.hooks import HookList, build_hooks
from tuitrain.training.metrics.chosen import ChosenMetrics, build_metrics
from tuitrain.training.modules.build import build_loss, build_model
from tuitrain.training.modules.modes import begin_training_mode
from tuitrain.training.modules.recompute import recompute_blocks
from tuitrain.training.optimization.groups import ParameterGroups
from tuitrain.training.optimization.optimizer import build_optimizer, trainable_parameters
from tuitrain.training.optimization.schedule import Schedule
from tuitrain.training.runtime.precision import Precision
from tuitrain.training.task import check_monitors, find_task

if TYPE_CHECKING:
    from tuitrain.training.distributed.replica import Replica


class PartForward(Protocol):
    """A forward pass of a part of the model, which the model makes in place of its own."""

    def suspended(self) -> AbstractContextManager[None]:
        """Let the model make its own, for a while."""
        ...


@dataclass(slots=True)
class TrainingComponents:
    """What one run trains with."""

    preset: Preset
    device: torch.device
    data: Data
    task: Task
    model: nn.Module
    """As built; its state is what checkpoints hold."""
    forward: Callable[..., Any]
    """The model as called, compiled or not."""
    loss: nn.Module
    optimizer: torch.optim.Optimizer
    groups: ParameterGroups
    """The optimizer's, under one rate and one weight decay."""
    schedule: Schedule
    hooks: HookList
    metrics: ChosenMetrics
    precision: Precision
    description: DataDescription
    """Of the data, for when they are gone."""
    compiled: bool | None = False
    """Whether `forward` is compiled; None where the preset leaves it open and it is not yet known.
    """
    compile_why: str = ""
    """Of what was left open: what was measured."""
    head: PartForward | None = None
    """What the model runs where the data are the features of a frozen body; None: all of it."""
    world: World = ALONE
    """The ranks that train together; this process is one of them."""
    replica: "Replica | None" = None
    """What steps do differently where there are several."""
    plain: nn.Module | None = None
    """Where the model is sharded: as it was before, without numbers; None: it is not."""

    def whole_model(self) -> AbstractContextManager[None]:
        """Let the model take inputs as the data set has them, whatever it is trained with."""
        return self.head.suspended() if self.head is not None else nullcontext()

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return _total_steps(self.preset, self.data.plan)

    @property
    def trainable(self) -> list[nn.Parameter]:
        """What the optimizer updates: of the model, and of a loss that has parameters."""
        return trainable_parameters(self.model, self.loss)

    @property
    def parameters(self) -> int:
        """How many trainable parameters there are."""
        return sum(p.numel() for p in self.trainable)

    def settle_compile(self, compiled: bool, why: str = "") -> None:
        """Compile the model or not, from now on."""
        self.compiled, self.compile_why = compiled, why
        if compiled:
            self.forward = torch.compile(self.model)

    def split_batches(self, at_once: int) -> None:
        """Let no more samples than these through the model at once; 0: a whole batch."""
        self.data = replace(self.data, plan=replace(self.data.plan, at_once=at_once))

    def change_plan(self, plan: BatchSchedule) -> None:
        """Take the training batches by another plan."""
        if plan.steps_per_epoch != self.data.plan.steps_per_epoch:
            self.schedule.change_epoch(plan.steps_per_epoch)
        self.data = replace(self.data, plan=plan)

    def batches(self, first_step: int) -> Batches:
        """Open the training batches from a step (counted from 0) on."""
        if self.data.on_device and isinstance(self.data.train, Samples):
            return TensorBatches(self.data.train, self.data.plan, self.data.preparation)
        return LoaderBatches(
            self.data.train,
            self.data.plan,
            self.data.preparation,
            workers=self.preset.data.workers,
            first_step=first_step,
            end_step=self.total_steps,
            device=self.device,
        )


def _total_steps(preset: Preset, plan: BatchSchedule) -> int:
    steps = preset.train.epochs * plan.steps_per_epoch - plan.ahead
    return min(steps, preset.train.max_steps) if preset.train.max_steps else steps


def pick_device(name: str) -> torch.device:
    """Return the device that a preset names.

    Raises:
        DeviceError: there is no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda":
        number = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= number:
            raise DeviceError(
                f"train.device = {name}: this machine has {number} CUDA devices that torch can "
                "use; take auto or cpu, and see `tuitrain doctor`"
            )
        return torch.device("cuda", device.index or 0)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("train.device = mps: this machine has no Metal device; take auto or cpu")
    return device


def build_components(
    preset: Preset,
    data_directory: Path,
    report: Callable[[str], None],
    run_directory: Path | None = None,
    *,
    warn: Callable[[str], None] = lambda _text: None,
    estimate: bool = False,
    as_found: bool = False,
    described: DataDescription | None = None,
    world: World = ALONE,
    shard: Callable[[nn.Module], nn.Module] | None = None,
) -> TrainingComponents:
    """Build everything that a preset describes.

    Args:
        preset: resolved.
        data_directory: where data sets are kept.
        report: is told what takes long.
        run_directory: the run's folder, for hooks that write there; None: there is none.
        warn: is told what a data set leaves out.
        estimate: nothing is trained: only shapes and sizes are wanted of the data.
        as_found: leave the samples as the data set has them: each batch is prepared by itself.
        described: let made-up samples stand for the data set that this is of; None: open it.
        world: the ranks, of which this process is one; the device is this one's.
        shard: is given the model, whole and on the CPU, before anything holds its weights; splits
            it over the ranks and returns it as it was, without numbers. None: it stays whole.

    Raises:
        TuitrainError: the device, the data or a component can't do what the preset asks.
    """
    device = pick_device(preset.train.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    precision = Precision(preset.train.precision, device)
    task = find_task(preset.task)
    check_monitors(preset, task)
    context = DataContext(data_directory, report, warn, estimate, task.has_classes, task.name)
    data = _data_of(preset, task, device, world, context, described)
    report("building the model")
    model = build_model(preset, data, device, torch.device("cpu") if shard is not None else device)
    raw = in_types_of(model, data)
    data = raw if as_found else prepared_once(raw)
    model = _as_trained(model, preset, device, world, report)
    plain = shard(model) if shard is not None else None
    if begin_training_mode(model):
        report(f"model.name = {preset.model.name} came in evaluation mode; it is put into training")
    loss = build_loss(preset, task, data, report)
    if isinstance(loss, nn.Module):
        loss = loss.to(device)
    optimizer = build_optimizer(preset, model, loss)
    hook_context = HookContext(
        model=model,
        optimizer=optimizer,
        device=device,
        task=task,
        outputs=data.spec.outputs,
        steps_per_epoch=data.plan.steps_per_epoch,
        total_steps=_total_steps(preset, data.plan),
        seed=preset.train.seed,
        compiled=bool(preset.train.compile),
        folder=run_directory,
        samples=partial(validation_samples, task, raw, data, device),
    )
    parts = TrainingComponents(
        preset=preset,
        device=device,
        data=data,
        task=task,
        model=model,
        forward=model,
        loss=loss,
        optimizer=optimizer,
        groups=ParameterGroups(optimizer, preset.optimizer),
        schedule=Schedule(preset.schedule, data.plan.steps_per_epoch),
        hooks=build_hooks(preset.hooks, hook_context),
        metrics=build_metrics(preset, MetricContext(task, data.spec.outputs, device, data.classes)),
        precision=precision,
        description=described or describe_data(preset, task, raw),
        world=world,
        compiled=None,
        plain=plain,
    )
    if preset.train.compile != "auto":
        parts.settle_compile(preset.train.compile)
    return parts


def _data_of(
    preset: Preset,
    task: Task,
    device: torch.device,
    world: World,
    context: DataContext,
    described: DataDescription | None,
) -> Data:
    """Return the data set, or made-up samples for a described one; of several ranks this one's."""
    if described is None:
        data = build_data(preset, task, device, context)
    else:
        data = stand_in(described, preset, task, device)
    if world.is_alone:
        return data
    return replace(data, plan=replace(data.plan, rank=world.rank, ranks=world.size))


def _as_trained(
    model: nn.Module,
    preset: Preset,
    device: torch.device,
    world: World,
    report: Callable[[str], None],
) -> nn.Module:
    """Return a model in the layout, and with the layers, that a preset has it trained with."""
    if preset.train.channels_last:
        model = model.to(memory_format=torch.channels_last)
    if wanted := preset.train.gradient_checkpointing:
        number = recompute_blocks(model, wanted, f"model.name = {preset.model.name}")
        report(f"the backward pass computes {number} blocks of the model again")
    if preset.train.sync_batchnorm and not world.is_alone:
        if device.type != "cuda":
            raise DeviceError(f"train.sync_batchnorm needs CUDA devices, this run has {device}")
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
    return model
