"""A model's weights before anything counts on them: their type, and that they are there.

Knows modules and one batch; nothing of presets or of the loop.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from tuitrain.errors import TrainingError
from tuitrain.training.modules.modes import evaluation_mode

_INPUT_TYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def input_type_of(model: nn.Module) -> torch.dtype:
    """Return the type that all of a model's weights have, float32 where they differ."""
    kinds = {p.dtype for p in model.parameters() if p.is_floating_point()}
    return kinds.pop() if len(kinds) == 1 and kinds <= {*_INPUT_TYPES} else torch.float32


def refuse_meta(model: nn.Module, where: str) -> None:
    """Hold a model against having no numbers.

    Raises:
        TrainingError: a parameter or buffer lies on the meta device.
    """
    names = [name for name, tensor in _tensors(model) if tensor.is_meta]
    if names:
        raise TrainingError(
            f"{where} has weights without numbers, on the meta device: {_listed(names)}; build it "
            "on the cpu, or call to_empty and initialise them"
        )


def materialise(model: nn.Module, inputs: Callable[[], Tensor], where: str) -> None:
    """Give lazy layers their shapes, by one batch that leaves everything else as it is.

    Args:
        model: on its device.
        inputs: makes a batch; called where there are such layers.
        where: the model in words.

    Raises:
        TrainingError: some have none after it either.
    """
    if not _without_shape(model):
        return
    # Evaluation moves no running statistics, and draws nothing but what the layers begin with.
    with evaluation_mode(model), torch.no_grad():
        model(inputs())
    if names := _without_shape(model):
        raise TrainingError(
            f"{where} has lazy layers that a batch did not pass through: {_listed(names)}; give "
            "them their sizes, or leave them out"
        )


def _without_shape(model: nn.Module) -> list[str]:
    return [name for name, tensor in _tensors(model) if is_lazy(tensor)]


def _tensors(model: nn.Module) -> Iterable[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
