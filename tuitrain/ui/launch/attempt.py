"""Starting a run off the launch screen, and learning whether it really started.

Called in a thread; knows nothing of widgets.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from tuitrain.config.schema import Preset
from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import StateRow
from tuitrain.supervisor.background import start_in_background
from tuitrain.supervisor.client import Launcher, RunClient
from tuitrain.supervisor.launch import LaunchSpec
from tuitrain.supervisor.queueing.standing import check_wish
from tuitrain.supervisor.queueing.wish import Wish


class Starter(Protocol):
    """Whoever starts a supervisor: `tuitrain.ui.launch.prewarm.PrewarmedWorker`."""

    def start(self) -> None:
        """Begin to warm a worker up."""

    def ask(self, config: str) -> None:
        """Ask what these settings would take."""

    def launch(self, spec: LaunchSpec) -> "subprocess.Popen[Any] | None":
        """Start a run; return its supervisor's process."""

    def close(self) -> None:
        """Let the warm worker end."""


class Attempt:
    """One press of the start button."""

    def __init__(
        self,
        client: RunClient,
        preset: Preset,
        starter: Starter,
        report: Callable[[StateRow], None],
        *,
        name: str | None,
        preset_folder: Path,
        wish: Wish | None = None,
        in_queue: Launcher = start_in_background,
    ) -> None:
        """Prepare to start a run.

        Args:
            client: starts it and waits for it.
            preset: resolved.
            starter: starts its supervisor.
            report: is told each state on the way.
            name: what to call the run.
            preset_folder: where the preset file lies.
            wish: what the run waits for in the queue of the box; None: it starts at once.
            in_queue: starts the supervisor of one that waits, which has no worker yet.
        """
        self._wish = wish
        self._in_queue = in_queue
        self._client = client
        self._preset = preset
        self._starter = starter
        self._report = report
        self._name = name
        self._preset_folder = preset_folder
        self.directory: RunDirectory | None = None
        """The run, once it is there."""
        self.runs = False
        """It has started, and may be shown."""
        self.given_up = False
        """Nobody wants to know any more; the run itself goes on."""

    def run(self) -> None:
        """Start the run; return once it has started, or nobody wants to know any more.

        Raises:
            TuitrainError: the run can't be made or started; the text says why.
            OSError: a folder can't be written, or no process can be started.
        """
        if self._wish is not None:
            check_wish(self._wish)
        directory = self._client.start(
            self._preset,
            name=self._name,
            preset_folder=self._preset_folder,
            wish=self._wish,
            launch=self._launch,
        )
        state = self._client.wait_for_start(
            directory, report=self._report, given_up=lambda: self.given_up
        )
        if state.state == "failed":
            raise TuitrainError(state.reason)

    def _launch(self, spec: LaunchSpec) -> "subprocess.Popen[Any] | None":
        self.directory = spec.directory
        return self._starter.launch(spec) if spec.wish is None else self._in_queue(spec)
