"""What may take a while, beside the screens; how it went is told in a few words.

Knows threads and errors; nothing of what is done.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from tuitrain.errors import RunBusyError, TuitrainError

Words = str | None
"""How something went; None: nothing is to be said."""


class Tell(Protocol):
    """Shows a few words for some seconds; may be called from any thread."""

    def __call__(self, text: str, severity: str = "information") -> None:
        """Show them; the severity is one of Textual's notices."""


def in_background(work: Callable[[], None]) -> None:
    """Do what may take minutes, and ends wherever it is when the interface is left."""
    threading.Thread(target=work, daemon=True).start()


class BackgroundWork:
    """Does work beside the screens, one thread each, and knows what of it is not done yet."""

    def __init__(self, tell: Tell, fail: Callable[[Exception], object]) -> None:
        """Begin with nothing to do.

        Args:
            tell: shows how it went.
            fail: is given what nobody foresaw, in the thread.
        """
        self.tell = tell
        self._fail = fail
        self._undone = 0
        self._changed = threading.Condition()

    def do(self, work: Callable[[], Words | Callable[[], Words]]) -> None:
        """Do what the user asked for, and show how it went, or why it could not be done.

        Args:
            work: returns its words, or what is to be called for them: who leaves the interface
                waits for the work, and not for that.
        """
        with self._changed:
            self._undone += 1
        in_background(lambda: self._run(lambda: self._deed(work)))

    def look(self, work: Callable[[], Words]) -> None:
        """Find something out, and show it, or why it could not be found; nobody need wait."""
        in_background(lambda: self._run(work))

    def wait(self, limit_s: float) -> bool:
        """Return whether all is done that the user asked for, after `limit_s` at the latest."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._undone, limit_s)

    def _deed(self, work: Callable[[], Words | Callable[[], Words]]) -> Words:
        try:
            said = work()
        finally:
            with self._changed:
                self._undone -= 1
                self._changed.notify_all()
        return said() if callable(said) else said

    def _run(self, work: Callable[[], Words]) -> None:
        try:
            said = work()
        except (TuitrainError, OSError) as error:
            self.tell_error(error)
        except Exception as error:
            self._fail(error)
        else:
            if said:
                self.tell(said)

    def tell_error(self, error: Exception) -> None:
        """Show why something could not be done."""
        self.tell(str(error), "warning" if isinstance(error, RunBusyError) else "error")
