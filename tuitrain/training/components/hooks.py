"""Hooks: each returns one technique beside the loop, built from what it may know of the run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from tuitrain.errors import TrainingError
from tuitrain.training.hooks import Hook, HookContext
from tuitrain.training.registry import hook


class AveragedWeights(Hook):
    """A running mean of the weights, evaluated and saved beside the raw ones."""

    label = "ema"

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._parameters = [p for p in model.parameters() if p.is_floating_point()]
        self._decay = decay
        self._means = [p.detach().clone() for p in self._parameters]
        self._updates = 0

    def updated(self, step: int) -> None:
        """Move every mean; the first updates weigh more, so that the start is forgotten soon."""
        del step
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        torch._foreach_lerp_(self._means, [p.detach() for p in self._parameters], 1 - decay)

    @contextmanager
    def evaluation_weights(self) -> Iterator[None]:
        """Let the model have the means; its buffers stay its own."""
        raw = [p.data for p in self._parameters]
        try:
            for parameter, mean in zip(self._parameters, self._means, strict=True):
                parameter.data = mean
            yield
        finally:
            for parameter, own in zip(self._parameters, raw, strict=True):
                parameter.data = own

    def state_dict(self) -> dict[str, Any]:
        """Return the means, in the order of the model's parameters."""
        return {"means": self._means, "updates": self._updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to other means."""
        torch._foreach_copy_(self._means, state["means"])
        self._updates = state["updates"]


@hook("ema")
def ema(run: HookContext, *, decay: Annotated[float, Field(ge=0, lt=1)] = 0.999) -> Hook:
    """Averaged weights: an exponential mean, evaluated as ema/... and saved beside the raw ones."""
    return AveragedWeights(run.model, decay)


class Unfreezing(Hook):
    """Keeps some parameters as they are until an epoch begins."""

    def __init__(self, parameters: Sequence[nn.Parameter], until_step: int) -> None:
        self._parameters = parameters
        self._until_step = until_step

    def started(self, step: int) -> None:
        """Freeze or not, as the step says."""
        self._set(trains=step >= self._until_step)

    def updated(self, step: int) -> None:
        """Let them train from the step on."""
        if step == self._until_step:
            self._set(trains=True)

    def _set(self, *, trains: bool) -> None:
        for parameter in self._parameters:
            parameter.requires_grad_(trains)


@hook("unfreeze")
def unfreeze(run: HookContext, *, modules: Sequence[str], at_epoch: PositiveInt = 1) -> Hook:
    """Parameters whose names begin with one of `modules` are frozen until `at_epoch` epochs."""
    named = [(name, p) for name, p in run.model.named_parameters() if p.requires_grad]
    for module in modules:
        if not any(_lies_in(name, module) for name, _parameter in named):
            first = sorted({name.partition(".")[0] for name, _parameter in named})
            raise TrainingError(
                f"hooks.unfreeze: the model has no trainable parameters in {module!r}; it has "
                f"{', '.join(first)}"
            )
    chosen = [p for name, p in named if any(_lies_in(name, module) for module in modules)]
    if len(chosen) == len(named):
        raise TrainingError("hooks.unfreeze: nothing is left to train until then")
    return Unfreezing(chosen, at_epoch * run.steps_per_epoch)


def _lies_in(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


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
