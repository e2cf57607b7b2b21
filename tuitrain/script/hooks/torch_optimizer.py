"""torch: an update of an optimizer is a step; a loss that nobody logs is seen as it is derived."""

from __future__ import annotations

import functools
import importlib
import weakref
from collections.abc import Callable
from typing import Any

from tuitrain.script.agent import Agent, agent

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
    # The shortest that a tracing torch knows: this is called twice a step.
    compiler = module.compiler
    is_compiling = getattr(compiler, "is_dynamo_compiling", compiler.is_compiling)
    watch = OptimizerWatch(agent(), is_compiling)
    _watching.append(watch)
    optimizers = importlib.import_module("torch.optim.optimizer")
    watch.handle = optimizers.register_optimizer_step_post_hook(watch.after_step)
    return watch


_watching: list[OptimizerWatch] = []
"""The one watch of this process, however often it is asked for."""


class OptimizerWatch:
    """Counts the updates of one optimizer: the first that makes one, as long as it does.

    Attributes:
        loss: of the last backward pass since the last update: a number, or a tensor of a device.
        handle: removes the hook.
        is_compiling: says that this is being traced: what is done then is nothing, as a step that
            is compiled must not have our counting in it.
    """

    def __init__(self, watcher: Agent, is_compiling: Callable[[], bool]) -> None:
        self.loss: Any = None
        self.handle: Any = None
        self.is_compiling = is_compiling
        self._agent = watcher
        self._counted = 0
        self._others, self._before = 0, 0
        """Updates of others in a row, and updates that counted before them."""
        self._known: set[int] = set()

    def after_step(self, optimizer: Any, _args: Any, _kwargs: Any) -> None:
        """Take in an update."""
        if self.is_compiling():
            return
        try:
            if id(optimizer) != self._counted and not self._takes_over(optimizer):
                return
            loss, self.loss = self.loss, None
            self._agent.update(optimizer, loss)
        except Exception as error:
            self.handle.remove()
            self._agent.drop("optimizers", error)

    def _takes_over(self, optimizer: Any) -> bool:
        """Return whether an optimizer counts from now on."""
        if id(optimizer) not in self._known:
            self._known.add(id(optimizer))
            self._agent.hear(f"optimizer {id(optimizer)}", f"{type(optimizer).__name__} of torch")
        updates = self._agent.points.updates
        self._others = 1 if updates != self._before else self._others + 1
        self._before = updates
        if self._counted and self._others < _OTHERS:
            return False
        self._counted = id(optimizer)
        # Held weakly: what a script lets go of must go, with its parameters.
        reference = weakref.ref(optimizer, lambda _gone: self._lose(id_of))
        id_of = self._counted
        self._agent.commands.optimizer = reference
        return True

    def _lose(self, number: int) -> None:
        self._known.discard(number)
        if self._counted == number:
            self._counted = 0


def watch_backward(watch: OptimizerWatch, tensor: Any) -> None:
    """See the losses that are derived, for as long as nobody logs one.

    Args:
        watch: is given them.
        tensor: torch's class.
    """
    original, is_compiling = tensor.backward, watch.is_compiling
    watcher = agent()

    @functools.wraps(original)
    def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Without a gradient it is one number, or torch refuses it.
        alone = not (args or kwargs)
        if watcher.points.wants_loss and not is_compiling() and (alone or self.numel() == 1):
            try:
                # A number of the host's costs 0.4 us; one of a device is left there.
                watch.loss = self.item() if self.is_cpu else self.detach()
            except Exception:  # torch is about to say why
                watch.loss = None
        return original(self, *args, **kwargs)

    tensor.backward = backward
