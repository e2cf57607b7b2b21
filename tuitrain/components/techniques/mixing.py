"""Mixup and CutMix: samples that are part one, part another."""

import torch
from pydantic import PositiveFloat
from torch import Tensor

from tuitrain.components.hooks import Hook, HookContext
from tuitrain.components.registry import hook
from tuitrain.components.task import Task
from tuitrain.errors import TrainingError


class Mixing(Hook):
    """Mixes each sample with another of its batch, and their targets as the task blends them."""

    def __init__(self, task: Task, outputs: int, alpha: float, cut: bool) -> None:
        self._task = task
        self._outputs = outputs
        self._alpha = alpha
        self._cut = cut

    def transform_batch(self, inputs: Tensor, targets: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Return mixed inputs and targets, of classes [batch, classes] shares."""
        generator = torch.Generator().manual_seed(seed)
        share = self._draw(generator)
        partner = torch.randperm(len(inputs), generator=generator).to(inputs.device)
        if self._cut:
            inputs, share = _cut_and_paste(inputs, partner, share, generator)
        else:
            inputs = torch.lerp(inputs[partner], inputs, share)
        soft = self._task.soft_targets(targets, self._outputs)
        if not targets.is_floating_point():
            soft = soft.to(inputs.dtype)
        return inputs, torch.lerp(soft[partner], soft, share)

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
    if "mixable" not in run.task.target_kinds():
        raise TrainingError(
            f"hooks.{name} blends targets, and task = {run.task.name} does not say that it takes "
            'such: its class needs "mixable" among its `targets`'
        )
    return Mixing(run.task, run.outputs, alpha, cut)


@hook("mixup", targets=("mixable",))
def mixup(run: HookContext, *, alpha: PositiveFloat = 0.2) -> Hook:
    """Each input is blended with another of its batch, and so are their targets (Zhang 2018)."""
    return _mixing(run, "mixup", alpha, cut=False)


@hook("cutmix", targets=("mixable",))
def cutmix(run: HookContext, *, alpha: PositiveFloat = 1.0) -> Hook:
    """A box of each image is another's, and so is as large a share of the target (Yun 2019)."""
    return _mixing(run, "cutmix", alpha, cut=True)
