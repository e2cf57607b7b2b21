"""From a preset to what the loop works with: device, data, model, loss, optimizer, schedule.

Knows nothing of queues, checkpoints or the order in which the loop does things.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from tuitrain.components import registry
from tuitrain.components.data import DataContext, DataSpec, LossContext, Samples, Splits
from tuitrain.components.hooks import HookContext
from tuitrain.components.metric import MetricContext
from tuitrain.components.samples import SampleBatch
from tuitrain.components.task import Task
from tuitrain.config.schema import DataSection, Preset
from tuitrain.errors import DeviceError, TrainingError
from tuitrain.training.data.batches import Batches, BatchSchedule, LoaderBatches, TensorBatches
from tuitrain.training.data.checks import check_splits, count_classes
from tuitrain.training.data.folds import hold_out
from tuitrain.training.data.sources import Source, count, sample_shape, target_shape
from tuitrain.training.data.targets import all_targets
from tuitrain.training.data.transform import (
    BatchTransform,
    Statistics,
    build_augmentations,
    measure_statistics,
    transformed_shape,
)
from tuitrain.training.hooks import HookList, build_hooks
from tuitrain.training.metrics.chosen import ChosenMetrics, build_metrics
from tuitrain.training.modules.materialise import input_type_of, materialise, refuse_meta
from tuitrain.training.modules.modes import begin_training_mode
from tuitrain.training.modules.recompute import recompute_blocks
from tuitrain.training.optimization.groups import ParameterGroups
from tuitrain.training.optimization.optimizer import build_optimizer, trainable_parameters
from tuitrain.training.optimization.schedule import Schedule
from tuitrain.training.runtime.precision import Precision
from tuitrain.training.runtime.randomness import generator_states, restore_generators
from tuitrain.training.task import check_monitors, find_task

_PREPARED_BYTES = 256 * 1024 * 1024
"""Sets of up to this size are prepared whole: for a moment it takes as much once more."""
_TORCHVISION = "torchvision."
"""Before the name of a model there."""


@dataclass(frozen=True, slots=True)
class Data:
    """The data set as the loop uses it."""

    train: Source
    validation: Source
    spec: DataSpec
    preparation: BatchTransform
    plan: BatchSchedule
    classes: tuple[str, ...]
    """Their names; empty for regression."""
    on_device: bool
    """Held as tensors on the device; else streamed."""


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
    """The model as called: compiled where the preset says so."""
    loss: nn.Module
    optimizer: torch.optim.Optimizer
    groups: ParameterGroups
    """The optimizer's, under one rate and one weight decay."""
    schedule: Schedule
    hooks: HookList
    metrics: ChosenMetrics
    precision: Precision

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
) -> TrainingComponents:
    """Build everything that a preset describes.

    Args:
        preset: resolved.
        data_directory: where data sets are kept.
        report: is told what takes long.
        run_directory: the run's folder, for hooks that write there; None: there is none.
        warn: is told what a data set leaves out.
        estimate: nothing is trained: only shapes and sizes are wanted of the data.

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
    data = build_data(preset, task, device, context)
    report("building the model")
    model = _build_model(preset, data, device)
    raw = _in_types_of(model, data)
    data = _prepared_once(raw)
    if preset.train.channels_last:
        model = model.to(memory_format=torch.channels_last)
    if wanted := preset.train.gradient_checkpointing:
        number = recompute_blocks(model, wanted, f"model.name = {preset.model.name}")
        report(f"the backward pass computes {number} blocks of the model again")
    forward = torch.compile(model) if preset.train.compile else model
    if begin_training_mode(model):
        report(f"model.name = {preset.model.name} came in evaluation mode; it is put into training")
    loss = _build_loss(preset, task, data, report)
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
        compiled=preset.train.compile,
        folder=run_directory,
        samples=partial(_validation_samples, raw, data, device),
    )
    return TrainingComponents(
        preset=preset,
        device=device,
        data=data,
        task=task,
        model=model,
        forward=forward,
        loss=loss,
        optimizer=optimizer,
        groups=ParameterGroups(optimizer, preset.optimizer),
        schedule=Schedule(preset.schedule, data.plan.steps_per_epoch),
        hooks=build_hooks(preset.hooks, hook_context),
        metrics=build_metrics(preset, MetricContext(task, data.spec.outputs, device, data.classes)),
        precision=precision,
    )


def build_data(preset: Preset, task: Task, device: torch.device, context: DataContext) -> Data:
    """Return the data set that a preset names, as the loop uses it.

    Raises:
        TuitrainError: there is none, or it can't be trained on.
    """
    build = registry.dataset.find(preset.data.name)
    given = (context,) if ":" not in preset.data.name or registry.takes_context(build) else ()
    found = build(*given, **preset.data.options)
    splits = check_splits(preset.data.name, task, found, own_loss=":" in preset.loss.name)
    if preset.data.fold:
        splits = hold_out(splits, preset.data.fold, preset.train.seed, context.report)
    shape = sample_shape(splits.train)
    on_device = _fits(preset.data, splits, device)
    if on_device and isinstance(splits.train, Samples):
        context.report(f"moving the data to {device}")
    statistics = _statistics(preset, splits)
    train = preset.train
    plan = BatchSchedule(
        count(splits.train), train.batch_size, train.accumulate, train.drop_last, train.seed
    )
    if not plan.steps_per_epoch:
        raise TrainingError(
            f"one step takes {plan.step_samples} samples (train.batch_size x train.accumulate), "
            f"the training set has {plan.samples} and train.drop_last leaves out smaller steps"
        )
    augment, fixed = build_augmentations(preset.data.augment, shape)
    preparation = BatchTransform(
        seed=train.seed,
        statistics=statistics.to(device) if statistics else None,
        augment=augment,
        channels_last=train.channels_last,
        fixed=fixed,
        targets=_targets_of(task, splits),
    )
    training = _moved(splits.train, device if on_device else None)
    if preset.data.augment:
        one, _target = raw_samples(training, range(1))
        shape = transformed_shape(preparation, one.to(device), preset.data.augment)
    return Data(
        train=training,
        validation=_moved(splits.validation, device if on_device else None),
        spec=_spec(task, splits, shape),
        preparation=preparation,
        plan=plan,
        classes=splits.classes,
        on_device=on_device,
    )


def _statistics(preset: Preset, splits: Splits) -> Statistics | None:
    """Return what inputs are normalised by; None: they are not."""
    if not preset.data.normalize or splits.kind == "tokens":
        return None
    return measure_statistics(
        splits.train,
        splits.statistics_samples,
        codes=len(splits.codes),
        last=splits.kind == "series",
    )


def _targets_of(task: Task, splits: Splits) -> Callable[[Tensor, Tensor], Tensor] | None:
    """Return what makes a batch's targets, where they are not those that the data set gives."""
    if task.reconstructs and not target_shape(splits.train):
        return lambda inputs, _targets: inputs
    if task.target_dimensions:
        return lambda _inputs, targets: targets.long()
    return None


def _spec(task: Task, splits: Splits, shape: tuple[int, ...]) -> DataSpec:
    targets = target_shape(splits.train)
    if task.reconstructs and not targets:
        targets = shape
    return DataSpec(
        input_shape=shape,
        outputs=task.outputs(count_classes(task, splits) or len(splits.classes), targets),
        kind=splits.kind or "other",
        vocabulary=splits.vocabulary,
        target_shape=targets,
        codes=splits.codes,
    )


def _fits(section: DataSection, splits: Splits, device: torch.device) -> bool:
    """Decide whether the set is held as tensors on the device.

    Raises:
        TrainingError: the preset insists, but the set yields samples one at a time.
    """
    held = [part for part in (splits.train, splits.validation) if isinstance(part, Samples)]
    if section.mode == "loader":
        return False
    if len(held) < 2:
        if section.mode == "tensor":
            raise TrainingError(
                f"data.mode = tensor: {section.name} yields samples one at a time; take loader"
            )
        return False
    if section.mode == "tensor":
        return True
    size_bytes = sum(part.size_bytes for part in held)
    return size_bytes <= section.memory_share * free_memory_bytes(device)


def free_memory_bytes(device: torch.device) -> int:
    """Return what the device, or the machine for a CPU, has free."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def _moved(source: Source, device: torch.device | None) -> Source:
    if device is None or not isinstance(source, Samples):
        return source
    # Metal has no float64.
    inputs, targets = (
        part.float() if device.type == "mps" and part.dtype == torch.float64 else part
        for part in (source.inputs, source.targets)
    )
    return Samples(inputs.to(device), targets.to(device))


def _in_types_of(model: nn.Module, data: Data) -> Data:
    """Let targets that are numbers come in the type that the model gives its outputs in."""
    wide = torch.float64 if input_type_of(model) == torch.float64 else torch.float32
    return replace(
        data, train=_with_targets(data.train, wide), validation=_with_targets(data.validation, wide)
    )


def _prepared_once(data: Data) -> Data:
    """Prepare a small set of numbers now, where each batch would get the same of them each time."""
    train, validation = data.train, data.validation
    if not (data.on_device and isinstance(train, Samples) and isinstance(validation, Samples)):
        return data
    small = train.size_bytes + validation.size_bytes <= _PREPARED_BYTES
    if data.preparation.augments or not small or not train.inputs.is_floating_point():
        return data
    train, validation = data.preparation.prepare_once(train, validation)
    return replace(data, train=train, validation=validation)


def _with_targets(source: Source, kind: torch.dtype) -> Source:
    if not isinstance(source, Samples):
        return replace(source, target_type=kind)
    if not source.targets.is_floating_point():
        return source
    return Samples(source.inputs, source.targets.to(kind))


def _build_loss(preset: Preset, task: Task, data: Data, report: Callable[[str], None]) -> Any:
    """Return the loss; what needs to know the training targets gets them."""
    build = registry.loss.find(preset.loss.name)
    if set(registry.required_arguments(build)) <= set(preset.loss.options):
        return build(**preset.loss.options)
    context = LossContext(
        spec=data.spec,
        task=preset.task,
        classes=data.spec.outputs if task.has_classes else 0,
        targets=lambda: all_targets(data.train, report),
    )
    return build(context, **preset.loss.options)


def _build_model(preset: Preset, data: Data, device: torch.device) -> nn.Module:
    """Return the model on the device, each of its weights with a shape."""
    where = f"model.name = {preset.model.name}"
    examples = partial(_example_inputs, data, device)
    model = _make_model(preset, replace(data.spec, examples=examples))
    refuse_meta(model, where)
    model = model.to(device)
    statistics = getattr(model, "input_statistics", None)
    if statistics is not None and preset.data.normalize:
        few, _targets = raw_samples(data.train, range(min(16, count(data.train))))
        data.preparation.normalize_as(statistics, few)
    is_tokens = data.spec.kind == "tokens"
    data.preparation.input_type = torch.int64 if is_tokens else input_type_of(model)
    materialise(model, lambda: first_samples(data, device, 2)[0], where)
    return model


def first_samples(data: Data, device: torch.device, number: int) -> tuple[Tensor, Tensor]:
    """Return the set's first samples as the model and the loss get them, without augmentation."""
    return prepared_samples(data, device, range(min(number, count(data.train))))


def prepared_samples(
    data: Data, device: torch.device, numbers: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Return training samples as the model and the loss get them, without augmentation."""
    inputs, targets = raw_samples(data.train, numbers)
    return data.preparation.prepare(inputs.to(device), targets.to(device))


def _validation_samples(raw: Data, data: Data, device: torch.device, number: int) -> SampleBatch:
    """Return samples from all over the validation set.

    Args:
        raw: the data as they are before they are normalised, where that is done once.
        data: the data as the loop has them.
        device: where the samples are to be.
        number: of them, or as many as there are.
    """
    number = min(number, count(raw.validation))
    places = [place * count(raw.validation) // number for place in range(number)]
    inputs, targets = raw_samples(raw.validation, places)
    prepared, _targets = raw_samples(data.validation, places)
    return SampleBatch(
        data.preparation.evaluate(prepared.to(device)),
        targets.to(device),
        inputs,
        data.classes,
    )


def raw_samples(source: Source, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return samples as they are in the set; what its transforms draw is drawn again later."""
    if isinstance(source, Samples):
        chosen = torch.as_tensor(numbers, device=source.inputs.device)
        return source.inputs[chosen], source.targets[chosen]
    states = generator_states()
    pair = source.batch(numbers)
    restore_generators(states)
    return pair


def _example_inputs(data: Data, device: torch.device, number: int) -> Tensor:
    """Return up to `number` prepared inputs, evenly from the whole set: it may be sorted."""
    numbers = torch.linspace(0, count(data.train) - 1, min(number, count(data.train))).long()
    return prepared_samples(data, device, numbers.tolist())[0]


def _make_model(preset: Preset, spec: DataSpec) -> nn.Module:
    section = preset.model
    if section.name.startswith(_TORCHVISION) and ":" not in section.name:
        build = registry.model.find(f"{_TORCHVISION}NAME")
        model = build(spec, section.name.removeprefix(_TORCHVISION), **section.options)
    else:
        build = registry.model.find(section.name)
        given = (spec,) if ":" not in section.name or registry.takes_context(build) else ()
        model = build(*given, **section.options)
    if not isinstance(model, nn.Module):
        raise TrainingError(
            f"model.name = {section.name} returned {type(model).__name__}, not a torch.nn.Module"
        )
    return model
