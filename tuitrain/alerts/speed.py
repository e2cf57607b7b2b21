"""The rule on speed: steps that take longer than they usually do in this very run.

Knows only seconds of training; evaluations and checkpoints are not among them.
"""

from collections import deque
from collections.abc import Iterable
from statistics import median

from tuitrain.alerts.rule import Rule
from tuitrain.config.schema import AlertsSection
from tuitrain.messages import BatchSplit, Event, StepsTaken, TrainingPrepared, TrainingResumed
from tuitrain.units import rough_time

_PARTS = 6
"""The time that steps must stay slow is looked at in so many parts: each of them must be slow."""
_KEPT = 1000
"""Parts that the median is taken over: at the defaults nearly three hours."""


class Slowdown(Rule):
    """Steps take a multiple of the run's own median."""

    def __init__(self, settings: AlertsSection) -> None:
        self._factor = settings.slowdown_factor
        self._whole_s = settings.slowdown_s
        self._raised = False
        self._begin()

    def _begin(self) -> None:
        self._step_s: deque[float] = deque(maxlen=_KEPT)
        self._from: tuple[int, float] | None = None

    def take(self, event: Event) -> Iterable[str]:
        """Look at the time of steps."""
        if isinstance(event, BatchSplit | TrainingPrepared | TrainingResumed):
            # Other steps than before: they are not to be compared.
            self._begin()
        elif isinstance(event, StepsTaken):
            return self._advance(event.last_step, event.train_s)
        return ()

    def _advance(self, step: int, train_s: float) -> Iterable[str]:
        if self._from is None:
            # What the first message tells includes the warming up of everything.
            self._from = (step, train_s)
            return ()
        first, begun_s = self._from
        if train_s - begun_s < self._whole_s / _PARTS:
            return ()
        self._step_s.append((train_s - begun_s) / max(1, step - first))
        self._from = (step, train_s)
        return self._judge()

    def _judge(self) -> Iterable[str]:
        if len(self._step_s) < 2 * _PARTS:
            return ()
        usual, latest = median(self._step_s), list(self._step_s)[-_PARTS:]
        if max(latest) < usual * (1 + self._factor) / 2:
            self._raised = False
        if self._raised or min(latest) <= usual * self._factor:
            return ()
        self._raised = True
        now = median(latest)
        return (
            f"steps have become slow: {rough_time(now)} each over the last "
            f"{rough_time(self._whole_s)} of training, {now / usual:.1f} times the run's "
            f"median of {rough_time(usual)}",
        )
