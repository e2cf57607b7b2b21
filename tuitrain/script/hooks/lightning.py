"""Lightning: what is logged is seen, and a Trainer stops and saves by its own means."""

from __future__ import annotations

import functools
import importlib
import time
from pathlib import Path
from typing import Any

from tuitrain.script.agent import agent, guarded
from tuitrain.script.controls import Answer, Controls
from tuitrain.script.link import FLUSH_S


def patch(module: Any) -> None:
    """Give every Trainer our callback.

    Args:
        module: lightning.pytorch.trainer.trainer or pytorch_lightning.trainer.trainer.
    """
    package = module.__name__.rpartition(".trainer.trainer")[0]
    original = module.Trainer.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        _add(self, package)

    module.Trainer.__init__ = init


@guarded("Lightning's Trainer")
def _add(trainer: Any, package: str) -> None:
    base = importlib.import_module(f"{package}.callbacks").Callback
    if not any(getattr(each, "is_of_tuitrain", False) for each in trainer.callbacks):
        trainer.callbacks.append(make_callback(base)())


class TrainerControls(Controls):
    """A Trainer's own stop and saving."""

    name = "Lightning"
    can_save = True

    def __init__(self, trainer: Any) -> None:
        super().__init__()
        self._trainer = trainer
        total = trainer.estimated_stepping_batches
        # Without an end it is infinite.
        self.total_steps = int(total) if 0 < total < float("inf") else 0

    def stop(self) -> None:
        """Have the Trainer end after this step."""
        self._trainer.should_stop = True

    def save(self, name: str, answer: Answer) -> None:
        """Save where the Trainer's checkpoints go."""
        path = Path(self._trainer.default_root_dir) / f"{name}.ckpt"
        self._trainer.save_checkpoint(path)
        answer("done", f"saved as {path}")


def make_callback(base: Any) -> Any:
    """Return a class of callbacks.

    Args:
        base: Callback of lightning.pytorch or pytorch_lightning.
    """

    class TuitrainCallback(base):  # type: ignore[misc]
        """Shows a Trainer's run in tuitrain, and lets it be paused, stopped and saved there."""

        is_of_tuitrain = True

        def __init__(self) -> None:
            self._next = 0.0
            self._logged: dict[str, int] = {}

        @guarded("Lightning's begin")
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            """Take over what is asked of the loop."""
            del pl_module
            if trainer.is_global_zero:
                agent().commands.controls = TrainerControls(trainer)

        @guarded("Lightning's log")
        def on_train_batch_end(self, trainer: Any, *args: Any, **kwargs: Any) -> None:
            """Take in what was logged, five times a second: a look costs more than a step."""
            del args, kwargs
            now = time.monotonic()
            if now >= self._next:
                self._next = now + FLUSH_S
                self._take(trainer, trainer.logged_metrics)

        @guarded("Lightning's evaluation")
        def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
            """Take in what an evaluation says."""
            del pl_module
            if not trainer.sanity_checking:
                self._take(trainer, trainer.callback_metrics)

        @guarded("Lightning's end")
        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            """Take in the last, and let the script's own loop be asked again."""
            del pl_module
            self._take(trainer, trainer.callback_metrics)
            agent().commands.controls = Controls()

        def _take(self, trainer: Any, metrics: Any) -> None:
            step = int(trainer.global_step)
            new = {n: v for n, v in metrics.items() if self._logged.get(n) != step}
            self._logged.update(dict.fromkeys(new, step))
            if trainer.is_global_zero and new:
                agent().log(new, step)

    return TuitrainCallback
