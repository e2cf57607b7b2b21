"""An image, or anything of a shape, from another."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tuitrain.components.pictures import is_image
from tuitrain.components.registry import task
from tuitrain.components.samples import Sample, SampleBatch
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
    targets = ("numbers",)
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

    def samples(self, model: nn.Module, batch: SampleBatch) -> list[Sample]:
        """Return inputs and what the model makes of them, in the values of the data set.

        An image of its own as target stands between them. What is beyond the darkest and the
        brightest of the wanted images is as dark or as bright.
        """
        outputs = self.shape_outputs(model(batch.inputs), batch.targets)
        if batch.as_raw is not None:
            made = _like(batch.as_raw(outputs), batch.raw)
            return [
                {"input": raw, "output": output}
                for raw, output in zip(batch.raw, made, strict=True)
            ]
        parts = zip(batch.raw, batch.targets, _like(outputs, batch.targets), strict=True)
        return [{"input": raw, "target": target, "output": output} for raw, target, output in parts]

    def accumulator(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin to sum."""
        return SquareSums(outputs, device)


def _like(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return images in the type and range of the wanted ones; other outputs as they are."""
    if not is_image(wanted[0]) or outputs.shape != wanted.shape:
        return outputs
    wanted = wanted.to(outputs.device)
    limited = outputs.float().clamp(float(wanted.min()), float(wanted.max()))
    return limited if wanted.is_floating_point() else limited.round().to(wanted.dtype)


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
        # In the sums' type: another first sample, as another rank has, then gives the same sums.
        apart = true.to(self._apart.dtype) - self._first.to(self._apart.dtype)
        self._apart += torch.stack([apart.sum(0), apart.square().sum(0)])
        self._number += len(true)

    def merge(self, other: "SquareSums") -> None:
        """Add what `other` has summed, as differences to the first sample of this one."""
        if other._first is None:
            return
        if self._first is None:
            self._first = other._first
        shift = other._first.to(self._apart.dtype) - self._first.to(self._apart.dtype)
        apart, squares = other._apart
        moved = apart + other._number * shift
        squares = squares + 2 * shift * apart + other._number * shift * shift
        self._apart += torch.stack([moved, squares])
        self._squared += other._squared
        self._number += other._number

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
