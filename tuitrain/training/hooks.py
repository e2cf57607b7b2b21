"""Techniques beside the loop: what they may do, and when they are asked.

A technique is one class in one file that overrides what it needs; what it does not override costs
nothing in a step. Its state is in every checkpoint, so a run goes on exactly as it would have.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tuitrain.config.schema import HookSection
from tuitrain.errors import CheckpointError, TrainingError
from tuitrain.training import registry


@dataclass(frozen=True, slots=True)
class HookContext:
    """What a hook's builder may know of the run."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    device: torch.device
    task: str
    outputs: int
    """Numbers that the model gives for one sample: classes, or targets."""
    steps_per_epoch: int
    total_steps: int
    seed: int


class Hook:
    """Overrides what it needs of this; steps are counted as updates done."""

    label = ""
    """Of the metrics that an evaluation with `evaluation_weights` gives, as `ema` in ema/loss."""

    def started(self, step: int) -> None:
        """Training is about to go on after `step` updates, for the first time or after a resume."""

    def transform_batch(self, inputs: Tensor, targets: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Return what the model takes and what the loss takes in their place.

        Args:
            inputs: [batch, ...], augmented and prepared.
            targets: [batch] or [batch, ...].
            seed: follows from the run's seed, the step and the batch's place in it: the only source
                of randomness that is the same after a resume.
        """
        del seed
        return inputs, targets

    def updated(self, step: int) -> None:
        """The update that makes `step` was made."""

    def evaluation_weights(self) -> AbstractContextManager[None] | None:
        """Return a context in which the model has other weights to be evaluated with, or None."""
        return None

    def evaluated(self, metrics: Mapping[str, float], step: int) -> None:
        """An evaluation after `step` updates gave these metrics, by their full names."""

    def ended(self) -> None:
        """Training has ended, whichever way."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it has come to: tensors, numbers, texts and containers of them."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to what `state_dict` returned."""


class HookList:
    """A run's hooks in the preset's order; knows which of them have something to do where."""

    def __init__(self, hooks: Sequence[tuple[str, Hook]]) -> None:
        self._named = tuple(hooks)
        self.transforms: list[Callable[..., tuple[Tensor, Tensor]]] = [
            hook.transform_batch for hook in self._that_override("transform_batch")
        ]
        self.updated: list[Callable[[int], None]] = [
            hook.updated for hook in self._that_override("updated")
        ]
        self.weights: list[Hook] = self._that_override("evaluation_weights")

    def _that_override(self, method: str) -> list[Hook]:
        return [
            hook
            for _name, hook in self._named
            if getattr(type(hook), method, None) is not getattr(Hook, method)
        ]

    def started(self, step: int) -> None:
        """Tell all that training goes on after `step` updates."""
        for _name, hook in self._named:
            hook.started(step)

    def evaluated(self, metrics: Mapping[str, float], step: int) -> None:
        """Tell all of an evaluation."""
        for _name, hook in self._named:
            hook.evaluated(metrics, step)

    def ended(self) -> None:
        """Tell all that training has ended."""
        for _name, hook in self._named:
            hook.ended()

    def state_dict(self) -> list[dict[str, Any]]:
        """Return the state of each, with its name."""
        return [{"name": name, "state": hook.state_dict()} for name, hook in self._named]

    def load_state_dict(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Go back to what `state_dict` returned.

        Raises:
            CheckpointError: the checkpoint was made with other hooks.
        """
        saved, here = [each["name"] for each in states], [name for name, _hook in self._named]
        if saved != here:
            raise CheckpointError(
                f"the checkpoint was made with the hooks {', '.join(saved) or 'none'}, the preset "
                f"has {', '.join(here) or 'none'}: resume with those it was made with"
            )
        for (_name, hook), each in zip(self._named, states, strict=True):
            hook.load_state_dict(each["state"])


def build_hooks(sections: Sequence[HookSection], context: HookContext) -> HookList:
    """Build the hooks that a preset names.

    Raises:
        TrainingError: there is no such hook, or it does not fit the run.
    """
    return HookList([(section.name, _build(section, context)) for section in sections])


def _build(section: HookSection, context: HookContext) -> Hook:
    build = registry.hook.find(section.name)
    given = (context,) if registry.takes_context(build) else ()
    hook = build(*given, **section.options)
    if not isinstance(hook, Hook):
        raise TrainingError(
            f"hooks.name = {section.name} returned {type(hook).__name__}, not a "
            "tuitrain.training.hooks.Hook"
        )
    return hook
