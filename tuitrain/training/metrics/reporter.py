"""Tells of the steps that were taken, many at a time; here alone the host waits for the device."""

import time
from collections.abc import Callable

from tuitrain.messages import AlertRaised, Event, StepsTaken
from tuitrain.training.distributed.steps import SharedSteps
from tuitrain.training.metrics.recorder import Flushed, StepRecorder
from tuitrain.training.optimization.nonfinite import NonfinitePolicy
from tuitrain.training.profiling.timing import StepTimer
from tuitrain.training.state import TrainingState


class StepReporter:
    """Flushes what the recorder and the timer hold of the steps since the last flush.

    Attributes:
        ends: why the run has to end: a loss is not finite. Empty: it goes on.
    """

    def __init__(
        self,
        state: TrainingState,
        recorder: StepRecorder,
        timer: StepTimer,
        nonfinite: NonfinitePolicy,
        send: Callable[[Event], None],
        shared: SharedSteps | None = None,
    ) -> None:
        """Flush what `recorder` holds; of several ranks, what `shared` makes of it at a beat."""
        self.ends = ""
        self._state = state
        self._recorder = recorder
        self._timer = timer
        self._nonfinite = nonfinite
        self._send = send
        self._shared = shared
        self._flushed_step = 0
        self._clock = 0.0

    def begin(self) -> None:
        """Count from the state's step on."""
        self._flushed_step = self._state.step
        if self._shared is not None:
            self._shared.begin(self._state.step)
        self.restart_clock()

    def restart_clock(self) -> None:
        """Count training time from now: what went before was no training."""
        self._clock = time.perf_counter()

    @property
    def losses_are_finite(self) -> bool:
        """Whether those of the last flush are."""
        return self._nonfinite.was_finite

    def flush(self) -> None:
        """Tell of the steps since the last flush."""
        flushed = self._take()
        if flushed is None:
            return
        now = time.perf_counter()
        took_s, self._clock = now - self._clock, now
        state = self._state
        state.train_s += took_s
        self._review(flushed)
        self._flushed_step = flushed.last_step
        # A step whose update was not made because the run ends there is no step of the run.
        done = state.step - flushed.first_step + 1
        state.progress.train_means.add(flushed.losses[:done], flushed.measured[:done])
        self._send(self._steps_taken(flushed, took_s))
        self._timer.end_flush(len(flushed.losses))

    def _take(self) -> Flushed | None:
        if self._shared is not None:
            return self._shared.flush()
        if not len(self._recorder):
            return None
        self._timer.begin_flush()
        return self._recorder.flush(self._flushed_step + 1)

    def _review(self, flushed: Flushed) -> None:
        found = self._nonfinite.review(flushed)
        if found is None:
            return
        if found.ends:
            self.ends = found.reason
        if found.left_out:
            flushed.cut_after(found.step)
            self._state.step = found.step - 1
        self._send(AlertRaised(time.time(), self._state.step, "nonfinite", found.alert))

    def _steps_taken(self, flushed: Flushed, took_s: float) -> StepsTaken:
        metric = self._state.components.task.train_metric
        points = flushed.points(metric, flushed.samples / max(took_s, 1e-9))
        split = self._timer.points(flushed.last_step, took_s / len(flushed.losses))
        if self._shared is not None:
            self._shared.note_split(split)
            split += self._shared.points(flushed.last_step)
        return StepsTaken(
            time=time.time(),
            first_step=flushed.first_step,
            last_step=flushed.last_step,
            epoch=self._state.epoch_at(flushed.last_step),
            train_s=self._state.train_s,
            points=points + split,
        )
