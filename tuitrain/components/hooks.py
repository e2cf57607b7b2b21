"""Techniques beside the loop: what they may do, and when they are asked.

A technique is one class in one file that overrides what it needs; what it does not override costs
nothing in a step. Its state is in every checkpoint, so a run goes on exactly as it would have.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tuitrain.components.samples import SampleBatch
from tuitrain.components.task import Task


@dataclass(frozen=True, slots=True)
class HookContext:
    """What a hook's builder may know of the run."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    device: torch.device
    task: Task
    outputs: int
    """Numbers that the model gives for one sample: classes, or targets."""
    steps_per_epoch: int
    total_steps: int
    seed: int
    compiled: bool = False
    """Whether torch.compile runs the model: hooks on its modules are not called."""
    folder: Path | None = None
    """The run's; None: there is none."""
    samples: Callable[[int], SampleBatch] | None = None
    """Returns so many samples of the validation set, from all over it, the same each time."""


class Hook:
    """Overrides what it needs of this; steps are counted as updates done."""

    label = ""
    """Of the metrics that an evaluation with `evaluation_weights` gives, as `ema` in ema/loss."""
    leaves_body = False
    """Whether it asks nothing of a body that is frozen for the whole run while training goes on:
    then its features may be computed once, and steps run the model's last layer alone."""

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

    def before_update(self, step: int) -> None:
        """The gradients of the update that makes `step` are there, unscaled and not clipped."""

    def updated(self, step: int) -> None:
        """The update that makes `step` was made."""

    def evaluation_weights(self) -> AbstractContextManager[None] | None:
        """Return a context in which the model has other weights to be evaluated with, or None."""
        return None

    def during_evaluation(self, step: int) -> None:
        """An evaluation after `step` updates has gone over the validation set.

        The model is in evaluation mode, nothing is differentiated, and what is drawn here moves
        none of the training's generators. What is raised leaves the hook out of it from then on
        and is told as an alert; the run goes on.
        """

    def evaluated(self, metrics: Mapping[str, float], step: int) -> None:
        """An evaluation after `step` updates gave these metrics, by their full names."""

    def ended(self) -> None:
        """Training has ended, whichever way."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it has come to: tensors, numbers, texts and containers of them."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to what `state_dict` returned."""
