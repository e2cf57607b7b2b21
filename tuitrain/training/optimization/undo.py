"""Undoes what a step has moved on its way forward: buffers, and generators that it drew from.

A step that fails before its update leaves the weights as they were; running statistics, counters
and draws it does not. They are kept from one step to the next, so that the checkpoint that is saved
then is that of the last whole step, and a step that is taken again is taken as for the first time.
"""

import random
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from tuitrain.training.checkpoints.saveable import digest_state

_MOST_BYTES = 4 * 1024 * 1024
"""Of buffers that a step moves: more would cost a step too much, and is not undone."""

_GENERATORS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
    (torch.get_rng_state, torch.set_rng_state),
    (torch.cuda.get_rng_state_all, torch.cuda.set_rng_state_all),
)


class StepUndo:
    """Keeps what one step moves; which that is shows the first step that is taken."""

    def __init__(self, *parts: Any) -> None:
        """Look after the buffers of every part that is a module."""
        self._keeps = True
        self._roots = [part for part in parts if isinstance(part, nn.Module)]
        self._step = -1
        self._known = False
        """Whether the first step has shown what moves."""
        self._places: list[tuple[dict[str, Tensor | None], str]] = []
        self._held: list[Tensor] = []
        """What lay in the places before the step."""
        self._copies: list[Tensor] = []
        self._generators = _GENERATORS if torch.cuda.is_available() else _GENERATORS[:-1]
        self._states: list[Any] = []

    def begin(self, step: int) -> None:
        """Keep the state before a step; `step` counts updates done."""
        if not self._keeps:
            return
        if self._step < 0:
            self._find_buffers()
        elif not self._known:
            self._leave_out_what_stays()
        self._step = step
        before, self._held = self._held, [_tensor(*place) for place in self._places]
        if self._known and sum(tensor.nbytes for tensor in self._held) > _MOST_BYTES:
            self._copies = []
        elif self._copies and all(one is two for one, two in zip(before, self._held, strict=True)):
            torch._foreach_copy_(self._copies, self._held)
        else:
            self._copies = [tensor.detach().clone() for tensor in self._held]
        self._states = [state() for state, _restore in self._generators]

    def undo(self, step: int) -> None:
        """Go back to before the step that was begun after `step` updates, if it was not made."""
        if self._step != step:
            return
        with torch.no_grad():
            for tensor, copy in zip(self._held, self._copies, strict=False):
                tensor.copy_(copy)
        for (buffers, name), tensor in zip(self._places, self._held, strict=True):
            buffers[name] = tensor
        for (_state, restore), state in zip(self._generators, self._states, strict=True):
            restore(state)

    def _find_buffers(self) -> None:
        modules = [module for root in self._roots for module in root.modules()]
        named = [(module._buffers, name) for module in modules for name in module._buffers]
        self._places = [(buffers, name) for buffers, name in named if _is_plain(buffers[name])]

    def _leave_out_what_stays(self) -> None:
        """Keep only what the first step has moved, whether it was written to or replaced.

        By its numbers: batch normalisation moves its statistics without a new version of them.
        """
        self._known = True
        before = zip(self._places, self._copies, strict=True)
        self._places = [
            place for place, copy in before if not _is_same(_tensor(*place).detach(), copy)
        ]
        self._generators = tuple(
            both
            for both, state in zip(self._generators, self._states, strict=True)
            if digest_state({"": both[0]()}) != digest_state({"": state})
        )
        self._held, self._copies = [], []
        self._keeps = bool(self._places or self._generators)


def _tensor(buffers: dict[str, Tensor | None], name: str) -> Tensor:
    return cast(Tensor, buffers[name])


def _is_plain(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.layout is torch.strided and not tensor.is_meta


def _is_same(tensor: Tensor, copy: Tensor) -> bool:
    kinds = (tensor.dtype, tensor.device) == (copy.dtype, copy.device)
    return kinds and torch.equal(tensor, copy)
