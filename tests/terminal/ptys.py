"""A pseudo-terminal with a program in it: what it wrote, byte by byte, and the modes it left.

Knows nothing of tuitrain; the benchmarks use it too.
"""

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0
"""After this long a wait is a hang; nothing is asserted about how long things take."""
_IN_A_TERMINAL = (
    "import os, sys; os.login_tty(int(sys.argv[1])); os.execvp(sys.argv[2], sys.argv[2:])"
)
SHOWN = b"\x1b[?1049h"
"""The alternate screen is entered."""
LEFT = b"\x1b[?1049l"
CURSOR = b"\x1b[?25h"
_READ_UP_TO_HERE = b"<the end of the program>"


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


class Terminal:
    """A program in a terminal of its own; a session leader, as a login shell is."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        folder: Path,
        size: tuple[int, int] = (80, 24),
    ) -> None:
        """Start `command` in a terminal of `size`, columns and rows."""
        self._master, self._slave = os.openpty()
        self._written = bytearray()
        self._got = threading.Condition()
        self.resize(*size)
        self.modes_before = self.modes()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_A_TERMINAL, str(self._slave), *command],
            env=dict(environ),
            cwd=folder,
            pass_fds=[self._slave],
            stdin=subprocess.DEVNULL,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):
            while data := os.read(self._master, 65536):
                with self._got:
                    self._written += data
                    self._got.notify_all()

    @property
    def written(self) -> bytes:
        """Everything so far."""
        with self._got:
            return bytes(self._written)

    @property
    def text(self) -> str:
        """The same without escape sequences."""
        return plain(self.written)

    def modes(self) -> list[Any]:
        """Return what `stty -g` prints, as values."""
        return termios.tcgetattr(self._slave)

    def resize(self, columns: int, rows: int) -> None:
        """Become another size, and tell the program."""
        packed = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, packed)

    def send(self, keys: bytes) -> None:
        """Type."""
        os.write(self._master, keys)

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something holds; a program that ended first never brings it about."""

        def holds() -> object:
            if condition():
                return True
            assert self.process.poll() is None, f"{what}: it ended\n{self.text[-3000:]}"
            return False

        try:
            until(holds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text[-3000:]}") from error

    def wait_text(self, text: str, since: int = 0) -> None:
        """Wait until `text` was written in one piece, after the first `since` bytes."""
        self.wait(lambda: text in plain(self.written[since:]), repr(text))

    def wait_end(self) -> int:
        """Return the exit code, once all that was written has been read."""
        until(lambda: self.process.poll() is not None, "the program ended")
        if self._slave >= 0:
            os.write(self._slave, _READ_UP_TO_HERE)
            until(lambda: _READ_UP_TO_HERE in self.written, "all was read")
        return int(self.process.returncode)

    def hang_up(self) -> None:
        """Close the terminal under the program, as a terminal emulator that is closed does."""
        os.close(self._slave)
        self._slave = -1
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        """End whatever is left."""
        with suppress(ProcessLookupError):
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for descriptor in (self._slave, self._master):
            if descriptor >= 0:
                os.close(descriptor)
        self._reader.join()


def plain(written: bytes) -> str:
    """Return the text of what was written, without escape sequences."""
    text = written.decode("utf-8", errors="replace")
    return re.sub(r"\x1b(\[[0-?]*[ -/]*[@-~]|[PX^_\]].*?(\x07|\x1b\\)|[ -/]*[0-~])", "", text)


def colours(written: bytes) -> set[bytes]:
    """Return the SGR parameters that set a colour."""
    found: set[bytes] = set()
    for sequence in re.findall(rb"\x1b\[([0-9;:]*)m", written):
        parts = re.split(rb"[;:]", sequence)
        found |= {part for part in parts if re.fullmatch(rb"[349][0-8]|10[0-7]", part)}
    return found
