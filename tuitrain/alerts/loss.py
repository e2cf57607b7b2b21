"""Rules on what is learned: a loss that diverges, a metric that gets no better.

Knows points and evaluations, not how they come about.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from statistics import fmean, median

from tuitrain.alerts.rule import Rule
from tuitrain.config.schema import AlertsSection, StopSection
from tuitrain.messages import Evaluated, Event, StepsTaken, TrainingResumed

_BLOCK_STEPS = 20
"""The loss is looked at as the median of so many steps: a few wild batches do not move it."""
_SHARE_OF_DESCENT = 0.1
"""Near zero any noise is many times the best: a rise counts from this share of all that the loss
has come down."""

_WOBBLES = 3.0
"""A plateau is over once a value is better by so many times what evaluations differ by from one to
the next: of noise alone the best of a thousand lies less far below the best of ten."""


class Divergence(Rule):
    """The loss stays above a multiple of its best value."""

    on_learning = True

    def __init__(self, settings: AlertsSection) -> None:
        self._factor = settings.divergence_factor
        self._steps = settings.divergence_steps
        self._begin()

    def _begin(self) -> None:
        self._block: list[float] = []
        self._first = self._best = math.nan
        self._best_step = self._above = 0
        self._raised = False

    def take(self, event: Event) -> Iterator[str]:
        """Look at each step's loss."""
        if isinstance(event, TrainingResumed):
            self._begin()
        elif isinstance(event, StepsTaken):
            for points in event.points:
                if points.name == "train/loss":
                    for step, value in enumerate(points.values, points.first_step):
                        yield from self._look(step, value)

    def _look(self, step: int, loss: float) -> Iterable[str]:
        if math.isfinite(loss):
            self._block.append(loss)
        if len(self._block) < _BLOCK_STEPS:
            return ()
        level = median(self._block)
        self._block.clear()
        if math.isnan(self._best):
            self._first = self._best = level
        if level <= self._best:
            self._best, self._best_step = level, step
        return self._judge(level)

    def _judge(self, level: float) -> Iterable[str]:
        rise = (self._factor - 1) * abs(self._best)
        rise = max(rise, _SHARE_OF_DESCENT * (self._first - self._best))
        if level > self._best + rise and rise > 0:
            self._above += _BLOCK_STEPS
        elif level < self._best + rise / 2:
            self._above, self._raised = 0, False
        if self._raised or self._above < self._steps:
            return ()
        self._raised = True
        return (
            f"the loss diverges: {level:.4g}, for {self._above} steps far above its best, "
            f"{self._best:.4g} at step {self._best_step}",
        )


class Plateau(Rule):
    """The metric of `stop.monitor` gets no better from evaluation to evaluation.

    A plateau is told once: a value that is better by less than evaluations differ by anyway is
    part of it.
    """

    on_learning = True

    def __init__(self, settings: AlertsSection, stop: StopSection) -> None:
        self._monitor, self._mode = stop.monitor or "val/loss", stop.mode or "min"
        self._most = settings.plateau_evaluations
        self._min_delta = settings.plateau_min_delta
        # A run that gives up sooner than this rule says so itself.
        self._idle = 0 < stop.patience <= self._most
        self._begin()

    def _begin(self) -> None:
        self._best = math.nan
        self._best_step = self._waited = 0
        self._sum, self._steps = 0.0, 0
        """Of a train/ metric since the last evaluation."""
        self._recent: deque[float] = deque(maxlen=self._most + 1)
        self._over_at: float | None = None
        """What a value must be better than for the plateau that was told to be over."""

    def take(self, event: Event) -> Iterable[str]:
        """Look at each evaluation."""
        if isinstance(event, TrainingResumed):
            self._begin()
        if self._idle:
            return ()
        if isinstance(event, StepsTaken):
            for points in event.points:
                if points.name == self._monitor:
                    self._sum += sum(points.values)
                    self._steps += len(points.values)
        return self._compare(event) if isinstance(event, Evaluated) else ()

    def _compare(self, event: Evaluated) -> Iterable[str]:
        value = event.metrics.get(self._monitor, math.nan)
        if self._steps:
            value = self._sum / self._steps
            self._sum, self._steps = 0.0, 0
        if math.isnan(value):
            return ()
        if math.isfinite(value):
            self._recent.append(value)
        if self._over_at is not None and self._beats(value, self._over_at):
            self._over_at = None
        if self._is_better(value):
            self._best, self._best_step, self._waited = value, event.step, 0
            return ()
        self._waited += 1
        if self._over_at is not None or self._waited < self._most:
            return ()
        self._over_at = self._end_of_plateau()
        return (
            f"{self._monitor} has not improved for {self._waited} evaluations: best "
            f"{self._best:.4g} at step {self._best_step}, now {value:.4g}",
        )

    def _end_of_plateau(self) -> float:
        differences = [abs(after - before) for before, after in pairwise(self._recent)]
        margin = max(self._min_delta, _WOBBLES * fmean(differences or [0.0]))
        return self._best - margin if self._mode == "min" else self._best + margin

    def _is_better(self, value: float) -> bool:
        if math.isnan(self._best):
            return True
        delta = self._min_delta if self._mode == "min" else -self._min_delta
        return self._beats(value, self._best - delta)

    def _beats(self, value: float, limit: float) -> bool:
        """Return whether a value is better than a limit."""
        return value < limit if self._mode == "min" else value > limit
