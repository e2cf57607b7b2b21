"""What a run's memory is made of: computed from its parts, and measured on them.

Changes nothing: neither weights nor buffers nor any generator. Knows nothing of the loop.
"""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

from tuitrain.components.data import Samples
from tuitrain.messages import MemoryParts
from tuitrain.training.build import TrainingComponents
from tuitrain.training.checkpoints.sharded import own_part
from tuitrain.training.data.sources import count
from tuitrain.training.memory.saved_tensors import SavedTensorTracker, held_bytes, storage_key
from tuitrain.training.metrics.evaluation import evaluation_size
from tuitrain.training.modules.recompute import recomputed, repeated_blocks
from tuitrain.training.runtime.randomness import generator_states, restore_generators

_Found = TypeVar("_Found")

_STATES_OF = {"adamw": 2, "adam": 2, "sgd": 0, "rmsprop": 1, "torch.Adagrad": 1, "torch.SGD": 0}
"""Numbers that an optimizer keeps for each parameter."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes on the device by what they are for; None where that is not known."""

    parameters_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    buffers_bytes: int
    data_bytes: int
    activations_bytes: int | None = None

    @property
    def held_bytes(self) -> int:
        """All but the activations: what is there between two steps."""
        return (
            self.parameters_bytes
            + self.gradients_bytes
            + self.optimizer_bytes
            + self.buffers_bytes
            + self.data_bytes
        )

    def parts(self) -> MemoryParts:
        """Return it as it is told, with the sum."""
        known = self.activations_bytes is not None
        return MemoryParts(
            parameters_bytes=self.parameters_bytes,
            gradients_bytes=self.gradients_bytes,
            optimizer_bytes=self.optimizer_bytes,
            buffers_bytes=self.buffers_bytes,
            data_bytes=self.data_bytes,
            activations_bytes=self.activations_bytes,
            total_bytes=self.held_bytes + (self.activations_bytes or 0) if known else None,
        )


def measure_held(parts: TrainingComponents) -> Footprint:
    """Return what lies on the device now, each storage counted once."""
    device = parts.device
    gradients = [p.grad for p in parts.trainable if p.grad is not None]
    return Footprint(
        parameters_bytes=_bytes_on(device, _parameters(parts)),
        gradients_bytes=_bytes_on(device, gradients),
        optimizer_bytes=_bytes_on(device, tensors_in(parts.optimizer.state)),
        buffers_bytes=_bytes_on(device, _buffers(parts)),
        data_bytes=_bytes_on(device, data_tensors(parts)),
    )


def estimate_footprint(parts: TrainingComponents, batch_size: int) -> Footprint:
    """Return what a step in batches of this size will take, from the parts alone.

    Raises:
        Exception: whatever the model raises when it is asked for shapes instead of numbers.
    """
    device = parts.device
    gathered = gathered_bytes(parts.plain) if parts.plain is not None else 0
    gradients = sum(own_part(p).nbytes for p in parts.trainable)
    return Footprint(
        parameters_bytes=_bytes_on(device, _parameters(parts)),
        gradients_bytes=gradients,
        optimizer_bytes=optimizer_bytes(parts),
        buffers_bytes=_bytes_on(device, _buffers(parts)),
        data_bytes=sum(tensor.nbytes for tensor in data_tensors(parts)),
        activations_bytes=_on_line(parts, batch_size, _kept_by) + gathered,
    )


def estimate_of_rank(parts: TrainingComponents, batch_size: int) -> tuple[Footprint, int]:
    """Return what a step takes on each device of a run that is not begun, and how many there are.

    A rank takes its share of the batch. Of a model that is to be sharded it holds a share of the
    weights, gradients and optimizer state as well; the weights that are whole while they compute,
    those outside of blocks and the largest block, count to the activations.

    Args:
        parts: built whole, by one process.
        batch_size: of all ranks together.

    Raises:
        Exception: whatever the model raises when it is asked for shapes instead of numbers.
    """
    train = parts.preset.train
    gpus = torch.cuda.device_count() if train.device != "cpu" else 0
    ranks = max(1, gpus) if train.ranks == "auto" else train.ranks
    found = estimate_footprint(parts, -(-batch_size // ranks))
    if ranks == 1 or train.strategy != "fsdp":
        return found, ranks
    return replace(
        found,
        parameters_bytes=-(-found.parameters_bytes // ranks),
        gradients_bytes=-(-found.gradients_bytes // ranks),
        optimizer_bytes=-(-found.optimizer_bytes // ranks),
        activations_bytes=(found.activations_bytes or 0) + gathered_bytes(parts.model),
    ), ranks


def gathered_bytes(model: nn.Module) -> int:
    """Return what of a sharded model's weights is whole at a time, at most.

    All that is outside of blocks, and the largest block.
    """
    blocks = [sum(p.nbytes for p in block.parameters()) for block in repeated_blocks(model)]
    outside = sum(p.nbytes for p in model.parameters()) - sum(blocks)
    return max(0, outside) + max(blocks, default=0)


def optimizer_bytes(parts: TrainingComponents) -> int:
    """Return what the optimizer will keep for the trainable parameters."""
    section = parts.preset.optimizer
    states = _STATES_OF.get(section.name, 2)
    if section.name in ("sgd", "torch.SGD") and section.options.get("momentum"):
        states = 1
    if section.name == "muon":
        # Its own groups have a momentum, AdamW's two means.
        groups = parts.optimizer.param_groups
        return sum(
            own_part(p).nbytes * (1 if "ns_steps" in group else 2)
            for group in groups
            for p in group["params"]
        )
    return states * sum(own_part(p).nbytes for p in parts.trainable)


def data_tensors(parts: TrainingComponents) -> list[Tensor]:
    """Return the tensors of the data set, where it is held on the device."""
    if not parts.data.on_device:
        return []
    sources = (parts.data.train, parts.data.validation)
    held = [source for source in sources if isinstance(source, Samples)]
    return [tensor for source in held for tensor in (source.inputs, source.targets)]


def held_tensors(parts: TrainingComponents) -> list[Tensor]:
    """Return what is no activation though autograd may keep it: weights, buffers, data."""
    return [*_parameters(parts), *_buffers(parts), *data_tensors(parts)]


def _parameters(parts: TrainingComponents) -> list[Tensor]:
    return [*parts.model.parameters(), *_of_loss(parts, "parameters")]


def _buffers(parts: TrainingComponents) -> list[Tensor]:
    return [*parts.model.buffers(), *_of_loss(parts, "buffers")]


def _of_loss(parts: TrainingComponents, kind: str) -> Iterable[Tensor]:
    """A user's loss may be a plain function, which has none."""
    tensors: Iterable[Tensor] = getattr(parts.loss, kind)() if hasattr(parts.loss, kind) else ()
    return tensors


def _bytes_on(device: torch.device, tensors: Iterable[Tensor]) -> int:
    """Return the bytes of the storages that lie on a device."""
    storages = {
        storage_key(tensor): held_bytes(tensor)
        for tensor in map(own_part, tensors)
        if tensor.device.type == device.type
    }
    return sum(storages.values())


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors of a value, however they are nested."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)


def recomputed_bytes(parts: TrainingComponents, batch_size: int) -> int:
    """Return what blocks that the backward pass computes again take beside what is kept for it.

    Raises:
        Exception: whatever the model raises when it is asked for shapes instead of numbers.
    """
    return _on_line(parts, batch_size, _again_by) if recomputed(parts.plain or parts.model) else 0


def _on_line(
    parts: TrainingComponents,
    batch_size: int,
    look: Callable[[TrainingComponents, int, nn.Module], int],
) -> int:
    """Return what `look` finds for one batch, on the line through two sizes."""
    before = generator_states()
    # Two sizes show what does not grow with the batch, as weights cast to bf16.
    tried = untaken_sizes(parts)
    try:
        small, large = (
            with_shapes_alone(
                parts.plain or parts.model, partial(look, parts, samples), parts.device
            )
            for samples in tried
        )
    finally:
        restore_generators(before)
    each = (large - small) / (tried[1] - tried[0])
    return math.ceil(max(0.0, small + each * (batch_size - tried[0])))


def untaken_sizes(parts: TrainingComponents) -> tuple[int, int]:
    """Return two small sizes that no batch of the run has, neither in training nor in evaluation.

    A model may keep a table for each size of batches, outside itself: one without numbers must not
    be met again.
    """
    plan, evaluated = parts.data.plan, count(parts.data.validation)
    slices = [*plan.slices(0), *plan.slices(plan.steps_per_epoch - 1)]
    size = evaluation_size(parts)
    taken = {end - first for first, end in slices} | {min(size, evaluated), evaluated % size}
    free = (number for number in range(2, 4 + 4 * len(taken), 2) if number not in taken)
    return next(free), next(free)


def with_shapes_alone(
    model: nn.Module, look: Callable[[nn.Module], _Found], device: torch.device | None = None
) -> _Found:
    """Return what `look` finds on a copy of the model, where tensors have shapes and no numbers.

    Fake tensors know shape, type and device and take no memory; a large model takes as long as a
    small one. A model whose shapes follow from its numbers gets true ones, in a true copy; so does
    one with recurrent layers, as only the library that computes them knows what it keeps. A model
    that has no numbers itself is looked at as if it were on the device.
    """
    if any(isinstance(module, nn.RNNBase) for module in model.modules()):
        return look(copy.deepcopy(model))
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    tensors = (*model.parameters(), *model.buffers(), *plain_tensors(model))
    fakes: dict[int, Any] = {id(tensor): _faked(mode, tensor, device) for tensor in tensors}
    try:
        with mode:
            return look(copy.deepcopy(model, fakes))
    except (DataDependentOutputException, DynamicOutputShapeException):
        return look(copy.deepcopy(model))


def _faked(mode: FakeTensorMode, tensor: Tensor, device: torch.device | None) -> Any:
    if device is None or not tensor.is_meta:
        return mode.from_tensor(tensor)
    with mode:
        empty = torch.empty_like(tensor, device=device)
    is_weight = isinstance(tensor, nn.Parameter)
    return nn.Parameter(empty, requires_grad=tensor.requires_grad) if is_weight else empty


def plain_tensors(model: nn.Module) -> list[Tensor]:
    """Return the tensors that modules hold as attributes and torch does not know of."""
    held = (value for module in model.modules() for value in vars(module).values())
    return [value for value in held if isinstance(value, Tensor)]


def empty_batch(parts: TrainingComponents, samples: int) -> Tensor:
    """Return inputs of the form that the model gets, all of them 0."""
    kind = parts.data.preparation.input_type
    inputs = torch.zeros(samples, *parts.data.spec.input_shape, dtype=kind, device=parts.device)
    if parts.preset.train.channels_last and inputs.ndim == 4:
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    return inputs


def _kept_by(parts: TrainingComponents, samples: int, model: nn.Module) -> int:
    kept, again = _keep(parts, samples, model)
    return kept + again


def _again_by(parts: TrainingComponents, samples: int, model: nn.Module) -> int:
    return _keep(parts, samples, model)[1]


def _keep(parts: TrainingComponents, samples: int, model: nn.Module) -> tuple[int, int]:
    """Return what one batch keeps at most in its forward pass, and how much more in its backward.

    More only by blocks that are computed again then: of each its inner values, beside what blocks
    before it keep.
    """
    apart = [*model.parameters(), *model.buffers()]
    kept = SavedTensorTracker(apart)
    peaks = [0]
    for block in recomputed(model):
        look = partial(_look_inside, peaks, kept, apart, block.forward)
        block.block.register_forward_pre_hook(look, with_kwargs=True)
    inputs = empty_batch(parts, samples)
    with kept, parts.precision.autocast():
        outputs = model(inputs)
    del outputs
    return kept.peak_bytes, max(0, max(peaks) - kept.peak_bytes)


def _look_inside(
    peaks: list[int],
    kept: SavedTensorTracker,
    apart: list[Tensor],
    forward: Callable[..., Any],
    _block: nn.Module,
    args: Any,
    named: Any,
) -> None:
    """Note what is kept while a block is computed again; its inputs are kept either way."""
    given = list(tensors_in([args, named]))
    inside = SavedTensorTracker([*apart, *given])
    with inside:
        outputs = forward(*args, **named)
    del outputs
    before = kept.kept_bytes + sum(held_bytes(tensor) for tensor in given)
    peaks.append(before + inside.peak_bytes)
