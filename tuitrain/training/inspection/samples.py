"""Samples as plain data to be drawn: training ones as they come to the model in the first epoch.

Those are augmented but not normalised, so that an image looks like one; validation samples are as
the set has them. Knows nothing of terminals.
"""

import base64
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from tuitrain.components.data import Samples
from tuitrain.config.schema import Preset
from tuitrain.training.data.build import Data
from tuitrain.training.data.sources import sample_shape
from tuitrain.training.data.transform import BatchTransform, build_augmentations
from tuitrain.training.runtime.randomness import (
    generator_states,
    restore_generators,
)

_MOST_PIXELS = 256
"""On a side: no terminal shows more of one of several images."""
_MOST_NUMBERS = 64
"""Of a sample that is no image."""


def drawn_samples(data: Data, preset: Preset, number: int) -> list[dict[str, Any]]:
    """Return the first samples of the first epoch: number, target, and pixels or values."""
    index = data.plan.order(0)[: max(0, number)]
    if not len(index):
        return []
    return described(data, *_augmented(data, preset, index), index.tolist())


def described(
    data: Data,
    inputs: Tensor,
    targets: Tensor,
    numbers: Sequence[int],
    side: int = _MOST_PIXELS,
) -> list[dict[str, Any]]:
    """Return samples as plain data.

    Args:
        data: they are of.
        inputs: [n, ...], neither normalised nor of another range than in the set.
        targets: [n, ...].
        numbers: of the samples in their part.
        side: the most pixels of an image's side; larger ones are made smaller.
    """
    low, high = _range(data, inputs)
    return [
        {
            "number": number,
            "target": _target(targets[place], data.classes),
            "target_text": _target_text(targets[place], data),
            **_form(inputs[place], data, (low, high), side),
        }
        for place, number in enumerate(numbers)
    ]


def _augmented(data: Data, preset: Preset, index: Tensor) -> tuple[Tensor, Tensor]:
    states = generator_states()
    if isinstance(data.train, Samples):
        inputs, targets = data.train.inputs[index], data.train.targets[index]
    else:
        inputs, targets = data.train.batch(index.tolist())
    augment, fixed = build_augmentations(preset.data.augment, sample_shape(data.train))
    transform = BatchTransform(
        seed=preset.train.seed,
        statistics=None,
        augment=augment,
        channels_last=False,
        fixed=fixed,
    )
    kind = inputs.dtype
    inputs, targets = transform.train(inputs, targets, index, 0)
    restore_generators(states)
    return inputs if kind.is_floating_point else inputs.double(), targets


def _range(data: Data, inputs: Tensor) -> tuple[float, float]:
    """Return what is black and what is white."""
    held = data.train.inputs if isinstance(data.train, Samples) else inputs
    if held.dtype == torch.uint8:
        return 0.0, 255.0
    finite = held[torch.isfinite(held)] if held.is_floating_point() else held
    if not finite.numel():
        return 0.0, 1.0
    low, high = torch.aminmax(finite)
    return float(low), float(high)


def _target_text(target: Tensor, data: Data) -> str | None:
    """Return what is wanted at each place as text, where that is a token."""
    if target.ndim != 1 or target.is_floating_point() or data.token_texts is None:
        return None
    return data.token_texts.decode(target[:_MOST_NUMBERS].tolist())


def _target(target: Tensor, classes: tuple[str, ...]) -> Any:
    """Return a target as a class's name or as numbers."""
    if not target.ndim and classes:
        place = round(float(target))
        return classes[place] if 0 <= place < len(classes) else place
    return target.item() if not target.ndim else target.flatten()[:_MOST_NUMBERS].tolist()


def _form(sample: Tensor, data: Data, ends: tuple[float, float], most: int) -> dict[str, Any]:
    kind = data.spec.kind
    if kind == "image" and sample.ndim == 3:
        return {"image": _image(sample, *ends, most)}
    if kind == "tokens":
        tokens = [int(value) for value in sample.flatten()[:_MOST_NUMBERS]]
        text = data.token_texts.decode(tokens) if data.token_texts else None
        return {"tokens": tokens, "text": text}
    values = sample.reshape(len(sample), -1)[:, 0] if kind == "series" else sample.flatten()
    return {"values": [float(value) for value in values[:_MOST_NUMBERS]]}


def _image(sample: Tensor, low: float, high: float, most: int) -> dict[str, Any]:
    """Return [channels, height, width] as pixels of one channel or three, 0 to 255."""
    shown = sample if len(sample) == 3 else sample[:1]
    side = max(shown.shape[1:])
    if side > most:
        share = most / side
        height, width = (max(1, round(length * share)) for length in shown.shape[1:])
        shown = interpolate(shown[None].float(), (height, width), mode="area")[0]
    scaled = (shown.double() - low) / (high - low or 1.0) * 255
    pixels = torch.nan_to_num(scaled, nan=0.0).clamp(0, 255).round().to(torch.uint8)
    data = pixels.permute(1, 2, 0).contiguous().numpy().tobytes()
    return {
        "width": pixels.shape[2],
        "height": pixels.shape[1],
        "channels": len(pixels),
        "of_channels": len(sample),
        "data": base64.b64encode(data).decode("ascii"),
    }
