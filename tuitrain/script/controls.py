"""How whoever runs the loop ends it and saves it: a bare loop, or a framework by its own flags.

Knows what can be asked; nothing of pipes or of how it was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tuitrain.script.stop import Stop

Answer = Callable[[str, str], None]
"""Is given the outcome, done or refused, and a text."""

NO_CHECKPOINT = (
    "this script has not said how it saves: `run.on_checkpoint(save)` of the API says so, and "
    "Lightning, Keras and Hugging Face's Trainer need nothing"
)


class Controls:
    """A loop of the script's own: it ends by an exception, and saves by functions it has given.

    Attributes:
        savers: functions of the script that save; each is given the checkpoint's name.
        name: what the run's header calls it; empty: a bare loop.
        total_steps: how many there will be; 0: nobody knows.
    """

    name = ""
    total_steps = 0

    def __init__(self) -> None:
        self.savers: list[Callable[[str], Any]] = []

    @property
    def can_save(self) -> bool:
        """Return whether a checkpoint can be asked for."""
        return bool(self.savers)

    def stop(self) -> None:
        """End the training.

        Raises:
            Stop: always, in a loop that has no flag for it.
        """
        raise Stop("tuitrain was asked to stop this run")

    def save(self, name: str, answer: Answer) -> None:
        """Save a checkpoint now, or at the place where the framework does.

        Args:
            name: what to call it.
            answer: is told what became of it.
        """
        if not self.savers:
            answer("refused", NO_CHECKPOINT)
            return
        said = [str(path) for path in (saver(name) for saver in self.savers) if path is not None]
        answer("done", f"saved by the script{': ' if said else ''}{', '.join(said)}")
