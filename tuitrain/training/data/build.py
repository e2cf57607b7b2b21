"""The data set of a preset as the loop uses it: checked, placed, with its plan and preparation.

Knows the task; nothing of models but the type that they take.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import psutil
import torch
from torch import Tensor, nn

from tuitrain.components import registry
from tuitrain.components.data import (
    DataContext,
    DataSpec,
    Facts,
    SampleReader,
    Samples,
    Splits,
    TokenTexts,
)
from tuitrain.components.task import Task
from tuitrain.config.schema import DataSection, Preset, TrainSection
from tuitrain.errors import DataUnavailableError, TrainingError
from tuitrain.training.data.checks import check_splits, count_classes
from tuitrain.training.data.folds import hold_out
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.data.sources import Source, count, raw_samples, sample_shape, target_shape
from tuitrain.training.data.transform import (
    BatchTransform,
    Statistics,
    build_augmentations,
    measure_statistics,
    transformed_shape,
)
from tuitrain.training.modules.materialise import input_type_of

_PREPARED_BYTES = 256 * 1024 * 1024
"""Sets of up to this size are prepared whole: for a moment it takes as much once more."""


class SamplesNeededError(DataUnavailableError):
    """Something must see samples of the data set, which others stand for."""


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
    token_texts: TokenTexts | None
    """What tokens are as text; None: they are none, or nothing but numbers."""
    on_device: bool
    """Held as tensors on the device; else streamed."""
    facts: Callable[[], Facts] | None = None
    """Tells what the data set knows of each validation sample."""
    reader: SampleReader | None = None
    """Reads samples that are not in the data set."""
    reconstructs_inputs: bool = False
    """Whether the prepared inputs are the targets."""
    stands_in: bool = False
    """Whether the samples are made up, as the data set is not here: of the right shapes and types,
    so that all that is built on them can be, and nothing else."""

    def refuse_made_up(self, what: str) -> None:
        """Hold what looks at samples against these.

        Raises:
            SamplesNeededError: they are made up; `what` begins the sentence.
        """
        if self.stands_in:
            raise SamplesNeededError(f"{what} looks at samples")


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
    statistics = _statistics(preset, splits)
    return arrange_data(preset, task, device, splits, statistics, report=context.report)


def arrange_data(
    preset: Preset,
    task: Task,
    device: torch.device,
    splits: Splits,
    statistics: Statistics | None,
    *,
    samples: int | None = None,
    report: Callable[[str], None],
) -> Data:
    """Return checked splits as the loop uses them.

    Args:
        preset: the run's.
        task: the preset's.
        device: where the samples are to be, if they fit.
        splits: as checked.
        statistics: what inputs are normalised by; None: they are not.
        samples: that are trained on, where those in `splits` only stand for them.
        report: is told what takes long.

    Raises:
        TuitrainError: they can't be trained on.
    """
    shape = sample_shape(splits.train)
    on_device = _fits(preset.data, splits, device)
    if on_device and isinstance(splits.train, Samples):
        report(f"moving the data to {device}")
    plan = _plan(preset.train, splits, count(splits.train) if samples is None else samples)
    augment, fixed = build_augmentations(preset.data.augment, shape)
    preparation = BatchTransform(
        seed=preset.train.seed,
        statistics=statistics.to(device) if statistics else None,
        augment=augment,
        channels_last=preset.train.channels_last,
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
        token_texts=_token_texts(task, splits),
        on_device=on_device,
        facts=splits.facts,
        reader=splits.reader,
        reconstructs_inputs=task.reconstructs and not target_shape(splits.train),
        stands_in=samples is not None,
    )


def _plan(train: TrainSection, splits: Splits, samples: int) -> BatchSchedule:
    """Return the batches of an epoch.

    Raises:
        TrainingError: there is none.
    """
    plan = BatchSchedule(
        samples,
        train.batch_size,
        train.accumulate,
        train.drop_last,
        train.seed,
        lengths=_lengths(splits),
        bucket=splits.bucket,
    )
    if not plan.steps_per_epoch:
        raise TrainingError(
            f"one step takes {plan.step_samples} samples (train.batch_size x train.accumulate), "
            f"the training set has {plan.samples} and train.drop_last leaves out smaller steps"
        )
    return plan


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


def _lengths(splits: Splits) -> Tensor | None:
    """Return the lengths of the training samples that come by their length."""
    if not splits.bucket or not isinstance(splits.train, Samples):
        return None
    # A sample of nothing is one token of filling.
    return (splits.train.inputs != 0).sum(1).clamp(min=1).cpu()


def _targets_of(task: Task, splits: Splits) -> Callable[[Tensor, Tensor], Tensor] | None:
    """Return what makes a batch's targets, where they are not those that the data set gives."""
    if task.reconstructs and not target_shape(splits.train):
        return lambda inputs, _targets: inputs
    if task.target_dimensions:
        return lambda _inputs, targets: targets.long()
    return None


def _token_texts(task: Task, splits: Splits) -> TokenTexts | None:
    """Return what tokens are as text, where the data set says it or has a class for each."""
    if splits.token_texts is not None or not (task.predicts_tokens and splits.classes):
        return splits.token_texts
    return TokenTexts(splits.classes, "" if max(map(len, splits.classes)) == 1 else " ")


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


def in_types_of(model: nn.Module, data: Data) -> Data:
    """Let targets that are numbers come in the type that the model gives its outputs in."""
    wide = torch.float64 if input_type_of(model) == torch.float64 else torch.float32
    return replace(
        data, train=_with_targets(data.train, wide), validation=_with_targets(data.validation, wide)
    )


def prepared_once(data: Data) -> Data:
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
