"""Averaged weights."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from tuitrain.components.hooks import Hook, HookContext
from tuitrain.components.registry import hook


class AveragedWeights(Hook):
    """A running mean of the weights, evaluated and saved beside the raw ones."""

    label = "ema"
    leaves_body = True

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
        if any(hasattr(p, "full_tensor") for p in self._parameters):
            with self._copied():
                yield
            return
        raw = [p.data for p in self._parameters]
        try:
            for parameter, mean in zip(self._parameters, self._means, strict=True):
                parameter.data = mean
            yield
        finally:
            for parameter, own in zip(self._parameters, raw, strict=True):
                parameter.data = own

    @contextmanager
    def _copied(self) -> Iterator[None]:
        """Write the means over the weights: of a sharded model the memory stays the same."""
        raw = [p.detach().clone() for p in self._parameters]
        try:
            _write(self._means, self._parameters)
            yield
        finally:
            _write(raw, self._parameters)

    def state_dict(self) -> dict[str, Any]:
        """Return the means, in the order of the model's parameters."""
        return {"means": self._means, "updates": self._updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to other means."""
        _write(state["means"], self._means)
        self._updates = state["updates"]


@torch.no_grad()
def _write(values: Iterable[Tensor], places: Iterable[Tensor]) -> None:
    for value, place in zip(values, places, strict=True):
        place.copy_(value)


@hook("ema")
def ema(run: HookContext, *, decay: Annotated[float, Field(ge=0, lt=1)] = 0.999) -> Hook:
    """Averaged weights: an exponential mean, evaluated as ema/... and saved beside the raw ones."""
    return AveragedWeights(run.model, decay)
