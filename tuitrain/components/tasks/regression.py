"""Numbers."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tuitrain.components.registry import task
from tuitrain.components.task import MetricAccumulator, Task, mean_each, widest


@task("regression")
class Regression(Task):
    """Numbers a sample, one or several.

    Targets are [batch, n] or [batch], and there are as many outputs.
    """

    metrics = ("mae", "rmse", "r2")
    train_metric = "mae"
    larger_is_better = ("r2",)
    loss = "mse"
    targets = ("numbers", "mixable")

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the mean absolute error of each batch."""
        error = (torch.cat(list(outputs)) - torch.cat(list(targets))).abs()
        # Sums in float64 come out the same whichever steps a flush holds.
        error = error.to(widest(error.device))
        return mean_each(
            error.flatten(1).mean(1) if error.ndim > 1 else error, [len(item) for item in targets]
        )

    def accumulator(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin to sum."""
        return ErrorSums(device, outputs)


class ErrorSums:
    """Sums of errors and squares for each output, in float64 where the device has it."""

    def __init__(self, device: torch.device, outputs: int = 1) -> None:
        self._sums = torch.zeros(4, outputs, dtype=widest(device), device=device)
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

    def merge(self, other: "ErrorSums") -> None:
        """Add what `other` has summed, as differences to the first sample of this one."""
        if other._first is None:
            return
        if self._first is None:
            self._first = other._first
        shift = other._first - self._first
        absolute, squared, apart, squares = other._sums
        moved = apart + other._number * shift
        squares = squares + 2 * shift * apart + other._number * shift * shift
        self._sums += torch.stack([absolute, squared, moved, squares])
        self._number += other._number

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
