"""One pass over the validation set."""

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tuitrain.training.data.batches import evaluation_batches
from tuitrain.training.data.transform import BatchTransform
from tuitrain.training.modes import evaluation_mode
from tuitrain.training.precision import Precision
from tuitrain.training.samples import Source, count
from tuitrain.training.task import Task


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a pass over the validation set gave."""

    metrics: dict[str, float]
    """By full name, e.g. val/loss."""
    counts: dict[str, Any] | None
    duration_s: float


@dataclass(slots=True)
class Evaluator:
    """Evaluates a model; moves no generator and no state of the training."""

    model: nn.Module
    loss: nn.Module
    task: Task
    source: Source
    preparation: BatchTransform
    precision: Precision
    outputs: int
    classes: tuple[str, ...]
    batch_size: int
    workers: int
    device: torch.device

    @property
    def batches(self) -> int:
        """How many batches one pass is."""
        return -(-count(self.source) // self.batch_size)

    @torch.no_grad()
    def run(self) -> Evaluation:
        """Evaluate; the loss is the mean over all samples, whatever the batches' sizes.

        Without gradients, but not in inference mode: a tensor that a model keeps from there, as a
        table of positions, could not be used in training.
        """
        with evaluation_mode(self.model, self.loss):
            return self._run()

    def _run(self) -> Evaluation:
        started = time.perf_counter()
        tally = self.task.tally(self.outputs, self.device)
        total = torch.zeros((), device=self.device)
        batches = evaluation_batches(
            self.source,
            self.preparation,
            batch_size=self.batch_size,
            workers=self.workers,
            device=self.device,
        )
        for inputs, targets in batches:
            with self.precision.autocast():
                outputs = self.task.shape_outputs(self.model(inputs), targets)
                total += self.loss(outputs, targets).float() * len(targets)
            tally.add(outputs, targets)
        metrics = {"val/loss": total.item() / max(1, count(self.source))}
        metrics |= {f"val/{name}": value for name, value in tally.metrics().items()}
        counts = tally.counts()
        if counts is not None and self.classes:
            counts = {"classes": list(self.classes), **counts}
        duration_s = time.perf_counter() - started
        return Evaluation(metrics, dict(counts) if counts else None, duration_s)
