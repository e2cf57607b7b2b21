"""A schedule that follows a metric."""

from collections.abc import Mapping
from math import inf, isfinite
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from tuitrain.components.registry import schedule
from tuitrain.errors import TrainingError


class Plateau:
    """A factor that falls when a metric has stopped getting better."""

    def __init__(
        self, monitor: str, mode: str, factor: float, patience: int, threshold: float
    ) -> None:
        self._monitor, self._mode = monitor, mode
        self._factor, self._patience, self._threshold = factor, patience, threshold
        self._now, self._best, self._waited = 1.0, inf if mode == "min" else -inf, 0

    def __call__(self, step: int, total: int) -> float:
        """Return what the evaluations so far have come to."""
        del step, total
        return self._now

    def evaluated(self, metrics: Mapping[str, float], step: int) -> None:
        """Take in an evaluation; NaN is never better."""
        del step
        value = metrics.get(self._monitor)
        if value is None:
            raise TrainingError(
                f"schedule.monitor = {self._monitor}: evaluations give {', '.join(metrics)}"
            )
        if self._is_better(value):
            self._best, self._waited = value, 0
            return
        self._waited += 1
        if self._waited > self._patience:
            self._now, self._waited = self._now * self._factor, 0

    def _is_better(self, value: float) -> bool:
        margin = self._threshold * abs(self._best) if isfinite(self._best) else 0.0
        return value < self._best - margin if self._mode == "min" else value > self._best + margin

    def state_dict(self) -> dict[str, Any]:
        """Return what it has come to."""
        return {"now": self._now, "best": self._best, "waited": self._waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to what `state_dict` returned."""
        self._now, self._best, self._waited = state["now"], state["best"], state["waited"]


@schedule("plateau")
def plateau(
    *,
    monitor: str = "val/loss",
    mode: Literal["min", "max"] | None = None,
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1,
    patience: NonNegativeInt = 10,
    threshold: NonNegativeFloat = 1e-4,
) -> Plateau:
    """Multiplied by `factor` after more than `patience` evaluations without a better `monitor`.

    Without `mode` it is the metric's, as for `checkpoint`.
    """
    return Plateau(monitor, mode or "min", factor, patience, threshold)
