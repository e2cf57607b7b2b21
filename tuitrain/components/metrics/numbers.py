"""Metrics of numbers, those of the regression task for others too."""

from torch import Tensor

from tuitrain.components.metric import Metric, MetricContext
from tuitrain.components.registry import metric
from tuitrain.components.tasks.regression import ErrorSums


class Error(Metric):
    """One of the errors that sums over the evaluation come to."""

    def __init__(self, run: MetricContext, name: str) -> None:
        self._sums = ErrorSums(run.device, run.outputs)
        self._name = name

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Sum a batch's errors."""
        self._sums.add(outputs, targets)

    def merge(self, other: "Error") -> None:
        """Sum what `other` has summed as well."""
        self._sums.merge(other._sums)

    def value(self) -> float:
        """Return the mean over the outputs."""
        return self._sums.metrics()[self._name]


class _Explained(Error):
    larger_is_better = True


@metric("mae", targets=("numbers",))
def mae(run: MetricContext) -> Metric:
    """Mean absolute error."""
    return Error(run, "mae")


@metric("rmse", targets=("numbers",))
def rmse(run: MetricContext) -> Metric:
    """Root mean squared error, of several outputs the mean of theirs."""
    return Error(run, "rmse")


@metric("r2", targets=("numbers",), larger_is_better=True)
def r2(run: MetricContext) -> Metric:
    """Share of the targets' variance that is explained, of several outputs the mean of theirs."""
    return _Explained(run, "r2")
