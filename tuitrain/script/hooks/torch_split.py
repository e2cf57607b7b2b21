"""torch: in steps that are timed, the waits for batches, the backward passes and the updates.

In all other steps a call that is wrapped here costs a look at whether it is one of them.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from tuitrain.script.agent import agent
from tuitrain.script.split import BACKWARD, DATA, TO_BACKWARD, TO_DATA, TO_UPDATE, StepSplit


def patch(module: Any, is_compiling: Callable[[], bool]) -> None:
    """See the parts of steps from now on; that an update has ended is told by who counts them.

    Args:
        module: torch, just imported.
        is_compiling: says that this is being traced: nothing of ours may get into what comes out.
    """
    split = agent().split
    optimizers = importlib.import_module("torch.optim.optimizer")
    optimizers.register_optimizer_step_pre_hook(_begin_hook(split, is_compiling))
    module.autograd.backward = _backward(module.autograd.backward, split, is_compiling)
    loaders = importlib.import_module("torch.utils.data.dataloader")
    batches, loader = loaders._BaseDataLoaderIter, loaders.DataLoader
    keeps = module.is_grad_enabled
    batches.__next__ = _wait(batches.__next__, split, is_compiling, keeps)
    # That is where its workers are started.
    loader.__iter__ = _wait(loader.__iter__, split, is_compiling, None)


def _begin_hook(
    split: StepSplit, is_compiling: Callable[[], bool]
) -> Callable[[Any, Any, Any], None]:
    def before_step(_optimizer: Any, _args: Any, _kwargs: Any) -> None:
        if not is_compiling() and split.laps is not None:
            split.laps.mark_update(TO_UPDATE)

    return before_step


def _backward(
    original: Callable[..., Any], split: StepSplit, is_compiling: Callable[[], bool]
) -> Callable[..., Any]:
    """Return torch.autograd.backward, where a tensor's own backward comes as well, timed."""

    @functools.wraps(original)
    def backward(*args: Any, **kwargs: Any) -> Any:
        if is_compiling():
            return original(*args, **kwargs)
        laps = split.laps
        if laps is None or not laps.enter(TO_BACKWARD):
            return original(*args, **kwargs)
        try:
            return original(*args, **kwargs)
        finally:
            laps.leave(BACKWARD)

    return backward


def _wait(
    original: Callable[[Any], Any],
    split: StepSplit,
    is_compiling: Callable[[], bool],
    keeps_gradients: Callable[[], bool] | None,
) -> Callable[[Any], Any]:
    """Return a method of a loader, timed.

    Args:
        original: the method.
        split: has the step that is timed.
        is_compiling: says that this is being traced.
        keeps_gradients: says whether gradients are kept; None: no batch is returned.
    """

    @functools.wraps(original)
    def call(self: Any) -> Any:
        if is_compiling():
            return original(self)
        laps = split.laps
        if laps is None or not laps.enter(TO_DATA):
            return original(self)
        try:
            found = original(self)
            if keeps_gradients is not None:
                laps.got(quiet=not keeps_gradients())
            return found
        finally:
            laps.leave(DATA)

    return call
