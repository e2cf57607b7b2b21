"""Tensors of which each rank holds a part: made whole for a checkpoint, cut again when it is read.

Knows tensors and nested states; nothing of files, models or of how parts came to be.
"""

import copy
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor

from tuitrain.errors import TrainingError
from tuitrain.training.checkpoints.saveable import copy_nested


def is_sharded(value: object) -> bool:
    """Return whether a value is a tensor of which this rank holds a part (torch's DTensor).

    By what it can do: with one rank torch's module for them, 0.2 s of imports, is not needed.
    """
    return hasattr(value, "full_tensor")


def whole(tensor: Tensor) -> Tensor:
    """Return a tensor with all its numbers; of a sharded one all ranks call it together."""
    if not is_sharded(tensor):
        return tensor
    return cast(Tensor, cast(Any, tensor).full_tensor())


def own_part(tensor: Tensor) -> Tensor:
    """Return what this rank holds of a tensor: all of one that is not sharded. Shares memory."""
    return cast(Tensor, cast(Any, tensor).to_local()) if is_sharded(tensor) else tensor


def bring_parts(state: Any) -> None:
    """Let another rank have the tensors of a nested state whole; they are dropped here."""
    copy_nested(state, lambda tensor, _place: whole(tensor).new_empty(0))


def cut_like(saved: Any, own: Any) -> Any:
    """Return a saved state with each tensor cut whose place in `own` holds a sharded one.

    Args:
        saved: nested, of whole tensors.
        own: the state of the same part as it is now.
    """
    if isinstance(saved, Tensor):
        if is_sharded(own) and own.shape == saved.shape:
            return cut(saved, own)
        return torch.empty(saved.shape, dtype=saved.dtype) if saved.is_meta else saved
    if isinstance(saved, dict) and isinstance(own, Mapping):
        found = copy.copy(saved)  # with the versions of modules that torch keeps beside the items
        found.update({key: cut_like(saved[key], own[key]) for key in saved if key in own})
        return found
    many = isinstance(saved, list | tuple) and isinstance(own, list | tuple)
    if many and len(saved) == len(own):
        return type(saved)(map(cut_like, saved, own))
    return saved


def cut(saved: Tensor, own: Tensor) -> Tensor:
    """Return a whole tensor as this rank holds its part of `own`; it shares no memory with it.

    Of one without numbers the part has none yet either, but the memory for them.
    """
    from torch.distributed.tensor import DTensor

    held = cast(DTensor, own)
    rank, size = held.device_mesh.get_local_rank(), held.device_mesh.size()
    parts = saved.chunk(size)
    part = parts[rank] if rank < len(parts) else saved.new_empty(0, *saved.shape[1:])
    local = torch.empty(part.shape, dtype=part.dtype, device=held.to_local().device)
    if not part.is_meta:
        local.copy_(part)
    return DTensor.from_local(
        local,
        held.device_mesh,
        held.placements,
        run_check=False,
        shape=saved.shape,
        stride=torch.empty(saved.shape, device="meta").stride(),
    )


def cut_optimizer(saved: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return an optimizer's saved state with what has a parameter's shape cut as that is."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    states = {
        number: {key: _cut_of(value, parameters[number]) for key, value in state.items()}
        if isinstance(state, Mapping) and number < len(parameters)
        else state
        for number, state in saved["state"].items()
    }
    return {**saved, "state": states}


def _cut_of(value: Any, parameter: Tensor) -> Any:
    is_of_weight = isinstance(value, Tensor) and value.shape == parameter.shape
    return cut_like(value, parameter if is_of_weight and value.dim() else None)


def require_placed(optimizer: torch.optim.Optimizer) -> None:
    """Refuse an optimizer whose state could not be cut again.

    What it keeps must be a tensor that lies on the ranks as its parameter does, or the same on all.

    Raises:
        TrainingError: the text says what it keeps.
    """
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if is_sharded(value) and not _lies_as(value, parameter):
                raise TrainingError(
                    f"train.strategy = fsdp: optimizer.name = {type(optimizer).__name__} keeps "
                    f"{key!r} of another form than its weight, which can't be split again on a "
                    'resume; take another optimizer or train.strategy = "ddp"'
                )


def _lies_as(value: Any, parameter: Any) -> bool:
    return (
        is_sharded(parameter)
        and value.shape == parameter.shape
        and value.placements == parameter.placements
    )
