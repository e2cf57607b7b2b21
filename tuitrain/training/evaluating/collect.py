"""What is kept of each sample of an evaluation, so that intervals and tests can be made of it.

A few numbers a sample, as arrays; knows tasks by what they say of themselves, not by their names.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tuitrain.components.task import IGNORED, Task, widest
from tuitrain.errors import TrainingError
from tuitrain.training.build import TrainingComponents

Family = Literal["classes", "numbers", "tokens", "pixels", "tensors", "other"]
"""What a task's targets are to an evaluation; `other`: nothing is known of them but their loss."""
_MOST_SCORES = 1 << 29
"""Class scores that are kept: 2 GiB."""

Parts = dict[str, Tensor]


def family_of(task: Task) -> Family:
    """Return what a task's targets are."""
    if task.predicts_tokens:
        return "tokens"
    if task.target_dimensions:
        return "pixels"
    if task.has_classes or "yes_no" in task.target_kinds():
        return "classes"
    if task.reconstructs:
        return "tensors"
    return "numbers" if "numbers" in task.target_kinds() else "other"


class SampleCollector:
    """Takes the batches of one pass and keeps a few numbers of each sample."""

    def __init__(
        self, components: TrainingComponents, samples: int, told: Callable[[int], None]
    ) -> None:
        """Begin a pass.

        Args:
            components: whose outputs come.
            samples: of the whole pass.
            told: is given how many samples there are so far.

        Raises:
            TrainingError: they are too many to be kept.
        """
        self._loss = components.loss
        self._task = components.task
        self.family = family_of(components.task)
        outputs = components.data.spec.outputs
        if self.family == "classes" and samples * outputs > _MOST_SCORES:
            raise TrainingError(
                f"{samples:,} samples of {outputs:,} classes are more scores than an evaluation "
                f"keeps ({_MOST_SCORES:,}); evaluate on fewer"
            )
        self._told = told
        self._number = 0
        self._kept: dict[str, list[np.ndarray]] = {}

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Take outputs and targets of a batch, as the loss takes them."""
        kept = {"loss": _each_loss(self._loss, outputs, targets), "weight": self._weight(targets)}
        kept["loss"] = kept["loss"].masked_fill(kept["weight"] == 0, 0.0)
        for name, value in (kept | self._measured(outputs, targets)).items():
            self._kept.setdefault(name, []).append(value.cpu().numpy())
        self._number += len(targets)
        self._told(self._number)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was kept, by name; the first dimension is that of the samples."""
        return {name: np.concatenate(parts) for name, parts in self._kept.items()}

    def _weight(self, targets: Tensor) -> Tensor:
        if not self._task.target_dimensions:
            return torch.ones(len(targets), device=targets.device)
        return (targets != IGNORED).flatten(1).sum(1).float()

    def _measured(self, outputs: Tensor, targets: Tensor) -> Parts:
        measure: dict[str, Callable[[Tensor, Tensor], Parts]] = {
            "classes": _of_classes,
            "numbers": _of_numbers,
            "tokens": _of_tokens,
            "pixels": _of_pixels,
            "tensors": _of_tensors,
        }
        return measure[self.family](outputs, targets) if self.family in measure else {}


def _each_loss(loss: Any, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of each sample [batch]: of a batch that is this sample alone."""
    if outputs.dtype in {torch.float16, torch.bfloat16}:
        # As in the pass, where autocast takes losses in 32 bits.
        outputs = outputs.float()

    def alone(output: Tensor, target: Tensor) -> Tensor:
        found = loss(output[None], target[None])
        return _total(found).float()

    try:
        each: Tensor = torch.vmap(alone, randomness="different")(outputs, targets)
    except (RuntimeError, ValueError):
        # A loss that looks at values can't be mapped.
        pairs = zip(outputs, targets, strict=True)
        each = torch.stack([alone(output, target) for output, target in pairs])
    return each.reshape(len(targets))


def _total(found: Any) -> Tensor:
    total = found[0] if isinstance(found, tuple) else found
    if not isinstance(total, Tensor):
        raise TrainingError(f"the loss returned {type(total).__name__}, not a tensor")
    return total


def _of_classes(outputs: Tensor, targets: Tensor) -> Parts:
    """Return scores [batch, classes] and class numbers; yes or no are two classes."""
    if targets.is_floating_point():
        score = outputs.reshape(len(targets), 1).float()
        outputs = torch.cat([torch.zeros_like(score), score], 1)
        targets = (targets.reshape(len(targets)) > 0.5).long()
    return {"scores": outputs.float(), "targets": targets.long()}


def _of_numbers(outputs: Tensor, targets: Tensor) -> Parts:
    return {"outputs": _wide(outputs), "targets": _wide(targets)}


def _wide(values: Tensor) -> Tensor:
    """Return [batch, n] in float64, on the CPU: Metal has none."""
    return values.reshape(len(values), -1).cpu().double()


def _of_tokens(outputs: Tensor, targets: Tensor) -> Parts:
    """Return nats, right ones and tokens of each sequence."""
    nats = functional.cross_entropy(
        outputs.float(), targets, ignore_index=IGNORED, reduction="none"
    )
    counted = targets != IGNORED
    right = (outputs.argmax(1) == targets) & counted
    return {
        "nats": nats.flatten(1).sum(1).float(),
        "right": right.flatten(1).sum(1),
        "counted": counted.flatten(1).sum(1),
    }


def _of_pixels(outputs: Tensor, targets: Tensor) -> Parts:
    """Return how often each class is true, predicted and both in each sample [batch, classes]."""
    classes = outputs.shape[1]
    counted = (targets != IGNORED).flatten(1)
    true = targets.flatten(1).clamp(min=0)
    predicted = outputs.argmax(1).flatten(1)

    def count(values: Tensor, chosen: Tensor) -> Tensor:
        sums = torch.zeros(len(values), classes, dtype=torch.int64, device=values.device)
        return sums.scatter_add_(1, values, chosen.long())

    return {
        "true": count(true, counted),
        "predicted": count(predicted, counted),
        "both": count(true, counted & (true == predicted)),
    }


def _of_tensors(outputs: Tensor, targets: Tensor) -> Parts:
    """Return the mean squared error of each sample."""
    errors = (outputs.float() - targets).flatten(1)
    return {"squared": errors.to(widest(errors.device)).square().mean(1)}
