"""Why training stands still, and the words for those who watch.

Shared by what makes it stand still: commands, and a disk that can't take a checkpoint.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tuitrain.messages import (
    Command,
    CommandDone,
    Event,
    TrainingContinued,
    TrainingPaused,
)


@dataclass(slots=True)
class Standstill:
    """The reasons there are now."""

    send: Callable[[Event], None]
    paused: bool = False
    """A person has paused the run."""
    held: str = ""
    """Why the supervisor wants training to wait, if it does."""

    @property
    def lasts(self) -> bool:
        """Whether training is to wait."""
        return self.paused or bool(self.held)

    def begin(self, step: int, reason: str) -> None:
        """Say that training waits."""
        self.send(TrainingPaused(time.time(), step, reason))

    def end(self, step: int) -> None:
        """Say that training goes on, or what it still waits for."""
        if self.lasts:
            self.begin(step, self.held or "by command")
        else:
            self.send(TrainingContinued(time.time(), step))

    def answer(
        self, command: Command, outcome: Literal["done", "refused"], text: str, step: int
    ) -> None:
        """Say what became of a command; the supervisor's own have no number and want no answer."""
        number = getattr(command, "command_id", 0)
        if number:
            self.send(CommandDone(time.time(), number, outcome, text, step))
