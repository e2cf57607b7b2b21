"""What rules look at: a run's curves as means over stretches of steps, and a few facts.

Pure values of bounded size, however long the run is; knows neither the record nor screens.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tuitrain.messages import PerClassCounts

MOST_STRETCHES = 240
"""Stretches that a curve is cut into: the fewer evaluations of most runs stay single values."""
BEGINNING_STEPS = 30
_UNITS = {"segmentation": "pixels", "language_modelling": "tokens"}
"""What a task counts by class, where it is not samples."""
_TO_DEVIATION = 1.4826
"""From the median of absolute deviations to the standard deviation of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric along a run: what it was over each of some stretches of steps, none empty.

    Stretches without a finite value are left out.
    """

    name: str
    steps: tuple[int, ...] = ()
    """The last step of each stretch."""
    values: tuple[float, ...] = ()
    """The mean of each."""
    highs: tuple[float, ...] = ()
    """The largest value of each."""

    def __len__(self) -> int:
        return len(self.steps)

    def last(self, count: int) -> "Curve":
        """Return the last so many stretches."""
        return self._cut(max(0, len(self) - count), len(self))

    def since(self, step: int) -> "Curve":
        """Return what lies after a step."""
        first = next((n for n, each in enumerate(self.steps) if each > step), len(self))
        return self._cut(first, len(self))

    def until(self, step: int) -> "Curve":
        """Return what lies up to a step."""
        end = next((n for n, each in enumerate(self.steps) if each > step), len(self))
        return self._cut(0, end)

    def around(self, place: int, count: int) -> "Curve":
        """Return about so many stretches with `place` in their middle, fewer at the ends."""
        first = max(0, min(place - count // 2, len(self) - count))
        return self._cut(first, min(len(self), first + count))

    def _cut(self, first: int, end: int) -> "Curve":
        part = slice(first, end)
        return Curve(self.name, self.steps[part], self.values[part], self.highs[part])

    @property
    def level(self) -> float:
        """The median of the stretches; NaN where there are none."""
        return statistics.median(self.values) if self.values else math.nan

    @property
    def noise(self) -> float:
        """The standard deviation of one stretch about the trend, from the steps between them."""
        steps = [after - before for before, after in pairwise(self.values)]
        if not steps:
            return 0.0
        middle = statistics.median(steps)
        spread = statistics.median(abs(step - middle) for step in steps)
        return _TO_DEVIATION * spread / math.sqrt(2)

    def lowest(self) -> int:
        """Return the place of the smallest value."""
        return min(range(len(self)), key=self.values.__getitem__)


def curve_of_points(
    name: str, points: Sequence[tuple[int, float]], most: int = MOST_STRETCHES
) -> Curve:
    """Return points (step, value) as at most so many stretches of about as many points each."""
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    number = min(most, len(finite))
    borders = [round(place * len(finite) / number) for place in range(number + 1)] if number else []
    parts = [finite[first:end] for first, end in pairwise(borders)]
    return Curve(
        name,
        tuple(part[-1][0] for part in parts),
        tuple(statistics.fmean(value for _, value in part) for part in parts),
        tuple(max(value for _, value in part) for part in parts),
    )


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What an evaluation made of each class."""

    step: int
    counts: PerClassCounts

    @property
    def samples(self) -> int:
        """All samples."""
        return sum(self.counts.support)

    @property
    def accuracy(self) -> float:
        """The share of right ones."""
        return sum(self.counts.correct) / max(1, self.samples)

    @property
    def largest(self) -> int:
        """The number of the most frequent class."""
        support = self.counts.support
        return max(range(len(support)), key=support.__getitem__)

    def name(self, number: int) -> str:
        """Return what a class is called."""
        classes = self.counts.classes
        return classes[number] if classes else str(number)

    def recall(self, number: int) -> float:
        """Return the share of a class's samples that were taken for it."""
        return self.counts.correct[number] / max(1, self.counts.support[number])


@dataclass(frozen=True, slots=True)
class TrainingHistory:
    """One run's training so far."""

    run: str
    """What commands call it."""
    preset: str
    """What commands call its preset: a name, or a file."""
    step: int
    total_steps: int
    """0: not known."""
    live: bool
    """It can be given commands."""
    config: Mapping[str, Any]
    """The resolved preset."""
    train: Curve
    """train/loss."""
    beginning: Curve
    """The first steps of train/loss, one by one."""
    rate: Curve
    """The learning rate."""
    validation: Mapping[str, Curve]
    """Validation metrics that rules ask for, by their full names."""
    evaluations: int
    """How many there were."""
    counts: tuple[ClassCounts, ...] = ()
    """Of the last evaluations, the newest last; empty where no classes are counted."""
    checkpoints: Mapping[str, int] = field(default_factory=dict)
    """The step of each checkpoint that is there, by name."""
    monitor: str = ""
    """The metric that decides which checkpoint is best."""

    @property
    def progress(self) -> float:
        """The share of its steps that are done; 1 where their number is unknown."""
        return self.step / self.total_steps if self.total_steps else 1.0

    @property
    def unit(self) -> str:
        """What is counted by class."""
        return _UNITS.get(str(self.config.get("task")), "samples")

    def setting(self, section: str, key: str) -> Any:
        """Return a setting of the preset; None where it has none."""
        found = self.config.get(section)
        return found.get(key) if isinstance(found, Mapping) else None

    def values_at(self, name: str) -> Curve:
        """Return a validation metric; an empty curve where there is none."""
        return self.validation.get(name, Curve(name))
