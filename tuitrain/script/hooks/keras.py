"""Keras 3: its batches are steps, and a model stops and saves by its own means."""

from __future__ import annotations

import functools
import importlib
import time
from typing import Any

from tuitrain.script.agent import agent, guarded
from tuitrain.script.controls import Answer, Controls
from tuitrain.script.link import FLUSH_S


def patch(module: Any) -> None:
    """Give every fit our callback.

    Args:
        module: keras.src.callbacks.callback_list, just imported.
    """
    original = module.CallbackList.__init__
    base = importlib.import_module("keras.src.callbacks.callback").Callback
    kind = make_callback(base)

    @functools.wraps(original)
    def init(self: Any, callbacks: Any = None, *args: Any, **kwargs: Any) -> None:
        given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
        ours = [] if any(getattr(each, "is_of_tuitrain", False) for each in given) else [kind()]
        original(self, [*(each for each in given if each is not None), *ours], *args, **kwargs)

    module.CallbackList.__init__ = init


class ModelControls(Controls):
    """A model's own stop and saving."""

    name = "Keras"
    can_save = True

    def __init__(self, model: Any, total_steps: int) -> None:
        super().__init__()
        self._model = model
        self.total_steps = total_steps

    def stop(self) -> None:
        """Have the fit end after this batch."""
        self._model.stop_training = True

    def save(self, name: str, answer: Answer) -> None:
        """Save the whole model in the current folder."""
        path = f"{name}.keras"
        self._model.save(path)
        answer("done", f"saved as {path}")


class OptimizerView:
    """A Keras optimizer as one of torch's: one group with its rate."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self.param_groups = [_Group(optimizer)]


class _Group(dict):  # type: ignore[type-arg]
    def __init__(self, optimizer: Any) -> None:
        super().__init__()
        self._optimizer = optimizer

    def __getitem__(self, key: str) -> Any:
        return float(self._optimizer.learning_rate)

    def __setitem__(self, key: str, value: Any) -> None:
        self._optimizer.learning_rate = value


def make_callback(base: Any) -> Any:
    """Return a class of callbacks.

    Args:
        base: keras.callbacks.Callback.
    """

    class TuitrainCallback(base):  # type: ignore[misc]
        """Shows a fit in tuitrain, and lets it be paused, stopped and saved there."""

        is_of_tuitrain = True

        def __init__(self) -> None:
            super().__init__()
            self._next = 0.0
            self._view: Any = None

        @guarded("Keras' begin")
        def on_train_begin(self, logs: Any = None) -> None:
            """Count batches, and take over what is asked of the loop."""
            del logs
            watcher = agent()
            watcher.points.count_own_steps()
            epochs, steps = (int(self.params.get(name) or 0) for name in ("epochs", "steps"))
            watcher.commands.controls = ModelControls(self.model, epochs * steps)
            optimizer = getattr(self.model, "optimizer", None)
            if optimizer is not None:
                self._view = OptimizerView(optimizer)
                watcher.commands.optimizer = lambda: self._view

        @guarded("Keras' batches")
        def on_train_batch_end(self, batch: Any, logs: Any = None) -> None:
            """Take in a step; what it says, five times a second."""
            del batch
            watcher = agent()
            watcher.step(self._view)
            now = time.monotonic()
            if now >= self._next:
                self._next = now + FLUSH_S
                watcher.log({f"train/{name}": value for name, value in (logs or {}).items()})

        @guarded("Keras' epochs")
        def on_epoch_end(self, epoch: Any, logs: Any = None) -> None:
            """Take in what an epoch says."""
            del epoch
            named = {}
            for name, value in (logs or {}).items():
                held_out = name.startswith("val_")
                named[f"val/{name[4:]}" if held_out else f"epoch/{name}"] = value
            agent().log(named)

        @guarded("Keras' end")
        def on_train_end(self, logs: Any = None) -> None:
            """Let the script's own loop be asked again."""
            del logs
            agent().commands.controls = Controls()

    return TuitrainCallback
