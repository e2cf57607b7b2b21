"""One pass over the validation set."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from tuitrain.components.logged import sending_to
from tuitrain.components.task import Counts
from tuitrain.errors import TrainingError
from tuitrain.messages import PerClassCounts
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.evaluation import evaluation_batches
from tuitrain.training.data.samples import first_samples
from tuitrain.training.data.sources import count
from tuitrain.training.distributed.world import most_of
from tuitrain.training.metrics.chosen import MetricTally
from tuitrain.training.metrics.named import NamedValues, split_terms
from tuitrain.training.modules.modes import evaluation_mode


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a pass over the validation set gave."""

    metrics: dict[str, float]
    """By full name, e.g. val/loss."""
    counts: PerClassCounts | None
    duration_s: float


_MOST_OUTPUTS = 1 << 24
"""Numbers that a model may give at a time where that is more than in training: 64 MiB."""


def evaluation_size(components: TrainingComponents) -> int:
    """Return how many samples an evaluation takes at a time: without gradients there is room."""
    spec = components.data.spec
    shape = components.task.output_shape(spec.outputs, spec.target_shape) or (spec.outputs,)
    room = _MOST_OUTPUTS // max(1, prod(shape))
    return max(components.preset.train.batch_size, min(256, room))


class Evaluator:
    """Evaluates a run's model; moves no generator and no state of the training."""

    def __init__(self, components: TrainingComponents) -> None:
        self._components = components
        self._samples = count(components.data.validation)

    def batches(self, batch_size: int) -> int:
        """Return how many batches of a size one pass is."""
        return -(-self._samples // batch_size)

    def largest(self, batch_size: int) -> int:
        """Return the samples of the largest batch that a pass in this size has."""
        return min(batch_size, self._samples)

    @torch.no_grad()
    def run(
        self,
        batch_size: int,
        seen: Callable[[Tensor, Tensor], None] | None = None,
    ) -> Evaluation:
        """Evaluate; the loss is the mean over all that the task counts, whatever the batches are.

        Without gradients, but not in inference mode: a tensor that a model keeps from there, as a
        table of positions, could not be used in training.

        Args:
            batch_size: samples at a time.
            seen: is given outputs and targets of each batch of the raw weights' pass, in order.
        """
        started = time.perf_counter()
        if self._components.replica is not None:
            self._components.replica.share_buffers()
        with evaluation_mode(self._components.model, self._components.loss):
            metrics, counts = self._pass(batch_size, "val", seen)
            for hook in self._components.hooks.weights:
                with hook.evaluation_weights() or nullcontext():
                    metrics |= self._pass(batch_size, hook.label)[0]
        return Evaluation(metrics, counts, time.perf_counter() - started)

    def _pass(
        self,
        batch_size: int,
        label: str,
        seen: Callable[[Tensor, Tensor], None] | None = None,
    ) -> tuple[dict[str, float], PerClassCounts | None]:
        """Go over the validation set once; metrics by full name, and counts of classes."""
        components, data = self._components, self._components.data
        tally = components.task.accumulator(data.spec.outputs, components.device)
        chosen = components.metrics.begin()
        total = torch.zeros((), device=components.device)
        parts: list[Tensor] | None = None if components.world.is_alone else []
        named = PassValues(label)
        weight: Tensor | int = 0
        inputs_of_last: Tensor | None = None
        batches = evaluation_batches(
            data.validation,
            data.preparation,
            batch_size=batch_size,
            workers=components.preset.data.workers,
            device=components.device,
            world=components.world,
        )
        with sending_to(named.log):
            for inputs, targets in batches:
                with components.precision.autocast():
                    outputs = components.task.shape_outputs(components.model(inputs), targets)
                    loss, terms = split_terms(components.loss(outputs, targets))
                counted = components.task.weigh(targets)
                if parts is not None:
                    parts.append(_weighed(loss, counted))
                else:
                    total += _weighed(loss, counted)
                weight += counted
                tally.add(outputs, targets)
                chosen.add(outputs, targets)
                if seen is not None:
                    seen(outputs, targets)
                named.end_batch(terms, counted)
                inputs_of_last = inputs
        self._keep_up(batch_size, inputs_of_last)
        if parts is not None:
            shares = components.world.gather(
                _Share(_read(parts), int(weight), tally, chosen, named.told())
            )
            total, weight, tally, chosen = merge_shares(shares)
            named.put_together([share.told for share in shares])
        metrics = {f"{label}/loss": total.item() / max(1, int(weight))}
        metrics |= self._measured(tally.metrics(), label) | named.means()
        metrics |= {f"{label}/{name}": value for name, value in chosen.values().items()}
        counts = tally.counts()
        if not counts:
            return metrics, None
        return metrics, per_class_counts(counts, data.classes, components.task.name)

    def _keep_up(self, batch_size: int, inputs: Tensor | None) -> None:
        """Make as many passes as other ranks: of a model that is split each needs all of them.

        Args:
            batch_size: of the evaluation.
            inputs: of this rank's last batch; None: it has none.
        """
        components, number = self._components, self.batches(batch_size)
        if components.plain is None or components.replica is None:
            return
        if inputs is None:
            inputs = first_samples(components.data, components.device, 1)[0]
        low, high = components.world.share(number)
        for _pass in range(most_of(number, components.world.size) - (high - low)):
            with sending_to(None), components.precision.autocast():
                components.model(inputs)
        components.replica.passed()

    def _measured(self, measured: Mapping[str, float], label: str) -> dict[str, float]:
        """Return the task's metrics by full name.

        Raises:
            TrainingError: some that the task names are not among them.
        """
        task = self._components.task
        if absent := [name for name in task.metrics if name not in measured]:
            raise TrainingError(
                f"task = {task.name}: evaluations give no {', '.join(absent)}, which its metrics "
                "name"
            )
        return {f"{label}/{name}": value for name, value in measured.items()}


def _weighed(loss: Tensor, counted: Tensor | int) -> Tensor:
    """Return a batch's part of the sum over all that is counted."""
    part = loss.float() * counted
    # The mean over nothing, as of a batch that is all padding, is NaN.
    return part.masked_fill(counted == 0, 0.0) if isinstance(counted, Tensor) else part


def per_class_counts(counts: Counts, classes: Sequence[str], task: str) -> PerClassCounts:
    """Return what a task counted in the form in which it is recorded.

    Args:
        counts: of a task, which may be the user's own.
        classes: the classes' names; empty where they have none.
        task: its name.

    Raises:
        TrainingError: something is missing, or is there that nothing reads.
    """
    needed, allowed = Counts.__required_keys__, Counts.__required_keys__ | Counts.__optional_keys__
    if needed - counts.keys() or counts.keys() - allowed:
        raise TrainingError(
            f"task = {task}: its counts are {', '.join(sorted(map(str, counts)))}; "
            f"they must be {', '.join(sorted(needed))}, and may be confusion as well"
        )
    table = counts.get("confusion")
    return PerClassCounts(
        classes=tuple(classes) or None,
        support=tuple(counts["support"]),
        predicted=tuple(counts["predicted"]),
        correct=tuple(counts["correct"]),
        confusion=None if table is None else tuple(map(tuple, table)),
    )


@dataclass(slots=True)
class _Share:
    """What one of several ranks has counted of an evaluation."""

    losses: list[float]
    """Of each of its batches, its part of the sum of the losses."""
    weight: int
    """What its batches count for."""
    tally: Any
    """Of the task."""
    chosen: MetricTally
    told: "Told"


def _read(losses: Sequence[Tensor]) -> list[float]:
    found: list[float] = torch.stack(list(losses)).tolist() if losses else []
    return found


def merge_shares(shares: Sequence[_Share]) -> tuple[Tensor, int, Any, MetricTally]:
    """Return what all ranks have counted: losses, their weight, tally and metrics.

    Losses are added up in the order of the batches, as one rank does it; sums rank by rank, so
    that they come out the same on all of them.
    """
    total = torch.zeros(())
    for share in shares:
        for part in torch.tensor(share.losses):
            total += part
    first, *others = shares
    for share in others:
        first.tally.merge(share.tally)
        first.chosen.merge(share.chosen)
    return total, sum(share.weight for share in shares), first.tally, first.chosen


Told = tuple[list[tuple[str, int, float]], list[int]]
"""Name, batch and value of all that was told in a pass, and what each of its batches counts for."""


class PassValues:
    """What the batches of a pass tell by name: terms of the loss, and what is logged."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._values = NamedValues()
        self._sizes: list[Tensor | int] = []

    def log(self, name: str, value: Tensor | float) -> None:
        """Take what `tuitrain.components.log` is told in the batch under way."""
        self._values.log(name, value, 0, len(self._sizes), f"{self._label}/")

    def end_batch(self, terms: Mapping[str, Any], weight: Tensor | int) -> None:
        """Take the terms of a batch's loss; what is told from now on belongs to the next.

        Args:
            terms: by name.
            weight: what the batch counts for in the mean, as the task counts it.
        """
        for name, value in terms.items():
            self._values.add(f"{self._label}/loss_{name}", value, 0, len(self._sizes))
        self._sizes.append(weight)

    def _weights(self) -> list[int]:
        """Return what each batch counts for; one transfer from the device for all."""
        if not any(isinstance(size, Tensor) for size in self._sizes):
            return [int(size) for size in self._sizes]
        read: list[int] = torch.stack([torch.as_tensor(size) for size in self._sizes]).tolist()
        return read

    def told(self) -> Told:
        """Return all that was told."""
        return self._values.on_host(), self._weights()

    def put_together(self, parts: Sequence[Told]) -> None:
        """Hold what several parts of a pass have told, instead of what this one has."""
        self._values, self._sizes = NamedValues(), []
        for told, weights in parts:
            for name, batch, value in told:
                self._values.add(name, value, 0, len(self._sizes) + batch)
            self._sizes = [*self._sizes, *weights]

    def means(self) -> dict[str, float]:
        """Return the mean of each over all batches."""
        found = self._values.read([len(self._sizes)], self._weights(), 0)
        return {name: values[0] for name, (_steps, values) in found.items()}
