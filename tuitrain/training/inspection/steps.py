"""Real training steps of a preset, outside any run: nothing is recorded, saved or told.

Knows the parts of the training core; nothing of what the steps are taken for.
"""

import time
from dataclasses import replace

from tuitrain.training.build import TrainingComponents
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.modules.singles import check_singles
from tuitrain.training.optimization.nonfinite import NonfinitePolicy, Policy
from tuitrain.training.profiling.timing import StepTimer
from tuitrain.training.settings.live import LiveSettings
from tuitrain.training.step import TrainStep


class Deadline:
    """Until when something may go on."""

    def __init__(self, minutes: float) -> None:
        self.begun = time.monotonic()
        self._end = self.begun + 60 * minutes

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return time.monotonic() >= self._end

    @property
    def spent_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.begun


class TrialSteps:
    """Takes a preset's steps one after the other, from the first one on."""

    def __init__(self, parts: TrainingComponents, nonfinite: Policy) -> None:
        """Open the batches.

        Args:
            parts: what is trained; its weights change.
            nonfinite: whether a loss that is not finite is followed by an update.

        Raises:
            TrainingError: the model can't be trained with batches of the sizes that there are.
        """
        check_singles(parts)
        total = parts.total_steps
        policy = NonfinitePolicy(
            parts.optimizer, parts.device, nonfinite, scaled=parts.precision.scaler is not None
        )
        self._recorder = StepRecorder(parts.task)
        settings = LiveSettings.begin(parts.preset, parts.schedule, total)
        timer = StepTimer(None)
        self._take = TrainStep(parts, settings, policy, self._recorder, timer)
        self._batches = parts.batches(0)
        self._hooks = parts.hooks
        self.step = 0
        """Steps taken."""
        self._hooks.started(0)
        self._take.begin()

    def take(self) -> None:
        """Take the next step; what it gives stays on the device."""
        self._take(self.step, self._batches)
        self.step += 1

    def read(self) -> tuple[list[float], list[float]]:
        """Return losses and rates of the steps since the last call; waits for the device."""
        flushed = self._recorder.flush(1)
        return flushed.losses, flushed.rates

    def close(self) -> None:
        """End loader workers, where there are any."""
        self._hooks.ended()
        self._batches.close()


def with_batch_size(parts: TrainingComponents, size: int) -> None:
    """Let each step take one batch of this size, full ones only."""
    plan = replace(parts.data.plan, batch_size=size, accumulate=1, drop_last=True, at_once=0)
    parts.change_plan(plan)
