"""What a model must know of its data, without any of them: it travels in checkpoints as JSON text.

With it samples from elsewhere are read and prepared where the data set is gone. JSON, as it is safe
to load, costs a checkpoint nothing to copy, and is read by others without torch.
"""

import json
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from tuitrain.components.data import DataKind, SampleReader, Samples, Splits, TokenTexts
from tuitrain.components.readers.images import pixel_reader
from tuitrain.components.readers.kept import kept_reader, reader_from
from tuitrain.components.task import Task
from tuitrain.config.schema import Preset
from tuitrain.errors import CheckpointError, TrainingError
from tuitrain.training.data.build import Data, arrange_data
from tuitrain.training.data.sources import count, sample_shape, sample_type, target_shape
from tuitrain.training.data.targets import known_targets
from tuitrain.training.data.transform import Statistics

_MADE_UP = 16
"""Samples that stand for a data set: batch normalisation and lazy layers want more than one."""
_MOST_MEANS = 4096
"""Means of targets that are kept: a picture's would be more than the rest of a checkpoint."""

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DataDescription:
    """A data set without its samples."""

    samples: int
    """That are trained on."""
    input_shape: tuple[int, ...]
    """Of a sample as the data set has it, before anything is done to it."""
    input_type: torch.dtype
    target_shape: tuple[int, ...]
    target_type: torch.dtype
    kind: DataKind
    vocabulary: int | None
    codes: tuple[int, ...]
    classes: tuple[str, ...]
    token_texts: TokenTexts | None
    statistics: Statistics | None
    """What inputs are normalised by; on the CPU."""
    targets: dict[str, list[float]]
    """Of the training targets `counts` by class, or the `means`; empty where they are not known."""
    reader: SampleReader | None
    has_reader: bool
    """Whether the data set says how samples from elsewhere are read, which can't be kept where
    `reader` is None."""

    def to_json(self, data_name: str) -> str:
        """Return it as text.

        Args:
            data_name: as the preset has it.

        Raises:
            TrainingError: the user's own reader has a state that is no JSON data.
        """
        plain = {field: getattr(self, field) for field in _PLAIN}
        plain |= {
            "input_type": _name_of(self.input_type),
            "target_type": _name_of(self.target_type),
            "token_texts": None if self.token_texts is None else asdict(self.token_texts),
            "statistics": _plain_statistics(self.statistics),
            "reader": None if self.reader is None else kept_reader(self.reader, data_name),
        }
        try:
            return json.dumps(plain)
        except (TypeError, ValueError) as error:
            raise TrainingError(
                f"data.name = {data_name}: the state of its reader "
                f"{type(self.reader).__qualname__} is no JSON data ({error})"
            ) from error

    @classmethod
    def from_json(cls, text: str, data_name: str) -> "DataDescription":
        """Return the description that a text is of.

        Raises:
            CheckpointError: it is none.
            TrainingError: the user's own reader can't be imported.
        """
        try:
            plain = json.loads(text)
            texts, statistics = plain["token_texts"], plain["statistics"]
            kept = {field: _as_tuple(plain[field]) for field in _PLAIN}
            return cls(
                **kept,
                input_type=_type_of(plain["input_type"]),
                target_type=_type_of(plain["target_type"]),
                token_texts=texts and TokenTexts(tuple(texts["texts"]), texts["between"]),
                statistics=statistics and _statistics_of(statistics),
                reader=plain["reader"] and reader_from(plain["reader"], data_name),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"the checkpoint's description of the data can't be read: "
                f"{type(error).__name__}: {error}"
            ) from error

    def made_up_inputs(self, number: int, seed: int = 0) -> Tensor:
        """Return inputs [number, ...] as the data set has them, of values such as it may have."""
        generator = torch.Generator().manual_seed(seed)
        shape = (number, *self.input_shape)
        if not self.input_type.is_floating_point and not self.input_type.is_complex:
            values = 256 if self.input_type == torch.uint8 else 2
            most = self.vocabulary or values
            return torch.randint(0, most, shape, generator=generator).to(self.input_type)
        inputs = torch.randn(shape, generator=generator)
        if self.statistics is not None:
            inputs = inputs / self.statistics.inverse_deviation + self.statistics.mean
        for place, most in enumerate(self.codes, inputs.shape[-1] - len(self.codes)):
            drawn = torch.randint(0, most, shape[:-1], generator=generator)
            inputs[..., place] = drawn.to(inputs.dtype)
        return inputs.to(self.input_type)


_PLAIN = (
    "samples", "input_shape", "target_shape", "kind", "vocabulary", "codes", "classes", "targets",
    "has_reader",
)  # fmt: skip
"""Fields that are JSON data as they are."""


def describe_data(preset: Preset, task: Task, data: Data) -> DataDescription:
    """Return what a model must know of data that are as the data set has them."""
    shape, kind = sample_shape(data.train), sample_type(data.train)
    own = data.reader
    reader = own if own is not None else pixel_reader(shape, kind, data.classes)
    if own is not None and kept_reader(own, preset.data.name) is None:
        reader = None
    target_type = (
        data.train.targets.dtype if isinstance(data.train, Samples) else data.train.target_type
    )
    by = data.preparation.normalised_by
    return DataDescription(
        samples=count(data.train),
        input_shape=shape,
        input_type=kind,
        target_shape=target_shape(data.train),
        target_type=torch.int64 if task.has_classes else target_type,
        kind=data.spec.kind,
        vocabulary=data.spec.vocabulary,
        codes=data.spec.codes,
        classes=data.classes,
        token_texts=data.token_texts,
        statistics=None if by is None else by.to(torch.device("cpu")),
        targets=_known_of_targets(task, data),
        reader=reader,
        has_reader=own is not None or reader is not None,
    )


def stand_in(
    description: DataDescription, preset: Preset, task: Task, device: torch.device
) -> Data:
    """Return made-up data in the place of a data set: a model can be built on them, and asked."""
    inputs = description.made_up_inputs(_MADE_UP)
    shape = (_MADE_UP, *description.target_shape)
    numbers = torch.arange(prod(shape)).reshape(shape)
    classes = description.vocabulary if task.predicts_tokens else len(description.classes)
    targets = numbers % (classes or 2) if task.has_classes else numbers % 2
    samples = Samples(inputs, targets.to(description.target_type))
    splits = Splits(
        samples,
        samples,
        classes=description.classes,
        kind=description.kind,
        vocabulary=description.vocabulary,
        token_texts=description.token_texts,
        codes=description.codes,
        reader=description.reader,
    )
    return arrange_data(
        preset, task, device, splits, description.statistics, samples=description.samples,
        report=lambda _text: None,
    )  # fmt: skip


def _known_of_targets(task: Task, data: Data) -> dict[str, list[float]]:
    """Return what a prediction without looking is made of, of a set in memory."""
    held = isinstance(data.train, Samples) and not (task.target_dimensions or task.reconstructs)
    known = known_targets(data.train) if held else None
    if known is None or known.is_complex():
        return {}
    if task.has_classes or "yes_no" in task.target_kinds():
        if known.numel() != len(known):
            return {}
        numbers = known.reshape(len(known)).cpu()
        numbers = (numbers > 0.5).long() if numbers.is_floating_point() else numbers
        counts = torch.bincount(numbers, minlength=max(2, data.spec.outputs))
        return {"counts": counts.tolist()}
    if prod(target_shape(data.train)) > _MOST_MEANS:
        return {}
    return {"means": known.reshape(len(known), -1).cpu().double().mean(0).tolist()}


def _plain_statistics(statistics: Statistics | None) -> Plain | None:
    """Return numbers as JSON has them: those of 32 bits come back to the bit."""
    if statistics is None:
        return None
    return {
        "shape": list(statistics.mean.shape),
        "mean": statistics.mean.flatten().tolist(),
        "inverse_deviation": statistics.inverse_deviation.flatten().tolist(),
    }


def _statistics_of(plain: Plain) -> Statistics:
    mean, inverse = (
        torch.tensor(plain[key], dtype=torch.float32).reshape(plain["shape"])
        for key in ("mean", "inverse_deviation")
    )
    return Statistics(mean, inverse)


def _name_of(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def _type_of(name: str) -> torch.dtype:
    kind = getattr(torch, name)
    if not isinstance(kind, torch.dtype):
        raise ValueError(f"there is no type {name}")
    return kind


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
