"""The metrics that a preset names beside those of its task."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from tuitrain.components import registry
from tuitrain.components.metric import Metric, MetricContext
from tuitrain.config.schema import MetricSection, Preset
from tuitrain.errors import TrainingError

_PARTS = ("add", "value")


class ChosenMetrics:
    """Makes the metrics of a run anew for each evaluation."""

    def __init__(self, builders: Mapping[str, Callable[[], Any]]) -> None:
        """Take what builds each, by what follows `val/` in its name."""
        self._builders = dict(builders)

    @property
    def labels(self) -> tuple[str, ...]:
        """What follows `val/` in their names."""
        return tuple(self._builders)

    def begin(self) -> "MetricTally":
        """Begin an evaluation."""
        return MetricTally({label: build() for label, build in self._builders.items()})


class MetricTally:
    """The metrics over one evaluation."""

    def __init__(self, metrics: Mapping[str, Any]) -> None:
        self._metrics = dict(metrics)

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Count one batch."""
        for metric in self._metrics.values():
            metric.add(outputs, targets)

    @property
    def unmergeable(self) -> str:
        """The label of the first that can't be put together with those of another rank."""
        lacking = (label for label, metric in self._metrics.items() if not _merges(metric))
        return next(lacking, "")

    def merge(self, other: "MetricTally") -> None:
        """Count what another rank has counted as well."""
        for label, metric in self._metrics.items():
            metric.merge(other._metrics[label])

    def values(self) -> dict[str, float]:
        """Return what each comes to, by its label.

        Raises:
            TrainingError: one gives no number.
        """
        return {label: _number(label, metric.value()) for label, metric in self._metrics.items()}


def build_metrics(preset: Preset, context: MetricContext) -> ChosenMetrics:
    """Return the metrics that a preset names; each is made once, to see that it can be.

    Raises:
        TrainingError: there is no such metric, it is none, it does not fit the run, or what
            decides by it takes it the wrong way round.
    """
    builders: dict[str, Callable[[], Any]] = {}
    for section in preset.metrics:
        if section.shown in (*builders, *context.task.metrics, "loss"):
            raise TrainingError(
                f"metrics: val/{section.shown} is there already, so {section.name} needs a label "
                "of its own"
            )
        build = _builder(section, context)
        made = build()
        _check_is_metric(section, made)
        _check_direction(section, made, preset)
        builders[section.shown] = build
    return ChosenMetrics(builders)


def check_metrics(metrics: ChosenMetrics, outputs: Tensor, targets: Tensor) -> None:
    """Let the metrics count a first batch: what one can't take is told before hours have gone.

    Raises:
        TrainingError: one of them raises, or gives no number.
    """
    tally = metrics.begin()
    try:
        tally.add(outputs.detach(), targets)
        tally.values()
    except TrainingError:
        raise
    except Exception as error:
        raise TrainingError(
            f"metrics: one of {', '.join(metrics.labels)} can't count outputs of shape "
            f"{tuple(outputs.shape)} for targets of shape {tuple(targets.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error


def _builder(section: MetricSection, context: MetricContext) -> Callable[[], Any]:
    build = registry.metric.find(section.name)
    given: Sequence[Any] = (context,) if registry.takes_context(build) else ()
    return partial(build, *given, **section.options)


def _check_is_metric(section: MetricSection, made: Any) -> None:
    lacking = [part for part in _PARTS if not callable(getattr(made, part, None))]
    if not isinstance(getattr(made, "larger_is_better", None), bool):
        lacking.append("larger_is_better")
    if lacking:
        raise TrainingError(
            f"metrics: {section.name} returned {type(made).__name__}, which has no "
            f"{' and no '.join(lacking)}; a metric is a tuitrain.components.Metric"
        )


def _check_direction(section: MetricSection, made: Any, preset: Preset) -> None:
    """Of code of one's own only now it is known which way is better."""
    wanted = "max" if made.larger_is_better else "min"
    for name, part in (("checkpoint", preset.checkpoint), ("stop", preset.stop)):
        if part.monitor == f"val/{section.shown}" and part.mode != wanted:
            better = "larger" if made.larger_is_better else "smaller"
            raise TrainingError(
                f"{name}.mode = {part.mode}, but {section.name} says that {better} is better: set "
                f"{name}.mode = {wanted}"
            )


def _merges(metric: Any) -> bool:
    made = getattr(type(metric), "merge", None)
    return callable(made) and made is not Metric.merge


def _number(label: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(
            f"metrics: the value of {label} is a {type(value).__name__}, it must be one number"
        ) from error
