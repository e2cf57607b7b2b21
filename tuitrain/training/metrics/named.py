"""Values under names that a model, a loss or a hook chooses: kept on the device, then meant.

Knows batches and steps as numbers only.
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from tuitrain.components.logged import Sink, log
from tuitrain.components.task import widest
from tuitrain.errors import TrainingError
from tuitrain.training.checkpoints.sharded import whole

_NAME = re.compile(r"[a-z0-9_]{1,60}(/[a-z0-9_]{1,60}){0,2}")
_TERM = re.compile(r"[a-z0-9_]{1,60}")
_MOST_NAMES = 500
"""Each is a curve; a name with a number in it that grows would make one a step."""

Values = dict[str, tuple[list[int], list[float]]]
"""By name: the steps that have a value, ascending, and the values."""


_Entry = tuple[str, int, int, Tensor | float]
"""Name, step, batch and value; steps and batches are counted from the last time that all was read.
A tuple, which takes 0.04 us to make where a frozen dataclass takes 0.7."""


@dataclass(slots=True)
class NamedValues:
    """What was told since it was last read."""

    _entries: list[_Entry] = field(default_factory=list)
    _known: dict[str, str] = field(default_factory=dict)
    """Names as they were told, and under which they are shown."""

    def log(self, name: str, value: Tensor | float, step: int, batch: int, label: str = "") -> None:
        """Take what `tuitrain.components.log` was told.

        Args:
            name: as it was told.
            value: a number, or a tensor of one.
            step: it belongs to.
            batch: it belongs to.
            label: goes before `aux/` in the name that is shown.

        Raises:
            TrainingError: the name or the value can't be recorded.
        """
        shown = self._known.get(name)
        if shown is None:
            shown = self._known[name] = f"{label}aux/{self._checked(name)}"
        self.add(shown, value, step, batch)

    def add(self, name: str, value: Tensor | float, step: int, batch: int) -> None:
        """Take a value under the name that is shown.

        Raises:
            TrainingError: it is not one number.
        """
        self._entries.append((name, step, batch, _one_number(name, value)))

    def forget_from(self, step: int) -> None:
        """Drop what belongs to this step and later ones."""
        self._entries = [entry for entry in self._entries if entry[1] < step]

    def on_host(self) -> list[tuple[str, int, float]]:
        """Return name, batch and value of all that was told, read from the device."""
        numbers = _on_host([value for *_place, value in self._entries])
        return [
            (name, batch, number)
            for (name, _step, batch, _value), number in zip(self._entries, numbers, strict=True)
        ]

    def read(self, batches: Sequence[int], sizes: Sequence[int], first_step: int) -> Values:
        """Read everything from the device, and begin anew.

        Args:
            batches: of each step.
            sizes: samples of each batch, of all steps in order.
            first_step: the number of the first of these steps.
        """
        entries, self._entries = self._entries, []
        if not entries:
            return {}
        ends = list(accumulate(batches))
        told: dict[str, dict[int, dict[int, list[float]]]] = {}
        numbers = _on_host([value for *_place, value in entries])
        for (name, step, batch, _value), number in zip(entries, numbers, strict=True):
            if step < len(ends):
                # What comes after the last batch of its step, as from its update, counts to that.
                at = min(batch, ends[step] - 1)
                steps = told.setdefault(name, {})
                steps.setdefault(step, defaultdict(list))[at].append(number)
        return {
            name: (
                [first_step + step for step in steps],
                [_mean(each, sizes) for each in steps.values()],
            )
            for name, steps in told.items()
        }

    def _checked(self, name: Any) -> str:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise TrainingError(
                f"tuitrain.components.log: the name {name!r} can't be shown, it must be up to "
                'three parts of lower-case letters, digits and underscores, e.g. "kl" or '
                '"encoder/kl"'
            )
        if len(self._known) >= _MOST_NAMES:
            raise TrainingError(
                f"tuitrain.components.log: {name!r} would be the {_MOST_NAMES + 1}th name, each of "
                "which is a curve; use few names, with no count in them"
            )
        return name


def outside_graphs(sink: Sink) -> Sink:
    """Return a sink for a model that torch compiles: its graph is broken where it logs.

    Else torch would compile the call itself, and once more for each name.
    """
    import torch._dynamo

    torch._dynamo.decorators.skip(log)
    left_alone: Sink = torch.compiler.disable(sink)  # type: ignore[no-untyped-call]
    return left_alone


def split_terms(loss: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return what is minimised, and the named terms that it is the sum of, if there are such."""
    if not isinstance(loss, Mapping):
        return loss, {}
    terms = iter(loss.values())
    total = next(terms)
    for term in terms:
        total = total + term
    return total, loss


def check_terms(loss: Mapping[Any, Any], where: str) -> None:
    """Hold the terms that a loss returned against what can be summed and shown.

    Raises:
        TrainingError: there are none, or one of them has no such name or is not one number.
    """
    if not loss:
        raise TrainingError(f"{where} returned an empty {type(loss).__name__}: there is no loss")
    for name, term in loss.items():
        if not isinstance(name, str) or not _TERM.fullmatch(name):
            raise TrainingError(
                f"{where} returned a term called {name!r}, its name must be lower-case letters, "
                "digits and underscores"
            )
        if not isinstance(term, Tensor) or term.dim():
            kind = (
                f"a tensor of shape {tuple(term.shape)}"
                if isinstance(term, Tensor)
                else f"a {type(term).__name__}"
            )
            raise TrainingError(
                f"{where} returned {kind} as {name!r}, each term must be a tensor of one number"
            )


def _one_number(name: str, value: Any) -> Tensor | float:
    """Return a value that no later computation can change."""
    if type(value) is float:
        return value
    if isinstance(value, Tensor):
        if value.numel() == 1 and not value.is_complex():
            number = whole(value)
            if number.device.type == "cpu":
                # Reading it costs less there than keeping a tensor.
                return float(number.item())
            return number.detach().reshape(()).to(widest(number.device), copy=True)
        found = f"a tensor of shape {tuple(value.shape)}"
    else:
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            found = f"a {type(value).__name__}"
    raise TrainingError(f"{name} was told {found}, it must be one number")


def _on_host(values: Sequence[Tensor | float]) -> list[float]:
    """Bring all values to the host, in one transfer from each device."""
    found = [value if isinstance(value, float) else 0.0 for value in values]
    places: dict[torch.device, list[int]] = {}
    for place, value in enumerate(values):
        if isinstance(value, Tensor):
            places.setdefault(value.device, []).append(place)
    for held in places.values():
        read = torch.stack([values[place] for place in held]).tolist()  # type: ignore[misc]
        for place, number in zip(held, read, strict=True):
            found[place] = number
    return found


def _mean(batches: Mapping[int, Sequence[float]], sizes: Sequence[int]) -> float:
    """Return the mean over a step's batches by their samples, of each batch's own mean."""
    if len(batches) == 1:
        (values,) = batches.values()
        return sum(values) / len(values)
    total = sum(sizes[batch] for batch in batches)
    if not total:
        return math.nan
    each = ((sizes[batch], sum(values) / len(values)) for batch, values in batches.items())
    # What is told of nothing, as of a batch that is all padding, may be NaN.
    return sum(size * mean for size, mean in each if size) / total
