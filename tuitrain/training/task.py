"""What a task measures: train metrics from kept outputs, validation metrics over a whole set.

Everything stays on the device until the loop flushes. Adding a task is adding a class here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from tuitrain.config.schema import Task as TaskName
from tuitrain.errors import TrainingError

MOST_CONFUSION_CLASSES = 128
"""With more classes only the per-class sums are kept, not the table."""


class MetricAccumulator(Protocol):
    """Sums over one evaluation."""

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Count one batch."""
        ...

    def metrics(self) -> dict[str, float]:
        """Return the metrics without their `val/`."""
        ...

    def counts(self) -> Mapping[str, Any] | None:
        """Return per-class counts, where there are classes."""
        ...


class Task(Protocol):
    """One kind of training."""

    def shape_outputs(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return outputs in the shape that loss and metrics take.

        Raises:
            TrainingError: there are not as many as the targets want.
        """
        ...

    def train_metric(self) -> str:
        """Return the name of the metric that `measure_steps` gives."""
        ...

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the train metric of each batch; one transfer from the device for all."""
        ...

    def tally(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin an evaluation."""
        ...


def _widest(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def _mean_each(values: Tensor, sizes: Sequence[int]) -> list[float]:
    """Return the mean over each run of `sizes` consecutive values."""
    if len(set(sizes)) == 1:
        means: list[float] = values.view(len(sizes), -1).mean(1).tolist()
        return means
    return torch.stack([part.mean() for part in torch.split(values, list(sizes))]).tolist()


def _shaped_like(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return [batch] as [batch, 1] or the other way round, whichever the targets are.

    Losses broadcast one against the other to [batch, batch] and train on with that.
    """
    if outputs.shape == targets.shape:
        return outputs
    if outputs.numel() != targets.numel():
        raise TrainingError(
            f"the model gives outputs of shape {tuple(outputs.shape)} for targets of shape "
            f"{tuple(targets.shape)}: it must give one number for each target"
        )
    return outputs.reshape(targets.shape)


class Classification:
    """One of several classes; outputs [batch, classes], targets [batch] int64."""

    def shape_outputs(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Class scores are taken as they are."""
        del targets
        return outputs

    def train_metric(self) -> str:
        """Accuracy: the share of samples whose class has the highest score."""
        return "accuracy"

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the accuracy of each batch."""
        true = torch.cat(list(targets))
        # Shares of classes, as mixing gives them, count as the largest of them.
        right = torch.cat(list(outputs)).argmax(1) == (true.argmax(1) if true.ndim > 1 else true)
        return _mean_each(right.float(), [len(item) for item in targets])

    def tally(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin to count."""
        return ClassCounts(outputs, device)


class Binary:
    """Yes or no; one score a sample, targets [batch] or [batch, 1] of 0. or 1.; above 0 is yes."""

    def shape_outputs(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give outputs the shape of the targets."""
        return _shaped_like(outputs, targets)

    def train_metric(self) -> str:
        """Accuracy at the threshold 0."""
        return "accuracy"

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the accuracy of each batch."""
        right = (torch.cat(list(outputs)) > 0) == (torch.cat(list(targets)) > 0.5)
        return _mean_each(right.float(), [len(item) for item in targets])

    def tally(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin to count, as for two classes."""
        del outputs
        return ClassCounts(2, device)


class Regression:
    """Numbers; targets [batch, n] or [batch], as many outputs."""

    def shape_outputs(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give outputs the shape of the targets."""
        return _shaped_like(outputs, targets)

    def train_metric(self) -> str:
        """Mean absolute error."""
        return "mae"

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the mean absolute error of each batch."""
        error = (torch.cat(list(outputs)) - torch.cat(list(targets))).abs()
        # Sums in float64 come out the same whichever steps a flush holds.
        error = error.to(_widest(error.device))
        return _mean_each(
            error.flatten(1).mean(1) if error.ndim > 1 else error, [len(item) for item in targets]
        )

    def tally(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin to sum."""
        return ErrorSums(device, outputs)


class ClassCounts:
    """Counts of (true, predicted) pairs."""

    def __init__(self, classes: int, device: torch.device) -> None:
        self._classes = classes
        self._table: Tensor | None = None
        self._sums: tuple[Tensor, Tensor, Tensor] | None = None
        if classes <= MOST_CONFUSION_CLASSES:
            self._table = torch.zeros(classes * classes, dtype=torch.int64, device=device)
        else:
            sums = torch.zeros(3, classes, dtype=torch.int64, device=device)
            self._sums = (sums[0], sums[1], sums[2])

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Count one batch; scores above 0 are class 1 where there is one score a sample."""
        scored = outputs.ndim > targets.ndim
        predicted = outputs.argmax(1) if scored else (outputs > 0).long().flatten()
        true = (targets if scored else targets > 0.5).long().flatten()
        one = torch.ones_like(true)
        if self._table is not None:
            self._table.index_add_(0, true * self._classes + predicted, one)
        elif self._sums is not None:
            support, chosen, correct = self._sums
            support.index_add_(0, true, one)
            chosen.index_add_(0, predicted, one)
            correct.index_add_(0, true, (true == predicted).long())

    def counts(self) -> dict[str, Any]:
        """Return support, predicted and correct a class, and the confusion table if small."""
        if self._table is not None:
            table = self._table.view(self._classes, self._classes)
            return {
                "support": table.sum(1).tolist(),
                "predicted": table.sum(0).tolist(),
                "correct": table.diagonal().tolist(),
                "confusion": table.tolist(),
            }
        support, chosen, correct = self._sums or ((), (), ())
        return {
            "support": torch.as_tensor(support).tolist(),
            "predicted": torch.as_tensor(chosen).tolist(),
            "correct": torch.as_tensor(correct).tolist(),
        }

    def metrics(self) -> dict[str, float]:
        """Return the accuracy."""
        counts = self.counts()
        return {"accuracy": sum(counts["correct"]) / max(1, sum(counts["support"]))}


class ErrorSums:
    """Sums of errors and squares for each output, in float64 where the device has it."""

    def __init__(self, device: torch.device, outputs: int = 1) -> None:
        self._sums = torch.zeros(4, outputs, dtype=_widest(device), device=device)
        self._number = 0
        self._first: Tensor | None = None
        """The first sample's targets [outputs]: their squares leave no digits for a small spread
        far from zero, those of the differences to them do."""

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Add one batch."""
        true = targets.reshape(len(targets), -1).to(self._sums.dtype)
        error = outputs.reshape(true.shape).to(self._sums.dtype) - true
        if self._first is None:
            self._first = true[0]
        apart = true - self._first
        self._number += len(true)
        parts = (error.abs().sum(0), error.square().sum(0), apart.sum(0), apart.square().sum(0))
        self._sums += torch.stack(parts)

    def counts(self) -> None:
        """There are no classes."""
        return

    def metrics(self) -> dict[str, float]:
        """Return mean absolute error, root mean squared error and R2: of several outputs the mean.

        As scikit-learn's with `multioutput="uniform_average"`.
        """
        number = max(1, self._number)
        each = [_errors(sums, number) for sums in self._sums.T.tolist()]
        return {name: sum(one[name] for one in each) / len(each) for name in ("mae", "rmse", "r2")}


def _errors(sums: Sequence[float], number: int) -> dict[str, float]:
    """Return the metrics of one output; where targets do not vary, R2 is 1 or 0 by agreement."""
    absolute, squared, apart, squares = sums
    spread = squares - apart * apart / number
    r2 = 1 - squared / spread if spread > 0 else float(not squared)
    return {"mae": absolute / number, "rmse": (squared / number) ** 0.5, "r2": r2}


def find_task(name: TaskName) -> Task:
    """Return the task that a preset names."""
    tasks: dict[str, Task] = {
        "classification": Classification(),
        "binary": Binary(),
        "regression": Regression(),
    }
    return tasks[name]
