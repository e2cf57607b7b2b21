"""A model whose weights, gradients and optimizer state are split over the ranks (torch's FSDP2).

Each rank holds a part of every tensor; a block's weights are put together when it computes. Knows
the model and what a step needs of it; not when checkpoints are made.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from tuitrain.components.techniques.ema import AveragedWeights
from tuitrain.errors import TrainingError
from tuitrain.training.checkpoints.sharded import own_part
from tuitrain.training.distributed.replica import Replica
from tuitrain.training.memory.footprint import tensors_in
from tuitrain.training.modules.recompute import repeated_blocks
from tuitrain.training.profiling.flops import without_numbers
from tuitrain.training.profiling.timing import Laps, Stage
from tuitrain.training.runtime.lazy_dynamo import bring_dynamo

if TYPE_CHECKING:
    from tuitrain.config.schema import Preset
    from tuitrain.training.build import TrainingComponents
    from tuitrain.training.data.batches import Batch

_NORMALISED = nn.modules.batchnorm._BatchNorm
"""Its running statistics stay fp32, and torch wants its weights in their type."""


def shard(model: nn.Module, preset: "Preset", device: torch.device) -> nn.Module:
    """Split a model over all ranks, block by block; weights become those of rank 0.

    Args:
        model: on any device, whole; one block at a time is whole on this rank's device.
        preset: of the run.
        device: of this rank.

    Returns:
        The model as it was, without numbers: of a sharded one no copy can be made.

    Raises:
        TrainingError: it can't be split.
    """
    bring_dynamo()
    _refuse_scalars(model, preset)
    plain = without_numbers(model)
    apart: list[nn.Module] = []
    if preset.train.precision == "bf16":
        normalised = [module for module in model.modules() if isinstance(module, _NORMALISED)]
        apart = [module for module in normalised if module is not model and _has_weights(module)]
    from torch.distributed.fsdp import fully_shard

    blocks = [block for block in repeated_blocks(model) if block is not model]
    given = _policies(preset)
    mesh = dist.device_mesh.DeviceMesh(device.type, range(dist.get_world_size()))
    for module in (*apart, *(block for block in blocks if block not in apart), model):
        module.to(device)
        _share(module)
        policy = given[module in apart]
        fully_shard(module, mesh=mesh, mp_policy=policy)
    return plain


def _policies(preset: "Preset") -> tuple[Any, Any]:
    """Return the number formats of blocks, and of what stays in fp32.

    Weights are put together in the format of the forward pass: bf16 halves that traffic. The parts
    that a rank holds, gradients that are summed, and the optimizer's state stay fp32.
    """
    from torch.distributed.fsdp import MixedPrecisionPolicy

    if preset.train.precision != "bf16":
        return MixedPrecisionPolicy(), MixedPrecisionPolicy()
    mixed = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    return mixed, MixedPrecisionPolicy(cast_forward_inputs=False)


def _has_weights(module: nn.Module) -> bool:
    return any(True for _ in module.parameters())


def _share(module: nn.Module) -> None:
    """Give all ranks rank 0's numbers of what is not split yet."""
    for tensor in (*module.parameters(), *module.buffers()):
        if not hasattr(tensor, "full_tensor"):
            dist.broadcast(tensor.detach(), src=0)


def _refuse_scalars(model: nn.Module, preset: "Preset") -> None:
    for name, parameter in model.named_parameters():
        if not parameter.dim():
            raise TrainingError(
                f"train.strategy = fsdp: {name} of model.name = {preset.model.name} is a single "
                "number without a dimension, which can't be split over ranks; give it the shape "
                '(1,), or take train.strategy = "ddp"'
            )


class Gathers:
    """Marks, in a step that is timed, where its passes wait for the weights of other ranks.

    On a device the marks are on the line of what computes: it waits where a part's weights have not
    come while the part before it was computed. There gradients are summed behind the backward pass,
    whose end waits for the last of them; on a CPU that is waited for where it is.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        """Watch the passes of a model that is sharded, on a rank's device."""
        from torch.distributed.fsdp import FSDPModule

        self._laps: Laps | None = None
        self._stage: Stage = "forward"
        for module in model.modules():
            if isinstance(module, FSDPModule):
                # Around FSDP2's own hooks, which put the weights together.
                module.register_forward_pre_hook(self._stop, prepend=True)
                module.register_forward_pre_hook(self._go_on)
                module.register_forward_hook(self._stop_in_backward, prepend=True)
                module.register_forward_hook(self._go_on_in_backward)
                if device.type == "cpu":
                    module.set_custom_reduce_scatter(cast(Any, _TimedSums(self)))

    def time(self, laps: Laps | None, stage: Stage = "forward") -> None:
        """Mark what comes, or nothing any more."""
        self._laps, self._stage = laps, stage

    def begin(self) -> None:
        """Mark the end of computing."""
        if self._laps is not None:
            self._laps.mark(self._stage)

    def end(self) -> None:
        """Mark the end of waiting."""
        if self._laps is not None:
            self._laps.mark("exchange")

    def _stop(self, *_given: Any) -> None:
        self.begin()

    def _go_on(self, *_given: Any) -> None:
        self.end()

    def _stop_in_backward(self, _module: nn.Module, _inputs: Any, outputs: Any) -> None:
        self._before_gradients(outputs, self.begin)

    def _go_on_in_backward(self, _module: nn.Module, _inputs: Any, outputs: Any) -> None:
        self._before_gradients(outputs, self.end)

    def _before_gradients(self, outputs: Any, mark: Callable[[], None]) -> None:
        if self._laps is None:
            return
        for tensor in tensors_in(outputs):
            if tensor.requires_grad:
                tensor.register_hook(lambda _gradient: mark())  # type: ignore[no-untyped-call]


class _TimedSums:
    """Sums gradients over the ranks as FSDP2 does by itself, and marks what that takes."""

    def __init__(self, gathers: Gathers) -> None:
        self._gathers = gathers
        # Newer versions of torch warn of the first name.
        name = "reduce_scatter_single"
        self._sum = getattr(dist, name if hasattr(dist, name) else "reduce_scatter_tensor")

    def allocate(self, size: Sequence[int], *, dtype: torch.dtype, device: torch.device) -> Tensor:
        """Return room for numbers."""
        return torch.empty(*size, dtype=dtype, device=device)

    def __call__(
        self, output_tensor: Tensor, input_tensor: Tensor, group: Any, op: Any, **more: Any
    ) -> Any:
        """Sum over the ranks."""
        self._gathers.begin()
        found = self._sum(output_tensor, input_tensor, group=group, op=op, **more)
        self._gathers.end()
        return found


class ShardedReplica(Replica):
    """One rank's part of a model that is split over all of them."""

    def _prepare(self, parts: "TrainingComponents", batch: "Batch") -> None:
        self._refuse(parts)
        try:
            # Sums are made in the same order from the first step on; it only shows whether the
            # model can be split at all.
            self._rehearse(parts, batch)
        except RuntimeError as error:
            if "DTensor" not in str(error):
                raise
            first = str(error).strip().partition("\n")[0]
            raise TrainingError(
                f"train.strategy = fsdp: model.name = {parts.preset.model.name} uses weights of a "
                f"part of itself without calling that part ({first}); take train.strategy = "
                '"ddp", or let the model call its parts'
            ) from error
        self.passed()
        held = [p for p in parts.trainable if p.grad is not None and own_part(p.grad).numel()]
        self._telling = min(held, key=lambda p: own_part(p).numel(), default=None)
        self._exchanges = True
        self._gathers = Gathers(parts.model, parts.device)

    @staticmethod
    def _refuse(parts: "TrainingComponents") -> None:
        """Refuse what only the built parts show.

        Raises:
            TrainingError: the text names the key.
        """
        if looking := parts.hooks.during_evaluation:
            raise TrainingError(
                f"hooks.name = {looking[0][0]}: what a hook does during evaluations rank 0 does "
                'alone, which has a part of the weights only; it needs train.strategy = "ddp"'
            )
        for hook in parts.hooks.weights:
            if not isinstance(hook, AveragedWeights):
                raise TrainingError(
                    f"hooks: {type(hook).__name__} gives the model other weights for evaluations, "
                    'of which a rank has a part only; it needs train.strategy = "ddp"'
                )
        kinds = {p.dtype for p in parts.trainable}
        if len(kinds) > 1:
            found = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in kinds))
            raise TrainingError(
                f"train.strategy = fsdp: model.name = {parts.preset.model.name} has weights of "
                f'several types ({found}); give them one, or take train.strategy = "ddp"'
            )

    def passed(self) -> None:
        """Let go of the weights that were put together for passes without a backward pass.

        The outermost part of a model keeps them for it, and would compute with them again though
        the parts on the ranks have changed since.
        """
        from torch.distributed.fsdp import FSDPModule

        for module in self._parts.model.modules():
            if isinstance(module, FSDPModule):
                module.reshard()

    def _exchange(self, wanted: bool) -> None:
        if wanted is not self._exchanges:
            self._exchanges = wanted
            cast(Any, self._parts.model).set_requires_gradient_sync(wanted)

    def in_turn(self, batches: "Sequence[Batch]", laps: Laps | None = None) -> "Iterator[Batch]":
        """Yield a step's batches; in one that is timed, waiting for weights is the exchange."""
        for batch in super().in_turn(batches):
            self._gathers.time(laps)
            yield batch
        self._gathers.time(None)

    def time_exchange(self, loss: Tensor, laps: Laps) -> None:
        """Mark what of the backward pass is the exchange."""
        self._gathers.time(laps, "backward")
        super().time_exchange(loss, laps)

    def guard(self, loss: Tensor) -> Tensor:
        """Return the loss as it is: no rank sees all gradients, so that `agreed` asks."""
        return loss

    def agreed(self, loss: Tensor) -> Tensor:
        """Return this rank's loss, NaN on all ranks where it is not finite on one of them."""
        if self._parts.precision.scaler is not None:
            return loss
        total = loss.clone()
        if self._telling is not None and self._telling.grad is not None:
            gradient = own_part(self._telling.grad).sum()
            total += gradient - gradient
        dist.all_reduce(total)
        return loss + (total - total)
