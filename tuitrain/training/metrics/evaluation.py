"""One pass over the validation set."""

import time
from contextlib import nullcontext
from dataclasses import dataclass
from math import prod
from typing import Any

import torch

from tuitrain.errors import TrainingError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.batches import evaluation_batches
from tuitrain.training.data.sources import count
from tuitrain.training.modules.modes import evaluation_mode


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a pass over the validation set gave."""

    metrics: dict[str, float]
    """By full name, e.g. val/loss."""
    counts: dict[str, Any] | None
    duration_s: float


_MOST_OUTPUTS = 1 << 24
"""Numbers that a model may give at a time where that is more than in training: 64 MiB."""


def evaluation_size(components: TrainingComponents) -> int:
    """Return how many samples an evaluation takes at a time: without gradients there is room."""
    spec = components.data.spec
    shape = components.task.output_shape(spec.outputs, spec.target_shape) or (spec.outputs,)
    room = _MOST_OUTPUTS // max(1, prod(shape))
    return max(components.preset.train.batch_size, min(256, room))


class Evaluator:
    """Evaluates a run's model; moves no generator and no state of the training."""

    def __init__(self, components: TrainingComponents) -> None:
        self._components = components
        self._samples = count(components.data.validation)

    def batches(self, batch_size: int) -> int:
        """Return how many batches of a size one pass is."""
        return -(-self._samples // batch_size)

    def largest(self, batch_size: int) -> int:
        """Return the samples of the largest batch that a pass in this size has."""
        return min(batch_size, self._samples)

    @torch.no_grad()
    def run(self, batch_size: int) -> Evaluation:
        """Evaluate; the loss is the mean over all that the task counts, whatever the batches are.

        Without gradients, but not in inference mode: a tensor that a model keeps from there, as a
        table of positions, could not be used in training.
        """
        started = time.perf_counter()
        with evaluation_mode(self._components.model, self._components.loss):
            metrics, counts = self._pass(batch_size, "val")
            for hook in self._components.hooks.weights:
                with hook.evaluation_weights() or nullcontext():
                    metrics |= self._pass(batch_size, hook.label)[0]
        return Evaluation(metrics, counts, time.perf_counter() - started)

    def _pass(self, batch_size: int, label: str) -> tuple[dict[str, float], dict[str, Any] | None]:
        """Go over the validation set once; metrics by full name, and counts of classes."""
        components, data = self._components, self._components.data
        tally = components.task.accumulator(data.spec.outputs, components.device)
        total = torch.zeros((), device=components.device)
        weight: torch.Tensor | int = 0
        batches = evaluation_batches(
            data.validation,
            data.preparation,
            batch_size=batch_size,
            workers=components.preset.data.workers,
            device=components.device,
        )
        for inputs, targets in batches:
            with components.precision.autocast():
                outputs = components.task.shape_outputs(components.model(inputs), targets)
                counted = components.task.weigh(targets)
                part = components.loss(outputs, targets).float() * counted
                weight += counted
                if isinstance(counted, torch.Tensor):
                    # The mean over nothing, as of a batch that is all padding, is NaN.
                    part = part.masked_fill(counted == 0, 0.0)
                total += part
            tally.add(outputs, targets)
        metrics = {f"{label}/loss": total.item() / max(1, int(weight))}
        measured = tally.metrics()
        if absent := [name for name in components.task.metrics if name not in measured]:
            raise TrainingError(
                f"task = {components.task.name}: evaluations give no {', '.join(absent)}, which "
                "its metrics name"
            )
        metrics |= {f"{label}/{name}": value for name, value in measured.items()}
        counts = tally.counts()
        if counts is not None and data.classes:
            counts = {"classes": list(data.classes), **counts}
        return metrics, dict(counts) if counts else None
