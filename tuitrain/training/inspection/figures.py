"""Figures of many samples: ranges, moments, counts, and which of them are the same.

Pure functions from tensors to plain data.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tuitrain.components.data import TokenTexts

_MOST_CHANNELS = 64
"""Of more channels or features only so many are told one by one."""
_MOST_PAIRS = 5
_MOST_TOKENS = 10
_BINS = 10
_PIECE = 4096
"""Samples that are turned into wide numbers at a time."""


def number_figures(values: Tensor) -> dict[str, Any]:
    """Return the range of all finite numbers, and how many are none."""
    if not values.is_floating_point():
        low, high = (int(end) for end in torch.aminmax(values))
        return {"min": low, "max": high, "nan": 0, "infinite": 0, "samples_with_nan": 0}
    finite = values[torch.isfinite(values)]
    missing = torch.isnan(values)
    return {
        "min": float(finite.min()) if len(finite) else None,
        "max": float(finite.max()) if len(finite) else None,
        "nan": int(missing.sum()),
        "infinite": int(torch.isinf(values).sum()),
        "samples_with_nan": int(missing.flatten(1).any(1).sum()) if values.ndim > 1 else 0,
    }


def channel_figures(inputs: Tensor) -> list[dict[str, Any]]:
    """Return mean, deviation and range of each channel or feature: of dimension 1, finite ones.

    Args:
        inputs: [n, channels, ...].
    """
    channels = min(inputs.shape[1], _MOST_CHANNELS) if inputs.ndim > 1 else 0
    return [_moments(inputs[:, channel]) for channel in range(channels)]


def _moments(values: Tensor) -> dict[str, Any]:
    total = squares = 0.0
    number = 0
    low, high = float("inf"), float("-inf")
    for piece in torch.split(values, _PIECE):
        wide = piece.double()
        wide = wide[torch.isfinite(wide)]
        if not len(wide):
            continue
        total, squares = total + float(wide.sum()), squares + float(wide.square().sum())
        low, high = min(low, float(wide.min())), max(high, float(wide.max()))
        number += len(wide)
    if not number:
        return {"mean": None, "deviation": None, "min": None, "max": None}
    mean = total / number
    deviation = max(0.0, squares / number - mean * mean) ** 0.5
    return {"mean": mean, "deviation": deviation, "min": low, "max": high}


def token_figures(inputs: Tensor, texts: TokenTexts | None) -> dict[str, Any]:
    """Return how many different tokens there are, and the most frequent ones, as text if known."""
    values, counts = torch.unique(inputs, return_counts=True)
    order = torch.argsort(counts, descending=True, stable=True)[:_MOST_TOKENS]
    frequent = [[int(values[place]), int(counts[place])] for place in order]
    return {
        "different": len(values),
        "total": int(inputs.numel()),
        "frequent": frequent,
        "texts": [texts.decode([token]) for token, _number in frequent] if texts else None,
    }


def target_figures(targets: Tensor, everywhere: Sequence[Tensor]) -> list[dict[str, Any]]:
    """Return moments and a histogram of each of a sample's targets, which are numbers.

    Args:
        targets: [n] or [n, ...], of one part.
        everywhere: of all parts, so that their histograms have the same bins.
    """
    own, *others = (part.reshape(len(part), -1) for part in (targets, *everywhere))
    found = []
    for place in range(min(own.shape[1], _MOST_CHANNELS)):
        ends = _ends([part[:, place] for part in others])
        histogram = _histogram(own[:, place], ends)
        found.append({**_moments(own[:, place]), "histogram": histogram, "bins": list(ends)})
    return found


def _ends(columns: Sequence[Tensor]) -> tuple[float, float]:
    finite = torch.cat([column[torch.isfinite(column)] for column in columns])
    if not len(finite):
        return 0.0, 0.0
    low, high = torch.aminmax(finite)
    return float(low), float(high)


def _histogram(values: Tensor, ends: tuple[float, float]) -> list[int]:
    finite = values[torch.isfinite(values)].double()
    return [int(number) for number in torch.histc(finite, _BINS, *ends)]


def class_counts(targets: Tensor, classes: int) -> list[int]:
    """Return how many samples each class has; of yes and no, class 1 is what is above a half."""
    numbers = (targets > 0.5).long() if targets.is_floating_point() else targets
    if numbers.ndim == 2 and targets.is_floating_point() and numbers.shape[1] == classes:
        return [int(number) for number in numbers.sum(0)]
    # A target may mark what is to be left out by a number that is no class.
    known = numbers[(numbers >= 0) & (numbers < classes)]
    return [int(number) for number in torch.bincount(known, minlength=classes)]


def digests(inputs: Tensor) -> list[bytes]:
    """Return what tells each sample from others: equal samples have equal ones."""
    rows = inputs.contiguous().flatten(1) if inputs.ndim > 1 else inputs[:, None]
    found: list[bytes] = []
    for piece in torch.split(rows, _PIECE):
        plain = piece.contiguous().view(torch.uint8).numpy()
        found += [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in plain]
    return found


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Samples of one part that are in the other as well."""

    in_both: int
    """Samples of the second part whose equal is in the first."""
    pairs: list[tuple[int, int]]
    """The first few, by their places."""


def find_duplicates(train: Sequence[bytes], validation: Sequence[bytes]) -> Duplicates:
    """Return which samples of the second are in the first."""
    places: dict[bytes, int] = {}
    for place, digest in enumerate(train):
        places.setdefault(digest, place)
    pairs = [(places[digest], place) for place, digest in enumerate(validation) if digest in places]
    return Duplicates(len(pairs), pairs[:_MOST_PAIRS])
