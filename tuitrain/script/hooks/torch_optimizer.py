"""torch: an update of an optimizer is a step; a loss that nobody logs is seen as it is derived."""

from __future__ import annotations

import functools
import importlib
import weakref
from collections.abc import Callable
from typing import Any

from tuitrain.script.agent import Agent, agent, guarded
from tuitrain.script.hooks import torch_split
from tuitrain.script.points import SEEN_LOSS
from tuitrain.script.split import UPDATE

_OTHERS = 1000
"""Updates of others in a row after which the optimizer that counted is taken to be done with."""


def patch(module: Any) -> None:
    """Follow every optimizer from now on.

    Args:
        module: torch, just imported.
    """
    watch = patch_steps(module)
    watch_backward(watch, module.Tensor)


def patch_steps(module: Any) -> OptimizerWatch:
    """Follow every optimizer, and leave losses alone.

    Args:
        module: torch, just imported.

    Returns:
        What watches them.
    """
    for watch in _watching:
        return watch
    # The shortest that a tracing torch knows: this is called a few times a step.
    compiler = module.compiler
    is_compiling = getattr(compiler, "is_dynamo_compiling", compiler.is_compiling)
    watch = OptimizerWatch(agent(), is_compiling)
    _watching.append(watch)
    optimizers = importlib.import_module("torch.optim.optimizer")
    watch.handle = optimizers.register_optimizer_step_post_hook(hook_of(watch))
    guarded("the parts of steps")(torch_split.patch)(module, is_compiling)
    return watch


_watching: list[OptimizerWatch] = []
"""The one watch of this process, however often it is asked for."""


class OptimizerWatch:
    """Counts the updates of one optimizer: the first that makes one, as long as it does.

    Attributes:
        agent: is told of updates.
        loss: of the last backward pass since the last update: a number, or the tensor.
        counted: identity of the optimizer that counts; 0: none yet.
        handle: removes the hook.
        is_compiling: says that this is being traced: what is done then is nothing, as a step that
            is compiled must not have our counting in it.
    """

    def __init__(self, watcher: Agent, is_compiling: Callable[[], bool]) -> None:
        self.agent = watcher
        self.loss: Any = None
        self.counted = 0
        self.handle: Any = None
        self.is_compiling = is_compiling
        self._others, self._before = 0, 0
        """Updates of others in a row, and updates that counted before them."""
        self._known: set[int] = set()

    def keep(self, loss: Any, updates: int) -> None:
        """Take in a tensor that is not held: one of a device is read a moment later."""
        points = self.agent.points
        if loss.is_cpu:
            points.seen.add(loss.item(), updates)
        else:
            points.seen.stop_holding()
            points.log_device(((SEEN_LOSS, loss.detach()),), None)

    def fail(self, error: Exception) -> None:
        """Leave, and say why."""
        self.handle.remove()
        self.agent.split.reset()
        self.agent.notes.drop("optimizers", error, self.agent.points.step_now)

    def takes_over(self, optimizer: Any) -> bool:
        """Return whether an optimizer counts from now on."""
        if id(optimizer) not in self._known:
            self._known.add(id(optimizer))
            name = f"{type(optimizer).__name__} of torch"
            self.agent.notes.hear(f"optimizer {id(optimizer)}", name)
        updates = self.agent.points.updates
        self._others = 1 if updates != self._before else self._others + 1
        self._before = updates
        if self.counted and self._others < _OTHERS:
            return False
        self.counted = id(optimizer)
        # Held weakly: what a script lets go of must go, with its parameters.
        reference = weakref.ref(optimizer, lambda _gone: self._lose(id_of))
        id_of = self.counted
        self.agent.commands.optimizer = reference
        return True

    def _lose(self, number: int) -> None:
        self._known.discard(number)
        if self.counted == number:
            self.counted = 0


def hook_of(watch: OptimizerWatch) -> Callable[[Any, Any, Any], None]:
    """Return what torch is to call after each update.

    It is called in the loop, where the caches are full of other code: each function and each
    object that it does not touch is a part of a microsecond.
    """
    watcher, split, is_compiling = watch.agent, watch.agent.split, watch.is_compiling

    def after_step(optimizer: Any, _args: Any, _kwargs: Any) -> None:
        if is_compiling():
            return
        try:
            if split.laps is not None:
                split.laps.mark_update(UPDATE)
            if id(optimizer) != watch.counted and not watch.takes_over(optimizer):
                return
            points = watcher.points
            points.updates = updates = points.updates + points.raised_by
            timed = updates >= split.due and points.raised_by
            if timed:
                split.end(updates, at_update=True)
            loss = watch.loss
            if loss is not None:
                watch.loss = None
                if type(loss) is float:
                    points.seen.add(loss, updates)
                elif points.seen.holds:
                    points.seen.hold(loss, updates)
                else:
                    watch.keep(loss, updates)
            if points.due and points.raised_by:
                watcher.bound(optimizer)
            if timed:
                watcher.boundary.time_next(split, optimizer)
        except Exception as error:
            watch.fail(error)

    return after_step


def watch_backward(watch: OptimizerWatch, tensor: Any) -> None:
    """See the losses that are derived, for as long as nobody logs one.

    Args:
        watch: is given them.
        tensor: torch's class.
    """
    original, is_compiling = tensor.backward, watch.is_compiling
    watcher = watch.agent

    @functools.wraps(original)
    def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen = watcher.points.seen
        # Without a gradient it is one number, or torch refuses it.
        if seen.wanted and not is_compiling() and (not (args or kwargs) or self.numel() == 1):
            try:
                if seen.holds and not self._version:
                    watch.loss = self
                else:
                    # A number of the host's costs 3 us; one of a device is left there.
                    watch.loss = self.item() if self.is_cpu else self.detach()
            except Exception:  # torch is about to say why
                watch.loss = None
        return original(self, *args, **kwargs)

    tensor.backward = backward
