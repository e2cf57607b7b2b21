"""What a script in the foreground prints, line by line, with what happens to it between.

Follows the run's log; no line of it can reach the terminal with a control character.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tuitrain.cli import output
from tuitrain.cli.launch.progress import told
from tuitrain.messages import Event, TrainingEnded
from tuitrain.view import format as text


class ScriptOutput:
    """Prints the log as it grows."""

    def __init__(self, log_path: Path, write: Callable[[str], None] = output.data) -> None:
        """Print to `write`, a line at a time."""
        self._path = log_path
        self._write = write
        self._file: BinaryIO | None = None
        self._over = False
        self._rest = b""

    def begin(self) -> None:
        """Nothing to say yet."""

    def observe(self, event: Event) -> None:
        """Print what is new in the log, then the event where it deserves a line."""
        self.poll(last=isinstance(event, TrainingEnded))
        line = told(event)
        if line is not None:
            output.say(f"tuitrain: {text.sanitise(line)}")

    def poll(self, *, last: bool = False) -> None:
        """Print the whole lines that are new.

        Args:
            last: print the rest too, which no end of line follows.
        """
        *lines, self._rest = (self._rest + self._new()).split(b"\n")
        if last:
            lines, self._rest = [*lines, *([self._rest] if self._rest else [])], b""
            self._end()
        for line in lines:
            # Of a bar that draws over itself, the last state.
            shown = line.rstrip(b"\r").rpartition(b"\r")[2]
            self._write(text.sanitise(shown.decode("utf-8", errors="replace").expandtabs()))

    def _new(self) -> bytes:
        if self._over:
            return b""
        with contextlib.suppress(OSError):
            if self._file is None:
                # Kept open: the script goes on writing to it where somebody removes its name.
                self._file = self._path.open("rb")
            return self._file.read()
        return b""

    def _end(self) -> None:
        self._over = True
        if self._file is not None:
            self._file.close()
