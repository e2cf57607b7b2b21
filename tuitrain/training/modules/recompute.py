"""Gradient checkpointing: a block keeps its inputs alone, and the backward pass computes it again.

Results stay the same to the last bit. Knows modules; nothing of presets or of the loop.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from fnmatch import fnmatchcase
from functools import partial
from types import TracebackType
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils.checkpoint import checkpoint

from tuitrain.components.logged import sending_to
from tuitrain.config.wording import nearest, one_of
from tuitrain.errors import TrainingError

_CONTAINERS = (nn.Sequential, nn.ModuleList)
_NAMED_BY_MODEL = "checkpointed_blocks"
"""What a model may have: a method that returns its blocks."""
_SHOWN_NAMES = 8
"""Names of modules in a message where none is close."""


def recompute_blocks(model: nn.Module, wanted: bool | str, where: str) -> int:
    """Let a model's blocks keep their inputs alone; modules and names of weights stay.

    Args:
        model: on its device, with shapes.
        wanted: true: its repeated blocks; a text: the modules whose names it fits, `*` for any
            part of one.
        where: the model in words.

    Returns:
        How many blocks there are.

    Raises:
        TrainingError: there are none.
    """
    blocks = _matching(model, wanted, where) if isinstance(wanted, str) else _blocks(model, where)
    for block in blocks:
        vars(block)["forward"] = RecomputedForward(block, block.forward)
    return len(blocks)


def repeated_blocks(model: nn.Module) -> list[nn.Module]:
    """Return a model's repeated blocks, or what it names as such; empty: there are none."""
    named = getattr(model, _NAMED_BY_MODEL, None)
    if named is not None:
        return _once(named())
    # A plain container is a block only where nothing has a class of its own.
    return _once(_repeated(model, _CONTAINERS)) or _once(_repeated(model, ()))


def keep_all(model: nn.Module) -> nn.Module:
    """Let a model compute nothing again from now on, and return it."""
    for module in model.modules():
        forward = vars(module).get("forward")
        if isinstance(forward, RecomputedForward):
            vars(module)["forward"] = forward.forward
    return model


def recomputed(model: nn.Module) -> list["RecomputedForward"]:
    """Return the forward passes of a model that the backward pass computes again."""
    found = (vars(module).get("forward") for module in model.modules())
    return [forward for forward in found if isinstance(forward, RecomputedForward)]


# --- which blocks -------------------------------------------------------------------------------


def _blocks(model: nn.Module, where: str) -> list[nn.Module]:
    found = repeated_blocks(model)
    if not found and not hasattr(model, _NAMED_BY_MODEL):
        raise TrainingError(
            f"train.gradient_checkpointing = true: {where} has no repeated blocks of several "
            "layers to compute again; leave it out, give a pattern of its modules' names, or let "
            f"the model name them in a method {_NAMED_BY_MODEL}()"
        )
    return found


def _repeated(module: nn.Module, besides: tuple[type, ...]) -> Iterator[nn.Module]:
    """Yield what a container holds at least two of: modules of one class, with layers in them."""
    children = list(module.children())
    layered = [child for child in children if _has_layers(child) and type(child) not in besides]
    classes = [type(child) for child in layered] if isinstance(module, _CONTAINERS) else []
    for child in children:
        if child in layered and classes.count(type(child)) > 1:
            yield child
        else:
            yield from _repeated(child, besides)


def _has_layers(module: nn.Module) -> bool:
    # What holds modules and does not compute, as a list, has no forward pass to do again.
    computes = not isinstance(module, nn.ModuleList | nn.ModuleDict) or (
        type(module).forward is not nn.Module.forward
    )
    return computes and any(module.children()) and any(True for _ in module.parameters())


def _matching(model: nn.Module, pattern: str, where: str) -> list[nn.Module]:
    names = [name for name, _module in model.named_modules() if name]
    fitting = [name for name in names if fnmatchcase(name, pattern)]
    if not fitting:
        near = nearest(pattern, names)
        shown = ", ".join(names[:_SHOWN_NAMES]) + (", ..." if len(names) > _SHOWN_NAMES else "")
        raise TrainingError(
            f"train.gradient_checkpointing = {pattern}: no module of {where} has such a name; "
            + (f"did you mean {one_of(near)}?" if near else f"there are {shown or 'none'}")
        )
    # A module within another that is computed again needs nothing of its own.
    outer = [n for n in fitting if not any(n.startswith(f"{other}.") for other in fitting)]
    return _once(model.get_submodule(name) for name in outer)


def _once(blocks: Iterable[nn.Module]) -> list[nn.Module]:
    return list(dict.fromkeys(blocks))


# --- computing again ----------------------------------------------------------------------------


class RecomputedForward:
    """A block's forward pass, of which the graph keeps the inputs alone."""

    def __init__(self, block: nn.Module, forward: Callable[..., Any]) -> None:
        self.block = block
        self.forward = forward
        """As it was: what is computed once is kept."""
        self._modes: list[bool] = []
        """Of the block's modules, when it was found out which buffers it moves."""
        self._moving: list[tuple[nn.Module, str]] = []

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Compute the block; without gradients, as ever."""
        if not torch.is_grad_enabled():
            return self.forward(*args, **named)
        modes = [module.training for module in self.block.modules()]
        known = modes == self._modes
        before = _Before(self._moving if known else _buffers(self.block))
        outputs = checkpoint(
            self.forward, *args, use_reentrant=False, context_fn=before.contexts, **named
        )
        if not known:
            before.leave_out_what_stays()
            self._modes, self._moving = modes, before.places
        return outputs


class _Before:
    """What a block's forward pass began with besides its inputs."""

    def __init__(self, places: list[tuple[nn.Module, str]]) -> None:
        self.places = places
        self._copies = [_at(place).detach().clone() for place in places]
        self._python, self._numpy = random.getstate(), np.random.get_state()

    def contexts(self) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
        """Return what the first pass and a repeated one are made in."""
        return nullcontext(), _Repeating(self)

    def leave_out_what_stays(self) -> None:
        """Forget buffers that the pass did not move.

        By their numbers: batch normalisation moves its statistics without a new version of them.
        """
        both = list(zip(self.places, self._copies, strict=True))
        moved = [(place, copy) for place, copy in both if not _is_same(_at(place), copy)]
        self.places = [place for place, _copy in moved]
        self._copies = [copy for _place, copy in moved]

    def swap_in(self) -> Callable[[], None]:
        """Put copies of the buffers in their places; return what puts the buffers back."""
        held = [_at(place) for place in self.places]
        # A second backward pass through a kept graph begins with the same numbers again.
        for (module, name), copy in zip(self.places, self._copies, strict=True):
            module._buffers[name] = copy.clone()
        return partial(self._put, held)

    def _put(self, tensors: list[Tensor]) -> None:
        for (module, name), tensor in zip(self.places, tensors, strict=True):
            module._buffers[name] = tensor

    def swap_generators(self) -> Callable[[], None]:
        """Set python's and numpy's generators back; return what undoes that. Torch does its own."""
        python, numpy = random.getstate(), np.random.get_state()
        _set_generators(self._python, self._numpy)
        return partial(_set_generators, python, numpy)


class _Repeating:
    """A pass that is made again: it leaves buffers, generators and curves as they are."""

    def __init__(self, before: _Before) -> None:
        self._before = before
        self._stack = ExitStack()

    def __enter__(self) -> None:
        self._stack = ExitStack()
        self._stack.enter_context(sending_to(None))
        self._stack.callback(self._before.swap_in())
        self._stack.callback(self._before.swap_generators())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def _set_generators(python: Any, numpy: Any) -> None:
    random.setstate(python)
    np.random.set_state(numpy)


def _buffers(block: nn.Module) -> list[tuple[nn.Module, str]]:
    """Return the buffers with numbers in them."""
    places = [(module, name) for module in block.modules() for name in module._buffers]
    return [place for place in places if _has_numbers(place[0]._buffers[place[1]])]


def _has_numbers(tensor: Tensor | None) -> bool:
    if tensor is None or tensor.is_meta or isinstance(tensor, FakeTensor):
        return False
    return tensor.layout is torch.strided


def _at(place: tuple[nn.Module, str]) -> Tensor:
    return cast(Tensor, place[0]._buffers[place[1]])


def _is_same(tensor: Tensor, copy: Tensor) -> bool:
    kinds = (tensor.dtype, tensor.device) == (copy.dtype, copy.device)
    return kinds and torch.equal(tensor, copy)
