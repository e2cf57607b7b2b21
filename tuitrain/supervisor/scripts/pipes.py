"""The supervisor's ends of the two pipes to a script, and what its environment says of them.

Knows descriptors and lines; not what a line says. The other end is `tuitrain.script.wire`.
"""

import contextlib
import json
import os
import select
from collections.abc import Mapping
from pathlib import Path

_READ_BYTES = 1 << 20
INJECTED = Path(__file__).parents[2] / "script" / "inject"
"""The folder that goes first on the script's import path."""


class ScriptPipes:
    """Events in, commands out.

    The script's ends stay open here too: a process below it that did not inherit them opens them
    through this one.

    Attributes:
        inherited: the descriptors that the script is to inherit.
    """

    def __init__(self, given: tuple[int, int] | None = None) -> None:
        """Make both pipes.

        Args:
            given: the ends that a process made which asked for a supervisor: events, commands.
        """
        self.inherited: tuple[int, ...] = ()
        if given is not None:
            self._events, self._commands = given
        else:
            self._events, events = os.pipe()
            commands, self._commands = os.pipe()
            self.inherited = (events, commands)
        os.set_blocking(self._events, False)
        os.set_blocking(self._commands, False)
        self._rest = b""

    def environment(self, run_folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment for the script.

        Args:
            run_folder: of its run.
            environ: what it has beside.
        """
        if not self.inherited:
            return {}
        events, commands = self.inherited
        place = {
            "run": str(run_folder.resolve()),
            "pid": os.getpid(),
            "events": _identity(events),
            "commands": _identity(commands),
            "events_fd": events,
            "commands_fd": commands,
        }
        path = [str(INJECTED), *filter(None, [environ.get("PYTHONPATH")])]
        return {
            **environ,
            "PYTHONPATH": os.pathsep.join(path),
            "TUITRAIN_FD": f"{events}:{commands}",
            "TUITRAIN_LINK": json.dumps(place),
        }

    def read(self, wait_s: float) -> list[bytes]:
        """Return the whole lines that have come; waits for the first at most `wait_s`."""
        ready, _, _ = select.select((self._events,), (), (), wait_s)
        if not ready:
            return []
        with contextlib.suppress(BlockingIOError):
            block = os.read(self._events, _READ_BYTES)
            *lines, self._rest = (self._rest + block).split(b"\n")
            return lines
        return []

    def write(self, line: str) -> bool:
        """Send a line; return whether there was room for it."""
        try:
            os.write(self._commands, f"{line}\n".encode())
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close all four ends."""
        for descriptor in (self._events, self._commands, *self.inherited):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _identity(descriptor: int) -> list[int]:
    found = os.fstat(descriptor)
    return [found.st_dev, found.st_ino]
