"""Collects what each step gives, on the device, and turns it into one message a flush.

A step costs four appends; values are read from the device at the flush alone. Train metrics are
measured there too, from the outputs that were kept, for all steps in one go.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tuitrain.components.task import Task
from tuitrain.messages import MetricPoints
from tuitrain.training.metrics.named import NamedValues, Values

KEPT_BYTES = 64 * 1024 * 1024
"""Outputs that may be held until a flush; more and a flush is due at once."""


@dataclass(slots=True)
class StepRecorder:
    """The steps since the last flush."""

    task: Task
    _losses: list[Tensor | float] = field(default_factory=list)
    _rates: list[float] = field(default_factory=list)
    _outputs: list[Tensor] = field(default_factory=list)
    _targets: list[Tensor] = field(default_factory=list)
    _sizes: list[int] = field(default_factory=list)
    _batches: list[int] = field(default_factory=list)
    _norms: list[Tensor] = field(default_factory=list)
    _norm_steps: list[int] = field(default_factory=list)
    _named: NamedValues = field(default_factory=NamedValues)
    listens: bool = True
    """Whether named values are taken: a pass that is made again leaves none."""
    samples: int = 0
    kept_bytes: int = 0

    @property
    def full(self) -> bool:
        """Whether a flush is due for what is held."""
        return self.kept_bytes > KEPT_BYTES

    def add_batch(self, outputs: Tensor, targets: Tensor, samples: int) -> None:
        """Keep one forward pass for the train metric."""
        outputs, targets = self.task.summarise(outputs, targets)
        self._outputs.append(outputs)
        self._targets.append(targets)
        self._sizes.append(samples)
        self.kept_bytes += outputs.nbytes

    def add_step(self, loss: Tensor | float, rate: float, batches: int) -> None:
        """Record one step; `loss` is a detached scalar on the device, or the number itself."""
        self._losses.append(loss)
        self._rates.append(rate)
        self._batches.append(batches)

    def add_norm(self, step: int, norm: Tensor) -> None:
        """Record the gradient norm of a step."""
        self._norms.append(norm)
        self._norm_steps.append(step)

    def add_layer(self, name: str, value: Tensor) -> None:
        """Record what was measured of a layer in the step under way."""
        self._named.add(name, value, len(self._losses), len(self._sizes))

    def add_term(self, name: str, value: Tensor) -> None:
        """Record a term of the loss of the batch under way."""
        if self.listens:
            self._named.add(f"train/loss_{name}", value, len(self._losses), len(self._sizes))

    def log(self, name: str, value: Tensor | float) -> None:
        """Record what the batch or the update under way tells by `tuitrain.components.log`.

        The step and the batch are those that come next to be added, so that a step in which
        nothing is told has nothing to do.
        """
        if self.listens:
            self._named.log(name, value, len(self._losses), len(self._sizes))

    def forget_after(self, step: int) -> None:
        """Drop what the step after this one has left: it was broken off."""
        self._named.forget_from(len(self._losses))
        self.listens = True
        kept = sum(self._batches)
        norms = sum(1 for norm_step in self._norm_steps if norm_step <= step)
        del self._norms[norms:], self._norm_steps[norms:]
        del self._outputs[kept:], self._targets[kept:], self._sizes[kept:]
        self.kept_bytes = sum(outputs.nbytes for outputs in self._outputs)

    def __len__(self) -> int:
        return len(self._losses)

    def step_samples(self) -> list[int]:
        """Return the samples of each step that is held."""
        sizes = iter(self._sizes)
        return [sum(next(sizes) for _ in range(batches)) for batches in self._batches]

    def flush(self, first_step: int) -> "Flushed":
        """Read everything from the device, and begin anew.

        Steps after the first loss that is not finite are kept too; the loop decides about them.
        """
        losses = _read(self._losses)
        sizes = self._sizes
        measured = self._measure(sizes)
        flushed = Flushed(first_step, losses, self._rates, measured, sum(sizes), [], [])
        flushed.norm_steps, flushed.norms = self._norm_steps, _read(self._norms)
        flushed.named = self._named.read(self._batches, sizes, first_step)
        self._losses, self._rates, self._batches = [], [], []
        self._outputs, self._targets, self._sizes = [], [], []
        self._norms, self._norm_steps = [], []
        self.kept_bytes = 0
        return flushed

    def _measure(self, sizes: list[int]) -> list[float]:
        """Return the train metric of each step, weighted over its batches."""
        each = self.task.measure_steps(self._outputs, self._targets)
        if len(each) == len(self._batches):
            return each
        steps, place = [], 0
        for batches in self._batches:
            part = range(place, place + batches)
            # A rank that no sample was left for has none; what it measured counts for nothing.
            number = sum(sizes[i] for i in part) or 1
            steps.append(sum(each[i] * sizes[i] for i in part) / number)
            place += batches
        return steps


def _read(scalars: Sequence[Tensor | float]) -> list[float]:
    """Bring scalars to the host in one transfer; numbers are there already."""
    tensors = [scalar for scalar in scalars if isinstance(scalar, Tensor)]
    read = iter(torch.stack(tensors).tolist() if tensors else ())
    return [next(read) if isinstance(scalar, Tensor) else scalar for scalar in scalars]


@dataclass(slots=True)
class Flushed:
    """Plain numbers of consecutive steps."""

    first_step: int
    losses: list[float]
    rates: list[float]
    measured: list[float]
    samples: int
    norm_steps: list[int]
    norms: list[float]
    named: Values = field(default_factory=dict)

    @property
    def last_step(self) -> int:
        """The number of the last step."""
        return self.first_step + len(self.losses) - 1

    def first_nonfinite(self) -> int | None:
        """Return the first step whose loss is NaN or infinite."""
        # The sum is finite only if every loss is (or they overflow): one pass in C, as a rule.
        if math.isfinite(sum(self.losses)):
            return None
        for place, loss in enumerate(self.losses):
            if not math.isfinite(loss):
                return self.first_step + place
        return None

    def cut_after(self, step: int) -> None:
        """Drop the steps after `step`."""
        number = step - self.first_step + 1
        del self.losses[number:], self.rates[number:], self.measured[number:]
        held = sum(1 for norm_step in self.norm_steps if norm_step <= step)
        del self.norm_steps[held:], self.norms[held:]
        for steps, values in self.named.values():
            held = sum(1 for each in steps if each <= step)
            del steps[held:], values[held:]

    def points(self, metric: str, samples_per_s: float) -> tuple[MetricPoints, ...]:
        """Return the points of every metric."""
        first, last = self.first_step, self.last_step
        points = [
            MetricPoints("train/loss", first, tuple(self.losses)),
            MetricPoints(f"train/{metric}", first, tuple(self.measured)),
            MetricPoints("lr", first, tuple(self.rates)),
            MetricPoints("samples_per_s", last, (samples_per_s,)),
        ]
        if self.norms:
            steps = tuple(self.norm_steps)
            points.append(MetricPoints("grad_norm", steps[0], tuple(self.norms), steps))
        points += [_named_points(name, *each) for name, each in self.named.items() if each[0]]
        return tuple(points)


def _named_points(name: str, steps: Sequence[int], values: Sequence[float]) -> MetricPoints:
    gaps = steps[-1] - steps[0] != len(steps) - 1
    return MetricPoints(name, steps[0], tuple(values), tuple(steps) if gaps else None)
