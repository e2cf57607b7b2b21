"""A map-style set of the user's own: its samples are checked and converted as they are read.

Knows nothing of loaders or devices.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from tuitrain.errors import TrainingError
from tuitrain.training.data.sample_rule import SampleRule, at, kind_of, to_tensor

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Stream(Dataset[tuple[Tensor, Tensor]]):
    """Samples one at a time, by the rule that whole sets are held against too."""

    samples: Any
    """The user's own; has __len__ and __getitem__."""
    rule: SampleRule
    input_shape: Shape = ()
    target_shape: Shape = ()
    """Of the first sample: a fault is told of those that differ."""
    input_type: torch.dtype = torch.float32
    """Of the first sample."""
    target_type: torch.dtype = torch.float32
    """Of targets that are no class numbers."""

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return one sample as tensors.

        Raises:
            TrainingError: it is no pair of tensors.
            BaseException: whatever the set itself raises, with a note that names the sample.
        """
        where = self.rule.where
        with self._named(number):
            pair = self.samples[number]
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TrainingError(
                f"{where} yields {kind_of(pair)}, each sample must be a pair (input, target) "
                f"{at(None, number)}"
            )
        inputs, targets = (
            self.rule.plain(to_tensor(value, what, where, number), what, number)
            for value, what in zip(pair, ("input", "target"), strict=True)
        )
        return (inputs if inputs.ndim else inputs[None]), targets

    @contextmanager
    def _named(self, number: int) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            error.add_note(f"sample {number} of {self.rule.where.rpartition(': ')[2]}")
            raise

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return samples as a batch: inputs [batch, ...], targets as a whole set's are.

        Raises:
            TrainingError: one of them does not fit the others or the task.
        """
        pairs = [self[number] for number in numbers]
        inputs = self._stack([pair[0] for pair in pairs], "input", self.input_shape, numbers)
        targets = self._stack([pair[1] for pair in pairs], "target", self.target_shape, numbers)
        self.rule.check_tokens(inputs, numbers)
        targets = self.rule.convert_targets(targets, numbers)
        return inputs, targets.to(self.target_type) if targets.is_floating_point() else targets

    def _stack(
        self, parts: list[Tensor], what: str, usual: Shape, numbers: Sequence[int]
    ) -> Tensor:
        shape = parts[0].shape
        if any(part.shape != shape for part in parts):
            self._refuse_shape(parts, what, usual, numbers)
        if any(part.dtype != parts[0].dtype for part in parts):
            parts = self._of_one_type(parts, what, numbers)
        stacked: Tensor = default_collate(parts)
        return stacked

    def _of_one_type(self, parts: list[Tensor], what: str, numbers: Sequence[int]) -> list[Tensor]:
        if what == "target":
            each = zip(parts, numbers, strict=True)
            return [self.rule.convert_targets(part[None], [number])[0] for part, number in each]
        if any(part.is_complex() for part in parts):
            place = [part.is_complex() for part in parts].index(not parts[0].is_complex())
            raise TrainingError(
                f"{self.rule.where} has {parts[place].dtype} as input where others have "
                f"{parts[0].dtype} {at(numbers, place)}"
            )
        return [part.to(reduce(torch.promote_types, {p.dtype for p in parts})) for part in parts]

    def _refuse_shape(
        self, parts: list[Tensor], what: str, usual: Shape, numbers: Sequence[int]
    ) -> None:
        """Name the sample that differs from the set's first one, or from its batch's."""
        odd = [place for place, part in enumerate(parts) if tuple(part.shape) != usual]
        place = odd[0] if len(odd) < len(parts) else len(parts) - 1
        raise TrainingError(
            f"{self.rule.where} has the shape {tuple(parts[place].shape)} as {what} where others "
            f"have {usual}: the samples of a batch must be of one shape {at(numbers, place)}"
        )
