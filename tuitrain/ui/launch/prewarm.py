"""The launch screen's hold on a supervisor that warms a worker up while the form is open.

Talks to `tuitrain.supervisor.prewarm` in JSON lines; knows nothing of widgets.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuitrain.messages import (
    CostEstimated,
    EstimateCost,
    Event,
    WarmedUp,
    decode_event,
    to_plain,
)
from tuitrain.supervisor.background import start_in_background
from tuitrain.supervisor.launch import LaunchSpec
from tuitrain.ui.launch.warm import WarmReport

_MODULE = "tuitrain.supervisor.prewarm"


class PrewarmedWorker:
    """A warm worker for the next run."""

    def __init__(
        self,
        deliver: Callable[[WarmReport], None],
        config: str,
        data_dir: Path,
        code_folders: tuple[str, ...] = (),
    ) -> None:
        """Prepare to warm up for a preset.

        Args:
            deliver: is told what is known so far, from a thread.
            config: the preset as TOML text.
            data_dir: where data sets are kept.
            code_folders: where own code that the preset names is looked for.
        """
        self._deliver = deliver
        self._config = config
        self._data_dir = data_dir
        self._code_folders = code_folders
        self._report = WarmReport()
        self._process: subprocess.Popen[str] | None = None
        self._closed = False

    def start(self) -> None:
        """Start the process and ask for the first estimate."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
            encoding="utf-8",
        )
        threading.Thread(target=self._listen, name="prewarmed worker", daemon=True).start()
        self.ask(self._config)

    def ask(self, config: str) -> None:
        """Ask what a preset would take; the answer comes through `deliver`."""
        question = EstimateCost(config, str(self._data_dir), tuple(self._code_folders))
        self._write(to_plain(question))

    def launch(self, spec: LaunchSpec) -> "subprocess.Popen[Any] | None":
        """Start a run: with the warm worker, or another where there is none any more.

        Raises:
            FolderError: the run's folder can't be written.
            OSError: no process can be started.
        """
        spec.write().close()
        process: subprocess.Popen[Any] | None = self._process
        if not self._write({"launch": str(spec.directory.path.resolve())}):
            process = start_in_background(spec)
            # Waited for, so that no dead process stays on the interface's account.
            threading.Thread(target=process.wait, name="supervisor", daemon=True).start()
        self._closed = True
        self._let_go()
        return process

    def close(self) -> None:
        """Let the warm worker end."""
        self._closed = True
        self._let_go()

    def _write(self, request: dict[str, Any]) -> bool:
        process = self._process
        if process is None or process.stdin is None or process.poll() is not None:
            return False
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return False
        return True

    def _let_go(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def _listen(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        with process.stdout:
            for line in process.stdout:
                self._take_in(json.loads(line))
        process.wait()

    def _take_in(self, told: Mapping[str, object]) -> None:
        report = self._report
        if told["type"] == "WorkerEnded":
            report = replace(report, error=f"no worker could warm up ({told['exit_code']})")
        else:
            report = _with_event(report, decode_event(told))
        self._report = report
        if not self._closed:
            self._deliver(report)


def _with_event(report: WarmReport, event: Event) -> WarmReport:
    match event:
        case WarmedUp():
            holds = bool(event.holds_devices)
            return replace(report, ready=True, devices=event.devices, holds_devices=holds)
        case CostEstimated():
            return replace(report, estimate=event)
    return report
