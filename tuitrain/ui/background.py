"""What may take a while, beside the screens; how it went is told in a few words.

Knows threads and errors; nothing of what is done.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from tuitrain.errors import RunBusyError, TuitrainError


class Tell(Protocol):
    """Shows a few words for some seconds; may be called from any thread."""

    def __call__(self, text: str, severity: str = "information") -> None:
        """Show them; the severity is one of Textual's notices."""


def in_background(work: Callable[[], None]) -> None:
    """Do what may take minutes; the interface can't end before Textual's own threads have."""
    threading.Thread(target=work, daemon=True).start()


class BackgroundWork:
    """Does work beside the screens, one thread each."""

    def __init__(self, tell: Tell) -> None:
        """Show by `tell` how it went."""
        self.tell = tell

    def do(self, work: Callable[[], str | None]) -> None:
        """Do it, and show what it says of how it went, or why it could not be done."""
        in_background(lambda: self._do(work))

    def _do(self, work: Callable[[], str | None]) -> None:
        try:
            said = work()
        except (TuitrainError, OSError) as error:
            self.tell_error(error)
        else:
            if said:
                self.tell(said)

    def tell_error(self, error: Exception) -> None:
        """Show why something could not be done."""
        self.tell(str(error), "warning" if isinstance(error, RunBusyError) else "error")
