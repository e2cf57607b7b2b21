"""The layers of a model in the order in which a batch meets them: shapes, numbers, arithmetic.

A batch without numbers goes through a copy of the model; the model itself stays as it is.
"""

import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
)
from torch.utils.flop_counter import FlopCounterMode

from tuitrain.errors import TrainingError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.memory.footprint import empty_batch, with_shapes_alone
from tuitrain.training.profiling.flops import without_numbers
from tuitrain.training.runtime.randomness import generator_states, restore_generators


@dataclass(frozen=True, slots=True)
class Layer:
    """One module of a model; figures of a module include those of the modules in it."""

    path: str
    """As in the state dict; empty for the model itself."""
    type: str
    depth: int
    shapes: tuple[tuple[int, ...], ...]
    """Of the tensors that it returned, with the batch; none where no batch passed through it."""
    trainable: int
    """Parameters that are updated."""
    frozen: int
    shared: bool
    """It has parameters that a module before it has too."""
    multiply_adds: int
    """Of matrix products and convolutions, forward, for one sample."""
    calls: int
    """How often a batch passes through it in one forward pass."""


@dataclass(frozen=True, slots=True)
class Layers:
    """All of a model's, the model itself first."""

    rows: tuple[Layer, ...]


@dataclass(slots=True)
class _Passed:
    """What was seen of one module."""

    shapes: tuple[tuple[int, ...], ...] = ()
    flops: int = 0
    calls: int = 0
    entered: list[int] = field(default_factory=list)
    """Operations counted so far, at each call that has not returned yet."""


def read_layers(parts: TrainingComponents, samples: int) -> Layers:
    """Return the layers as batches of so many samples go through them.

    Raises:
        TrainingError: the model refuses such a batch; the text names the layer.
    """
    states = generator_states()
    try:
        passed = _pass_through(parts, samples)
    finally:
        restore_generators(states)
    return Layers(tuple(_rows(parts.model, passed, samples)))


def _pass_through(parts: TrainingComponents, samples: int) -> dict[str, _Passed]:
    """Send a batch through a copy without numbers.

    Recurrent layers are taken apart into products that can be counted on the meta device alone; a
    model that makes tensors of its own on the CPU meets them there only as fakes.
    """
    with suppress(TrainingError):
        return _watch(parts, samples, "meta", without_numbers(parts.model))
    return with_shapes_alone(parts.model, partial(_watch, parts, samples, "cpu"))


def _watch(
    parts: TrainingComponents, samples: int, device: str, model: nn.Module
) -> dict[str, _Passed]:
    """Send a batch through a model and return what each module gave."""
    counter = FlopCounterMode(display=False)
    passed: dict[str, _Passed] = {}
    for path, module in model.named_modules():
        seen = passed[path] = _Passed()
        module.register_forward_pre_hook(partial(_enter, seen, counter))
        module.register_forward_hook(partial(_leave, seen, counter))
    inputs = empty_batch(parts, samples).to(device)
    # Products of autocast are the same in number; casts are none.
    try:
        with torch.no_grad(), counter, parts.precision.autocast():
            model(inputs)
    except (DataDependentOutputException, DynamicOutputShapeException):
        raise
    except Exception as error:
        raise _refusal(parts, model, passed, inputs, error) from error
    return passed


def _refusal(
    parts: TrainingComponents,
    model: nn.Module,
    passed: dict[str, _Passed],
    inputs: Tensor,
    error: Exception,
) -> TrainingError:
    """Say which layer refused the batch; the innermost one that did not return."""
    modules = dict(model.named_modules())
    stuck = [path for path, seen in passed.items() if seen.entered]
    where = f" in its layer {stuck[-1]} ({type(modules[stuck[-1]]).__name__})" if stuck[1:] else ""
    words = (str(error).strip().splitlines() or [""])[0]
    shape = "x".join(map(str, inputs.shape))
    name = parts.preset.model.name
    refused = TrainingError(
        f"model.name = {name} refuses a batch of {shape}{where}: {type(error).__name__}: {words}"
    )
    if ":" in name:
        refused.detail = "".join(traceback.format_exception(error))
    return refused


def _enter(seen: _Passed, counter: FlopCounterMode, _module: nn.Module, _given: Any) -> None:
    seen.entered.append(counter.get_total_flops())


def _leave(
    seen: _Passed, counter: FlopCounterMode, _module: nn.Module, _given: Any, returned: Any
) -> None:
    seen.flops += counter.get_total_flops() - seen.entered.pop()
    seen.calls += 1
    seen.shapes = tuple(tuple(tensor.shape) for tensor in _tensors_in(returned))


def _tensors_in(returned: Any) -> Iterator[Tensor]:
    if isinstance(returned, Tensor):
        yield returned
    elif isinstance(returned, dict):
        yield from _tensors_in(list(returned.values()))
    elif isinstance(returned, list | tuple):
        for item in returned:
            yield from _tensors_in(item)


def _rows(model: nn.Module, passed: dict[str, _Passed], samples: int) -> Iterator[Layer]:
    met: set[int] = set()
    for path, module in model.named_modules():
        seen = passed[path]
        parameters = list(module.parameters())
        own = {id(parameter) for parameter in module.parameters(recurse=False)}
        trainable = sum(p.numel() for p in parameters if p.requires_grad)
        yield Layer(
            path=path,
            type=type(module).__name__,
            depth=path.count(".") + 1 if path else 0,
            shapes=seen.shapes,
            trainable=trainable,
            frozen=sum(p.numel() for p in parameters) - trainable,
            shared=bool(own & met),
            # A multiplication and an addition are two operations.
            multiply_adds=round(seen.flops / 2 / samples),
            calls=seen.calls,
        )
        met |= own
