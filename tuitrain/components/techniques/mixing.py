"""Mixup and CutMix: samples that are part one, part another."""

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from tuitrain.components.hooks import Hook, HookContext
from tuitrain.components.registry import hook
from tuitrain.errors import TrainingError


class Mixing(Hook):
    """Mixes each sample with another of its batch; targets become shares of two classes."""

    def __init__(self, classes: int, alpha: float, cut: bool) -> None:
        self._classes = classes
        self._alpha = alpha
        self._cut = cut

    def transform_batch(self, inputs: Tensor, targets: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Return mixed inputs and [batch, classes] shares."""
        generator = torch.Generator().manual_seed(seed)
        share = self._draw(generator)
        partner = torch.randperm(len(inputs), generator=generator).to(inputs.device)
        if self._cut:
            inputs, share = _cut_and_paste(inputs, partner, share, generator)
        else:
            inputs = torch.lerp(inputs[partner], inputs, share)
        one_hot = nn.functional.one_hot(targets, self._classes).to(inputs.dtype)
        return inputs, torch.lerp(one_hot[partner], one_hot, share)

    def _draw(self, generator: torch.Generator) -> float:
        """Return a number from Beta(alpha, alpha), by two gamma draws."""
        shape = torch.full((2,), self._alpha, dtype=torch.float64)
        drawn = torch._standard_gamma(shape, generator=generator)
        return float(drawn[0] / drawn.sum().clamp(min=1e-12))


def _cut_and_paste(
    images: Tensor, partner: Tensor, share: float, generator: torch.Generator
) -> tuple[Tensor, float]:
    """Return [batch, channels, height, width] with a box of the partner's, and the share kept."""
    height, width = images.shape[-2:]
    side = (1 - share) ** 0.5
    y, x = (int(torch.randint(size, (), generator=generator)) for size in (height, width))
    top, bottom = _span(y, side * height, height)
    left, right = _span(x, side * width, width)
    mixed = images.clone()
    mixed[..., top:bottom, left:right] = images[partner, ..., top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (height * width)


def _span(middle: int, length: float, size: int) -> tuple[int, int]:
    half = int(length / 2)
    return max(0, middle - half), min(size, middle + half)


def _mixing(run: HookContext, name: str, alpha: float, cut: bool) -> Hook:
    if run.task != "classification":
        raise TrainingError(f"hooks.{name} mixes classes: it needs task = classification")
    return Mixing(run.outputs, alpha, cut)


@hook("mixup", tasks=("classification",))
def mixup(run: HookContext, *, alpha: PositiveFloat = 0.2) -> Hook:
    """Each input is blended with another of its batch, and so are their classes (Zhang 2018)."""
    return _mixing(run, "mixup", alpha, cut=False)


@hook("cutmix", tasks=("classification",))
def cutmix(run: HookContext, *, alpha: PositiveFloat = 1.0) -> Hook:
    """A box of each image is replaced by another's, and so is a share of the class (Yun 2019)."""
    return _mixing(run, "cutmix", alpha, cut=True)
