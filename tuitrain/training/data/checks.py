"""Checks what a data set's function returns, so that a fault is told by what it is and where.

Torch would name an index or a dtype in the middle of a step, and on a GPU not even that.
"""

from dataclasses import replace
from typing import Any, get_args

from torch import Tensor
from torch.utils.data import IterableDataset

from tuitrain.components.data import DataKind, Samples, Splits
from tuitrain.components.task import Task
from tuitrain.errors import TrainingError
from tuitrain.training.data.sample_rule import SampleRule, kind_of, rule_of
from tuitrain.training.data.sources import Source, sample_shape, target_shape
from tuitrain.training.data.stream import Stream
from tuitrain.training.runtime.randomness import generator_states, restore_generators


def check_splits(name: str, task: Task, found: Any, *, own_loss: bool = False) -> Splits:
    """Return a data set's splits, class numbers as int64 and other targets as floating point.

    Of a set that yields samples one at a time the first is looked at; the others are held against
    the same rule as they are read.

    Args:
        name: as the preset has it.
        task: the preset's.
        found: what the data set's function returned.
        own_loss: the loss is the user's own, which may take other targets.

    Raises:
        TrainingError: this is nothing that can be trained on.
    """
    where = f"data.name = {name}:"
    if not isinstance(found, Splits):
        raise TrainingError(
            f"{where} its function returned {kind_of(found)}, it must return a "
            "tuitrain.components.Splits"
        )
    classes = count_classes(task, found)
    if classes == 0:
        lacks = "vocabulary is missing" if task.predicts_tokens else "classes is empty"
        needs = "number of tokens" if task.predicts_tokens else "classes' names"
        raise TrainingError(f"{where} Splits.{lacks}, a {task.name} task needs the {needs}")
    rules = [
        rule_of(
            task,
            classes,
            own_loss,
            f"{where} its {part} set",
            is_tokens=found.kind == "tokens",
            vocabulary=found.vocabulary,
        )
        for part in ("training", "validation")
    ]
    train, validation = _check_part(found.train, rules[0]), _check_part(found.validation, rules[1])
    _compare_targets(train, validation, rules[1].where)
    kind = _check_kind(found, sample_shape(train), where)
    return replace(found, train=train, validation=validation, kind=kind)


def count_classes(task: Task, splits: Splits) -> int | None:
    """Return how many classes the targets are of, 0 where nothing says; None: they are numbers."""
    if not task.has_classes:
        return None
    return splits.vocabulary or 0 if task.predicts_tokens else len(splits.classes)


def _check_kind(found: Splits, shape: tuple[int, ...], where: str) -> DataKind:
    """Return what a sample is: what the data set says, or what its shape says."""
    known = get_args(DataKind)
    if found.kind is None:
        return "image" if len(shape) == 3 else "table" if len(shape) == 1 else "other"
    if found.kind not in known:
        raise TrainingError(f"{where} Splits.kind is {found.kind!r}, allowed: {', '.join(known)}")
    return found.kind


def _check_part(part: Any, rule: SampleRule) -> Source:
    where = rule.where
    if isinstance(part, Samples):
        return _check_samples(part, rule)
    if isinstance(part, IterableDataset):
        raise TrainingError(
            f"{where} is {kind_of(part)}, an IterableDataset; samples must be reachable by their "
            "number, as order and resume follow from it: give a map-style data set, with __len__ "
            "and __getitem__, or tensors as tuitrain.components.Samples"
        )
    if not (hasattr(part, "__len__") and hasattr(part, "__getitem__")):
        raise TrainingError(
            f"{where} is {kind_of(part)}, it must be a tuitrain.components.Samples or have "
            "__len__ and __getitem__"
        )
    if not len(part):
        raise TrainingError(f"{where} is empty")
    return _check_stream(Stream(part, rule))


def _check_stream(stream: Stream) -> Stream:
    """Look at the first sample, and take its shapes for those of the others."""
    # What its transforms draw here is drawn once more when the run begins.
    states = generator_states()
    inputs, targets = stream.batch([0])
    restore_generators(states)
    return replace(
        stream,
        input_shape=tuple(inputs.shape[1:]),
        input_type=inputs.dtype,
        target_shape=tuple(targets.shape[1:]),
    )


def _check_samples(samples: Samples, rule: SampleRule) -> Samples:
    where, inputs, targets = rule.where, samples.inputs, samples.targets
    for name, value in (("inputs", inputs), ("targets", targets)):
        if not isinstance(value, Tensor):
            raise TrainingError(f"{where} has {kind_of(value)} for {name}, it must be a tensor")
        if not value.ndim:
            raise TrainingError(f"{where} has a single number for {name}, it must be [n, ...]")
    if len(inputs) != len(targets):
        raise TrainingError(f"{where} has {len(inputs):,} inputs and {len(targets):,} targets")
    if not len(inputs):
        raise TrainingError(f"{where} is empty")
    inputs, targets = rule.plain(inputs, "input"), rule.plain(targets, "target")
    rule.check_tokens(inputs)
    return Samples(
        # One number a sample is one feature.
        inputs if inputs.ndim > 1 else inputs[:, None],
        rule.convert_targets(targets),
    )


def _compare_targets(train: Source, validation: Source, where: str) -> None:
    shapes = [target_shape(part) for part in (train, validation)]
    if shapes[0] != shapes[1]:
        raise TrainingError(
            f"{where} has targets of shape {shapes[1]} for each sample, the training set's have "
            f"{shapes[0]}"
        )
