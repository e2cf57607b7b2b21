"""Best values and early stopping: state that a checkpoint holds, moved by evaluations."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from typing import Any

from tuitrain.config.schema import CheckpointSection, Preset, StopSection


def is_better(value: float, best: float | None, mode: str, min_delta: float = 0.0) -> bool:
    """Say whether `value` beats `best` by more than `min_delta`; NaN and infinities never do."""
    if not math.isfinite(value):
        return False
    if best is None or math.isnan(best):
        return True
    return value < best - min_delta if mode == "min" else value > best + min_delta


@dataclass(slots=True)
class Best:
    """The best value that the checkpoint's monitor has had."""

    monitor: str
    mode: str
    value: float | None = None
    step: int = 0

    def update(self, metrics: dict[str, float], step: int) -> bool:
        """Take in an evaluation; return whether it is the best so far."""
        value = metrics.get(self.monitor)
        if value is None or not is_better(value, self.value, self.mode):
            return False
        self.value, self.step = value, step
        return True


@dataclass(slots=True)
class EarlyStop:
    """Counts evaluations without a better value, and looks for the target."""

    monitor: str
    mode: str
    patience: int
    min_delta: float
    target: float | None
    value: float | None = None
    waited: int = 0
    reason: str = ""
    """Why to stop, once there is a reason."""

    def update(self, metrics: dict[str, float], step: int) -> None:
        """Take in an evaluation."""
        value = metrics.get(self.monitor)
        if value is None:
            return
        if is_better(value, self.value, self.mode, self.min_delta):
            self.value, self.waited = value, 0
        else:
            self.waited += 1
        if self.target is not None and math.isfinite(value) and self._reached(value, self.target):
            self.reason = (
                f"{self.monitor} reached {value:.6g} at step {step} (target {self.target:.6g})"
            )
        elif self.patience and self.waited >= self.patience:
            best = "no finite value" if self.value is None else f"best {self.value:.6g}"
            self.reason = (
                f"{self.monitor} has not improved for {self.waited} evaluations ({best}) "
                f"at step {step}"
            )

    def _reached(self, value: float, target: float) -> bool:
        return value <= target if self.mode == "min" else value >= target


@dataclass(slots=True)
class StepMeans:
    """Means of the train metrics over the steps since the last evaluation.

    Summed one by one, so that the result does not depend on where the flushes fell.
    """

    metric: str
    losses: float = 0.0
    measured: float = 0.0
    steps: int = 0

    def add(self, losses: Sequence[float], measured: Sequence[float]) -> None:
        """Take in the steps of a flush."""
        self.losses = reduce(add, losses, self.losses)
        self.measured = reduce(add, measured, self.measured)
        self.steps += len(losses)

    def take(self) -> dict[str, float]:
        """Return the means by full name, and begin anew; nothing where there were no steps."""
        if not self.steps:
            return {}
        means = {
            "train/loss": self.losses / self.steps,
            f"train/{self.metric}": self.measured / self.steps,
        }
        self.losses = self.measured = 0.0
        self.steps = 0
        return means


class Progress:
    """What a run has come to, as its evaluations say."""

    def __init__(self, preset: Preset, train_metric: str) -> None:
        """Begin before the first evaluation."""
        self.metrics: dict[str, float] = {}
        """The latest evaluation's."""
        self.evaluated_step = 0
        self.train_means = StepMeans(train_metric)
        self.early_stop = begin_early_stop(preset.stop)
        self._best = begin_best(preset.checkpoint)

    def update(self, metrics: dict[str, float], step: int) -> bool:
        """Take in an evaluation; return whether it is the best so far."""
        self.metrics, self.evaluated_step = metrics, step
        monitored = {**metrics, **self.train_means.take()}
        self.early_stop.update(monitored, step)
        return self._best.update(monitored, step)

    def describe_nonfinite(self, metrics: Mapping[str, float]) -> str:
        """Say which of the values that anything hangs on are no finite numbers; empty: none."""
        watched = dict.fromkeys(("val/loss", self._best.monitor, self.early_stop.monitor))
        bad = [name for name in watched if not math.isfinite(metrics.get(name, 0.0))]
        if not bad:
            return ""
        said = " and ".join(f"{name} is {metrics[name]}" for name in bad)
        if self._best.monitor in bad:
            said += ", so that no checkpoint can be the best by it"
        if self.early_stop.patience and self.early_stop.monitor in bad:
            said += ", which stop.patience counts as no better"
        return f"{said}: look for NaN in the validation set"

    def lacks_best(self) -> str:
        """Say that evaluations have found no best value, where that is so."""
        if self._best.value is not None or self._best.monitor not in self.metrics:
            return ""
        return f"no checkpoint is the best, as {self._best.monitor} was never a finite number"

    def state_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "best": tracker_state(self._best),
            "early_stop": tracker_state(self.early_stop),
            "train_means": tracker_state(self.train_means),
            "evaluated_step": self.evaluated_step,
            "metrics": dict(self.metrics),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to what `state_dict` returned."""
        restore_tracker(self._best, state["best"])
        restore_tracker(self.early_stop, state["early_stop"])
        restore_tracker(self.train_means, state["train_means"])
        self.evaluated_step = state["evaluated_step"]
        self.metrics = dict(state["metrics"])


def reconsider(tracker: EarlyStop, before: Mapping[str, Any]) -> None:
    """Let a run that goes on with another rule for stopping be judged by that one.

    What counts evaluations of another metric begins anew; a reason to stop falls with its rule.
    """
    if any(getattr(tracker, key) != before[key] for key in _RULE):
        tracker.reason = ""
    if (tracker.monitor, tracker.mode) != (before["monitor"], before["mode"]):
        tracker.value, tracker.waited = None, 0


def begin_best(section: CheckpointSection) -> Best:
    """Return the tracker of a run that begins; the loader has filled in monitor and mode."""
    return Best(section.monitor or "val/loss", section.mode or "min")


def begin_early_stop(section: StopSection) -> EarlyStop:
    """Return the early stopping of a run that begins."""
    return EarlyStop(
        section.monitor or "val/loss",
        section.mode or "min",
        section.patience,
        section.min_delta,
        section.target,
    )


def tracker_state(tracker: Best | EarlyStop | StepMeans) -> dict[str, Any]:
    """Return a tracker as plain data."""
    return asdict(tracker)


_RULE = ("monitor", "mode", "patience", "min_delta", "target")
_MOVED = ("value", "step", "waited", "reason", "losses", "measured", "steps")


def restore_tracker(tracker: Best | EarlyStop | StepMeans, state: dict[str, Any]) -> None:
    """Give a tracker the values that `tracker_state` returned; its settings stay the preset's."""
    for key in _MOVED:
        if key in state:
            setattr(tracker, key, state[key])
