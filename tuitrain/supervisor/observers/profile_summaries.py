"""What profiles say, worked out beside the run: a process each, watched from the supervisor's loop.

Knows folders and processes; nothing of traces.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from tuitrain.messages import Event, ProfileWritten
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.observers.observer import Alerts, Observer
from tuitrain.supervisor.record_keeper import RecordKeeper
from tuitrain.traces.store import begin_digest, last_line, read_digest

SUMMARY_S = 60.0
"""How long the end of a run waits for what its last profile says."""
_POLL_S = 0.05

Finding = tuple[str, str, Mapping[str, Any]]
"""Name, state, and summary of a profile."""

BeginDigest = Callable[[Path, str], "subprocess.Popen[bytes]"]
"""Starts the process that works out what a run's profile says."""


class ProfileSummaries(Observer):
    """Has summaries worked out, and records them."""

    name = "the digest of a profile"

    def __init__(
        self,
        run_folder: Path,
        record: RecordKeeper,
        hurry: Callable[[], bool],
        begin: BeginDigest = begin_digest,
    ) -> None:
        """Sum up the profiles of a run.

        Args:
            run_folder: holds them.
            record: takes the summaries.
            hurry: says that nobody wants to wait any more.
            begin: starts the process that works one out.
        """
        self._run_folder = run_folder
        self._record = record
        self._hurry = hurry
        self._begin = begin
        self._under_way: dict[str, _SummaryProcess] = {}

    def recorded(self, event: Event) -> Alerts:
        """Begin to work out what a profile says, when the event is of one."""
        if isinstance(event, ProfileWritten):
            process = self._begin(self._run_folder, event.name)
            self._under_way[event.name] = _SummaryProcess(process)
        return ()

    def poll(self, worker_pid: int) -> Alerts:
        """Record what was found out since the last look."""
        del worker_pid
        self._record_findings()
        return ()

    def ended(self) -> Alerts:
        """Wait for what the run's last profile says."""
        deadline = time.monotonic() + SUMMARY_S
        self._record_findings()
        while self._under_way and time.monotonic() < deadline and not self._hurry():
            time.sleep(_POLL_S)
            self._record_findings()
        return ()

    def close(self) -> None:
        """End what is still under way: whoever opens such a profile works it out again."""
        for process in self._under_way.values():
            process.kill()
        self._under_way.clear()

    def _record_findings(self) -> None:
        for name in [name for name, each in self._under_way.items() if each.is_over]:
            finding = self._finding(name, self._under_way.pop(name))
            self._record.store(partial(_finish_profile, finding))

    def _finding(self, name: str, process: "_SummaryProcess") -> Finding:
        fault = process.fault()
        digest = None if fault else read_digest(self._run_folder, name)
        summary = digest.get("summary") if digest is not None else None
        if isinstance(summary, Mapping):
            return name, "done", summary
        return name, "failed", {"error": fault or "its digest could not be read"}


def _finish_profile(finding: Finding, writer: RunWriter) -> None:
    writer.finish_profile(*finding)


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
