"""Ultralytics: batches are steps, and a trainer stops and saves by its own means."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tuitrain.script.agent import agent, guarded
from tuitrain.script.controls import Answer, Controls
from tuitrain.script.link import FLUSH_S


def patch(module: Any) -> None:
    """Give every model our callbacks.

    Args:
        module: ultralytics.utils.callbacks.base, just imported.
    """
    for event, callback in CALLBACKS.items():
        module.default_callbacks[event].append(callback)


class TrainerControls(Controls):
    """A trainer's own stop and saving."""

    name = "Ultralytics"
    can_save = True

    def __init__(self, trainer: Any) -> None:
        super().__init__()
        self._trainer = trainer
        self.total_steps = int(trainer.epochs) * len(trainer.train_loader)

    def stop(self) -> None:
        """Have the trainer end after this batch; it evaluates and saves first."""
        self._trainer.stop = True

    def save(self, name: str, answer: Answer) -> None:
        """Save beside the trainer's own checkpoints, and leave those as they are."""
        trainer = self._trainer
        path = trainer.wdir / f"{name}.pt"
        kept = trainer.last, trainer.best
        trainer.last = trainer.best = path
        try:
            trainer.save_model()
        finally:
            trainer.last, trainer.best = kept
        answer("done", f"saved as {path}")


_next = 0.0


@guarded("Ultralytics' begin")
def _on_train_start(trainer: Any) -> None:
    """Count batches, and take over what is asked of the loop."""
    watcher = agent()
    watcher.points.count_own_steps()
    watcher.commands.controls = TrainerControls(trainer)
    watcher.commands.optimizer = lambda: trainer.optimizer


@guarded("Ultralytics' batches")
def _on_train_batch_end(trainer: Any) -> None:
    """Take in a step; the means of its losses, five times a second."""
    global _next  # noqa: PLW0603
    watcher = agent()
    watcher.step(trainer.optimizer)
    now = time.monotonic()
    if now >= _next:
        _next = now + FLUSH_S
        watcher.log(dict(trainer.label_loss_items(trainer.tloss, prefix="train")))


@guarded("Ultralytics' epochs")
def _on_fit_epoch_end(trainer: Any) -> None:
    """Take in what an evaluation says."""
    agent().log(dict(trainer.metrics or {}))


@guarded("Ultralytics' end")
def _on_train_end(_trainer: Any) -> None:
    """Let the script's own loop be asked again."""
    agent().commands.controls = Controls()


CALLBACKS: dict[str, Callable[[Any], Any]] = {
    "on_train_start": _on_train_start,
    "on_train_batch_end": _on_train_batch_end,
    "on_fit_epoch_end": _on_fit_epoch_end,
    "on_train_end": _on_train_end,
}
"""By the events of its own."""
