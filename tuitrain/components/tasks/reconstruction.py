"""An image, or anything of a shape, from another."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tuitrain.components.registry import task
from tuitrain.components.task import MetricAccumulator, Task, widest


@task("reconstruction")
class Reconstruction(Task):
    """A tensor of any shape a sample: the input itself, as an autoencoder gives it, or another one.

    Outputs and targets have the same shape. Where the data set's targets are one number a sample,
    as class numbers, the targets are the prepared inputs.
    """

    metrics = ("mse", "variance_explained")
    train_metric = "mse"
    larger_is_better = ("variance_explained",)
    loss = "mse"
    reconstructs = True
    takes_data_of = ("classification",)

    def summarise(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean squared error, twice: targets are not needed for it any more."""
        error = (outputs.float() - targets).square().mean()
        return error, error

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the mean squared error of each batch."""
        del targets
        errors: list[float] = torch.stack(list(outputs)).tolist()
        return errors

    def accumulator(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin to sum."""
        return SquareSums(outputs, device)


class SquareSums:
    """Sums of squared errors, and of squares around the mean of each number of a target."""

    def __init__(self, outputs: int, device: torch.device) -> None:
        self._apart = torch.zeros(2, outputs, dtype=widest(device), device=device)
        self._squared = torch.zeros((), dtype=widest(device), device=device)
        self._number = 0
        self._first: Tensor | None = None
        """The first sample's targets [outputs]: differences to them keep the digits of a small
        spread far from zero."""

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Add one batch."""
        true = targets.flatten(1)
        self._squared += (outputs.flatten(1).float() - true).square().sum(dtype=self._squared.dtype)
        if self._first is None:
            self._first = true[0].clone()
        apart = true - self._first
        kind = self._apart.dtype
        self._apart += torch.stack([apart.sum(0, dtype=kind), apart.square().sum(0, dtype=kind)])
        self._number += len(true)

    def counts(self) -> None:
        """There are no classes."""
        return

    def metrics(self) -> dict[str, float]:
        """Return the mean squared error, and the share of the variance that is explained.

        As scikit-learn's `r2_score` with `multioutput="variance_weighted"`: 0 is what the mean of
        all targets gives. Where targets do not vary it is 1 or 0 by agreement.
        """
        squared, number = self._squared.item(), max(1, self._number)
        apart, squares = self._apart
        spread = (squares - apart.square() / number).sum().item()
        explained = 1 - squared / spread if spread > 0 else float(not squared)
        return {"mse": squared / number / self._apart.shape[1], "variance_explained": explained}
