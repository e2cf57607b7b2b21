"""Builds the optimizer that a preset names, over the parameters of the model and the loss."""

import copy
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tuitrain.components import registry
from tuitrain.config.schema import OptimizerSection, Preset
from tuitrain.errors import TrainingError
from tuitrain.training.checkpoints.own_state import restore_state
from tuitrain.training.optimization.groups import group_parameters

_TORCH = "torch."


def named_parameters(model: nn.Module, loss: Any) -> list[tuple[str, nn.Parameter]]:
    """Return what is trained with its names, once each; those of the loss begin with `loss.`."""
    named = list(model.named_parameters())
    if isinstance(loss, nn.Module):
        named += [(f"loss.{name}", parameter) for name, parameter in loss.named_parameters()]
    found: dict[int, tuple[str, nn.Parameter]] = {}
    for name, parameter in named:
        if parameter.requires_grad:
            found.setdefault(id(parameter), (name, parameter))
    return list(found.values())


def trainable_parameters(*parts: Any) -> list[nn.Parameter]:
    """Return the parameters of all parts that are modules and that ask for gradients."""
    modules = [part for part in parts if isinstance(part, nn.Module)]
    found = {id(p): p for module in modules for p in module.parameters() if p.requires_grad}
    return list(found.values())


def build_optimizer(preset: Preset, model: nn.Module, loss: Any) -> torch.optim.Optimizer:
    """Build the optimizer.

    Raises:
        TrainingError: there is nothing to train, or the builder does not give an optimizer.
    """
    section = preset.optimizer
    trainable: list[Any] = list(trainable_parameters(model, loss))
    if not trainable_parameters(model):
        raise TrainingError(f"model.name = {preset.model.name} has no trainable parameters")
    if section.groups:
        trainable = group_parameters(section, named_parameters(model, loss))
    optimizer = _build(section, trainable, model)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TrainingError(
            f"optimizer.name = {section.name} returned {type(optimizer).__name__}, not a "
            "torch.optim.Optimizer"
        )
    if needs_closure(optimizer) and preset.train.precision == "fp16":
        raise TrainingError(
            f"optimizer.name = {section.name} evaluates the loss several times a step, which "
            "train.precision = fp16 can't scale; take fp32 or bf16"
        )
    return optimizer


def _build(section: OptimizerSection, trainable: list[Any], model: nn.Module) -> Any:
    if section.name.startswith(_TORCH) and ":" not in section.name:
        return _build_torchs(section, trainable)
    build = registry.optimizer.find(section.name)
    given = {"model": model} if _takes(build, "model") else {}
    return build(trainable, lr=section.lr, **_decay(build, section), **given, **section.options)


def _build_torchs(section: OptimizerSection, trainable: list[Any]) -> torch.optim.Optimizer:
    """Build one of torch's own by its name.

    Raises:
        TrainingError: it takes no such parameters or no such values.
    """
    build = getattr(torch.optim, section.name.removeprefix(_TORCH))
    given = {key: value for key, value in section.options.items() if value is not None}
    # torch has pairs of numbers as tuples.
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in given.items()}
    try:
        found: torch.optim.Optimizer = build(
            trainable, lr=section.lr, **_decay(build, section), **given
        )
    except (ValueError, TypeError, RuntimeError) as error:
        raise TrainingError(
            f"optimizer.name = {section.name}: torch refuses it: {error}"
        ) from error
    return found


def _takes(build: Callable[..., Any], name: str) -> bool:
    return name in registry.required_arguments(build)


def needs_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether a step is given the loss to evaluate again, as L-BFGS has it."""
    # Optimizer.__init__ wraps the class's `step`, and keeps its signature.
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty


def _decay(build: Callable[..., Any], section: OptimizerSection) -> dict[str, float]:
    """Return `weight_decay` for a builder that takes it.

    Raises:
        TrainingError: the preset asks for weight decay, and the builder has none.
    """
    parameters = inspect.signature(build).parameters.values()
    if any(p.name == "weight_decay" or p.kind is p.VAR_KEYWORD for p in parameters):
        return {"weight_decay": section.weight_decay}
    if section.weight_decay:
        raise TrainingError(
            f"optimizer.weight_decay = {section.weight_decay:g}: optimizer.name = {section.name} "
            "takes no weight_decay; leave it out or take another optimizer"
        )
    return {}


def restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any], name: str) -> None:
    """Give an optimizer back what its `state_dict` returned, to the type of each number.

    torch's own `load_state_dict` casts floating point state to the type of its parameter and
    builds containers anew from their items; what it so changes is put right afterwards. An
    optimizer that loads by itself is left to do so.

    Raises:
        CheckpointError: the state is of another optimizer, or of other parameters.
    """
    if type(optimizer).load_state_dict is not torch.optim.Optimizer.load_state_dict:
        restore_state(optimizer, state, name)
        return
    saved = state["state"]
    restore_state(optimizer, {**state, "state": _tensors_alone(saved)}, name)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for number, parameter in enumerate(parameters):
        if number in saved:
            optimizer.state[parameter] = _as_saved(optimizer.state[parameter], saved[number])


def _tensors_alone(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tensors_alone(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_tensors_alone(item) for item in value)
    return value if isinstance(value, Tensor | int | float) else None


def _as_saved(loaded: Any, saved: Any) -> Any:
    """Return the saved value, its tensors on the devices that the loaded ones are on."""
    if isinstance(saved, Tensor):
        return loaded if loaded.dtype == saved.dtype else saved.to(loaded.device)
    if isinstance(saved, dict):
        return type(saved)((key, _as_saved(loaded[key], item)) for key, item in saved.items())
    if type(saved) in (list, tuple):
        return type(saved)(map(_as_saved, loaded, saved))
    return copy.deepcopy(saved)
