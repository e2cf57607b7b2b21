"""What profiles say, worked out beside the run: a process each, watched from the supervisor's loop.

Knows folders and processes; nothing of the record or of traces.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tuitrain.messages import Event, ProfileWritten
from tuitrain.traces.store import begin_digest, last_line, read_digest

_POLL_S = 0.05

Finding = tuple[str, str, Mapping[str, Any]]
"""Name, state, and summary of a profile."""


class ProfileSummaries:
    """The summaries that are being worked out."""

    def __init__(self, run_folder: Path) -> None:
        self._run_folder = run_folder
        self._under_way: dict[str, _SummaryProcess] = {}

    def begin(self, event: Event) -> None:
        """Begin to work out what a profile says, when the event is of one."""
        if isinstance(event, ProfileWritten):
            self._under_way[event.name] = _SummaryProcess(
                begin_digest(self._run_folder, event.name)
            )

    def take(self, wait_s: float, hurry: Callable[[], bool]) -> Iterator[Finding]:
        """Yield what was found out since the last call.

        Args:
            wait_s: wait so long for what is under way.
            hurry: says that nobody wants to wait any more.
        """
        deadline = time.monotonic() + wait_s
        while self._under_way:
            for name in [name for name, each in self._under_way.items() if each.is_over]:
                yield self._finding(name, self._under_way.pop(name))
            if time.monotonic() >= deadline or hurry():
                return
            time.sleep(_POLL_S)

    def _finding(self, name: str, reading: "_SummaryProcess") -> Finding:
        fault = reading.fault()
        digest = None if fault else read_digest(self._run_folder, name)
        summary = digest.get("summary") if digest is not None else None
        if isinstance(summary, Mapping):
            return name, "done", summary
        return name, "failed", {"error": fault or "its digest could not be read"}

    def close(self) -> None:
        """End what is still under way: whoever opens such a profile works it out anew."""
        for reading in self._under_way.values():
            reading.kill()
        self._under_way.clear()


class _SummaryProcess:
    """One process; what it writes is read all the while, so that it never waits for that."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._said = b""
        self._thread = threading.Thread(target=self._listen, name="digest", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        _, self._said = self._process.communicate()

    @property
    def is_over(self) -> bool:
        """Whether the process has ended."""
        return not self._thread.is_alive()

    def fault(self) -> str:
        """Return what went wrong; empty where nothing did."""
        if not self._process.returncode:
            return ""
        return last_line(self._said) or f"ended with exit code {self._process.returncode}"

    def kill(self) -> None:
        """End the process; it leads a group of its own."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._thread.join()
