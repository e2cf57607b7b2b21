"""This rank's replica of the model: its gradients are the mean over all ranks.

Knows what a step needs of it, and what has to hold so that a resume repeats each bit.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Variable
from torch.nn.parallel import DistributedDataParallel

from tuitrain.errors import TrainingError
from tuitrain.training.forward import ForwardPass
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.optimization.optimizer import needs_closure
from tuitrain.training.profiling.timing import Laps
from tuitrain.training.runtime.randomness import (
    derive,
    generator_states,
    restore_generators,
    seed_everything,
)

if TYPE_CHECKING:
    from tuitrain.training.build import TrainingComponents
    from tuitrain.training.data.batches import Batch

_REHEARSALS = 2
"""DDP makes its buckets again after the first backward pass, in the order in which gradients were
ready; from then on sums are made in that order (torch/nn/parallel/distributed.py)."""


class Replica(ABC):
    """The model of one rank among several, and what a step does differently for it."""

    def __init__(self, parts: "TrainingComponents") -> None:
        """Let the model of `parts` be trained with the other ranks; weights are those of rank 0.

        Raises:
            TrainingError: the run's parts can't be trained on several ranks.
        """
        _refuse(parts)
        self._parts = parts
        self._world = parts.world
        self._telling: nn.Parameter | None = None
        """A small parameter, whose gradient shows whether one is not finite."""
        kept = _Kept(parts)
        self._prepare(parts, _first_batch(parts))
        kept.restore()
        if not parts.world.leads:
            seed_everything(derive(parts.preset.train.seed, parts.world.rank))

    @abstractmethod
    def _prepare(self, parts: "TrainingComponents", batch: "Batch") -> None:
        """Make ready for the first step, with a batch for passes that change nothing."""

    @abstractmethod
    def _exchange(self, wanted: bool) -> None:
        """Let gradients be exchanged in the next backward pass, or not yet."""

    @abstractmethod
    def guard(self, loss: Tensor) -> Tensor:
        """Return a loss of which, once gradients are shared, all ranks see if it is not finite."""

    @abstractmethod
    def agreed(self, loss: Tensor) -> Tensor:
        """Return this rank's loss, NaN on all ranks where it is not finite on one of them."""

    @staticmethod
    def _rehearse(parts: "TrainingComponents", batch: "Batch") -> bool:
        """Make a pass that changes nothing; return whether it left a parameter out."""
        for parameter in parts.trainable:
            parameter.grad = None
        loss = ForwardPass(parts, StepRecorder(parts.task)).run(batch)[1]
        torch.autograd.backward(loss)
        return any(parameter.grad is None for parameter in parts.trainable)

    # --- in an evaluation -------------------------------------------------------------------------

    def passed(self) -> None:  # noqa: B027 - a replica of its own has nothing to do
        """A pass over the validation set has ended on all ranks."""

    # --- in a step --------------------------------------------------------------------------------

    def in_turn(self, batches: "Sequence[Batch]", laps: Laps | None = None) -> "Iterator[Batch]":
        """Yield a step's batches: gradients are exchanged in the backward pass of the last one.

        Args:
            batches: of the step.
            laps: of a step that is timed.
        """
        del laps
        for batch in batches:
            self._exchange(batch is batches[-1])
            yield batch

    def time_exchange(self, loss: Tensor, laps: Laps) -> None:
        """Mark where the backward pass of a loss is through and only the exchange is left.

        Gradients are exchanged while others are still computed; what is left to wait for DDP waits
        for in a callback at the end, which comes after one that was asked for at the begin.
        """

        def begun(_gradient: Tensor) -> None:
            Variable._execution_engine.queue_callback(lambda: laps.mark("backward"))

        loss.register_hook(begun)  # type: ignore[no-untyped-call]

    def mean(self, counted: Tensor) -> Tensor:
        """Return the mean over all ranks of what is counted, on its device; never 0."""
        summed = counted.clone()
        dist.all_reduce(summed)
        return summed.clamp(min=1) / self._world.size

    def share_buffers(self) -> None:
        """Give all ranks rank 0's buffers, as running statistics; all ranks call it together."""
        for buffer in self._parts.model.buffers():
            if not buffer.is_meta:
                dist.broadcast(buffer.detach(), src=0)


class AveragedReplica(Replica):
    """A whole model on each rank, whose gradients are averaged (torch's DDP)."""

    def _prepare(self, parts: "TrainingComponents", batch: "Batch") -> None:
        unused = self._rehearse(parts, batch)
        self._telling = _smallest(parts)
        self._ddp = _wrapped(parts, find_unused=unused)
        parts.forward = self._ddp
        # Before any state is loaded: the first step of a resumed process is to sum its gradients
        # in the order of a step in the middle of a run. It shows from three ranks on.
        for _time in range(_REHEARSALS):
            self._rehearse(parts, batch)

    def _exchange(self, wanted: bool) -> None:
        # What `no_sync` sets for the passes in it.
        self._ddp.require_backward_grad_sync = wanted

    def guard(self, loss: Tensor) -> Tensor:
        """Return a loss whose gradients are NaN where it is not finite itself.

        So all ranks see it in the gradients that they share, and none has to ask the others.
        """
        value = loss.detach()
        return loss * (1 + (value - value))

    def agreed(self, loss: Tensor) -> Tensor:
        """Return this rank's loss, NaN on all ranks where it is not finite on one of them.

        A gradient that is not finite counts as such a loss; a gradient scaler looks by itself.
        """
        gradient = self._telling.grad if self._telling is not None else None
        if gradient is None or self._parts.precision.scaler is not None:
            return loss
        total = gradient.sum()
        return loss + (total - total)


class _Kept:
    """What a pass moves: buffers and generators."""

    def __init__(self, parts: "TrainingComponents") -> None:
        self._parts = parts
        modules = [part for part in (parts.model, parts.loss) if isinstance(part, nn.Module)]
        buffers = [buffer for module in modules for buffer in module.buffers()]
        self._buffers = [(buffer, buffer.detach().clone()) for buffer in buffers]
        self._generators = generator_states()

    def restore(self) -> None:
        """Put it back, and drop the gradients."""
        with torch.no_grad():
            for buffer, copy in self._buffers:
                buffer.copy_(copy)
        for parameter in self._parts.trainable:
            parameter.grad = None
        restore_generators(self._generators)


def _first_batch(parts: "TrainingComponents") -> "Batch":
    source = parts.batches(0)
    try:
        return source.step(0, None)[0]
    finally:
        source.close()


def _smallest(parts: "TrainingComponents") -> nn.Parameter:
    """Return the smallest parameter that has a gradient, which is cheap to look at."""
    seen = [p for p in parts.trainable if p.grad is not None and p.grad.layout is torch.strided]
    return min(seen, key=lambda parameter: parameter.numel())


def _wrapped(parts: "TrainingComponents", *, find_unused: bool) -> DistributedDataParallel:
    known = inspect.signature(DistributedDataParallel).parameters
    # Older versions of torch know it by its first name, newer ones warn of that.
    sync = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
    on_gpu = parts.device.type == "cuda"
    more: dict[str, Any] = {sync: False, "find_unused_parameters": find_unused}
    ddp = DistributedDataParallel(
        parts.model, device_ids=[parts.device] if on_gpu else None, **more
    )
    if parts.preset.train.compress_gradients:
        from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import bf16_compress_hook

        ddp.register_comm_hook(None, bf16_compress_hook)
    return ddp


def _refuse(parts: "TrainingComponents") -> None:
    """Refuse what only the built parts show.

    Raises:
        TrainingError: the text names the key.
    """
    preset = parts.preset
    one = f"it needs train.ranks = 1, found {parts.world.size}"
    if needs_closure(parts.optimizer):
        raise TrainingError(
            f"optimizer.name = {preset.optimizer.name} asks for several losses a step; {one}"
        )
    if isinstance(parts.loss, nn.Module) and any(p.requires_grad for p in parts.loss.parameters()):
        raise TrainingError(f"loss.name = {preset.loss.name} has parameters of its own; {one}")
    if lacking := _unmergeable(parts):
        raise TrainingError(
            f"{lacking} has no merge(other), by which ranks put together what each has counted of "
            f"an evaluation; without one {one}"
        )


def _unmergeable(parts: "TrainingComponents") -> str:
    """Return what counts in evaluations and can't be put together; empty: all can."""
    tally = parts.task.accumulator(parts.data.spec.outputs, parts.device)
    if not callable(getattr(tally, "merge", None)):
        return f"task = {parts.task.name}: {type(tally).__name__}"
    label = parts.metrics.begin().unmergeable
    return f"metrics: {label}" if label else ""
