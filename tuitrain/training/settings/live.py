"""The settings that may change while training goes on, and the learning rate that follows."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from tuitrain.config.schema import LIVE_SETTINGS, Preset
from tuitrain.training.optimization.schedule import Factor


def _initial(preset: Preset, key: str) -> float:
    section, _, field = key.partition(".")
    return float(getattr(getattr(preset, section), field))


@dataclass(slots=True)
class LiveSettings:
    """Current values by key; `optimizer.lr` is the base rate that the schedule scales."""

    values: dict[str, float]
    factor: Factor
    total_steps: int

    @classmethod
    def begin(cls, preset: Preset, factor: Factor, total_steps: int) -> "LiveSettings":
        """Return the preset's own values."""
        return cls({key: _initial(preset, key) for key in LIVE_SETTINGS}, factor, total_steps)

    def __getitem__(self, key: str) -> float:
        return self.values[key]

    def rate(self, step: int) -> float:
        """Return the learning rate of the update that follows `step` updates."""
        return self.values["optimizer.lr"] * self.factor(step, self.total_steps)

    def now(self, key: str, step: int) -> float:
        """Return what holds for the next step: of the learning rate what the schedule made it."""
        return self.rate(step) if key == "optimizer.lr" else self.values[key]

    def change(self, key: str, value: float, step: int) -> float:
        """Set a value from the next step on and return the one it replaces.

        A learning rate holds as given at the next step; from there the schedule goes on in
        proportion. Where the schedule has come to 0 the given rate becomes the base.
        """
        old, factor = self.now(key, step), 1.0
        if key == "optimizer.lr":
            factor = self.factor(step, self.total_steps)
        self.values[key] = value / factor if factor > 0 else value
        return old

    def rate_of(self, base: float, step: int) -> float:
        """Return what `change` takes for this base rate; the base where the schedule is at 0."""
        return base * (self.factor(step, self.total_steps) or 1.0)


class PendingChanges:
    """Live changes that are on record after the checkpoint a run resumes from, still to come."""

    def __init__(self, settings: Iterable[tuple[int, str, float]]) -> None:
        self._left = deque(sorted(settings, key=lambda change: change[0]))

    def drop(self, key: str) -> None:
        """Forget what was to come for a setting: somebody has decided otherwise."""
        self._left = deque(change for change in self._left if change[1] != key)

    def next_step(self) -> int | None:
        """Return the step after which the next change is due."""
        return self._left[0][0] if self._left else None

    def take(self, step: int) -> list[tuple[int, str, float]]:
        """Return the changes due after `step`, each once."""
        due = []
        while self._left and self._left[0][0] <= step:
            due.append(self._left.popleft())
        return due
