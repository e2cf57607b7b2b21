"""Starting a run off the launch screen, and learning whether it really started.

Called in a thread; knows nothing of widgets.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tuitrain.config.schema import Preset
from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import StateRow
from tuitrain.supervisor.assignment import Assignment, begin_run

_POLL_S = 0.05
_ON_THE_WAY = frozenset({"queued", "starting"})
_FAILED = frozenset({"failed", "lost"})


class Starter(Protocol):
    """Whoever starts a supervisor: `tuitrain.ui.standby.Standby`."""

    def start(self) -> None:
        """Begin to warm a worker up."""

    def ask(self, config: str) -> None:
        """Ask what these settings would take."""

    def launch(self, assignment: Assignment) -> None:
        """Start a run."""

    def close(self) -> None:
        """Let the warm worker end."""


@dataclass(frozen=True, slots=True)
class Order:
    """A run to start."""

    preset: Preset
    root: Path
    name: str | None
    data_dir: Path | None
    preset_folder: Path | None


class Attempt:
    """One press of the start button."""

    def __init__(self, order: Order, starter: Starter, report: Callable[[StateRow], None]) -> None:
        """Prepare to start a run.

        Args:
            order: the run.
            starter: starts its supervisor.
            report: is told each state on the way.
        """
        self._order = order
        self._starter = starter
        self._report = report
        self.directory: RunDirectory | None = None
        """The run, once it is there."""
        self.runs = False
        """It has started, and may be shown."""
        self.given_up = False
        """Nobody wants to know any more; the run itself goes on."""

    def run(self) -> StateRow | None:
        """Start the run and return its first state that is not on the way; None if given up.

        Raises:
            TuitrainError: the run can't be made or started; the text says why.
            OSError: a folder can't be written, or no process can be started.
        """
        order = self._order
        assignment = begin_run(
            order.preset,
            order.root,
            name=order.name,
            data_dir=order.data_dir,
            preset_folder=order.preset_folder,
        )
        self.directory = assignment.directory
        self._starter.launch(assignment)
        with RunReader(self.directory) as reader:
            state = self._follow(reader)
        if state is not None and state.state in _FAILED:
            raise TuitrainError(self._why(state))
        return state

    def _follow(self, reader: RunReader) -> StateRow | None:
        told: StateRow | None = None
        while not self.given_up:
            state = reader.state()
            if state.state not in _ON_THE_WAY:
                return state
            if state != told:
                told = state
                self._report(state)
            time.sleep(_POLL_S)
        return None

    def _why(self, state: StateRow) -> str:
        """Return why a run did not start, with what its supervisor said where it died itself."""
        reason = state.reason or state.state
        if state.state != "lost" or self.directory is None:
            return reason
        path = self.directory.supervisor_log_path
        try:
            said = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except FileNotFoundError:
            said = []
        return f"{reason}: {said[-1]}" if said else reason
