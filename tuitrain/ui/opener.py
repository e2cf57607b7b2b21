"""How one screen leads to another: which there are, and for which runs.

Each is imported when it is opened; none knows another.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from tuitrain.errors import TuitrainError
from tuitrain.messages import Profile
from tuitrain.remote.registry import Hosts
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.watched import refuse_remote, refuse_watched
from tuitrain.ui.background import BackgroundWork
from tuitrain.ui.gate import HAND_S, Gate

if TYPE_CHECKING:
    from tuitrain.ui.feeds.results import KeptResults

_OF_A_RUN = {
    "alerts": ("alerts", "AlertsScreen"),
    "checkpoints": ("checkpoints", "CheckpointsScreen"),
    "layers": ("layers", "LayersScreen"),
    "log": ("log", "LogScreen"),
    "memory": ("memory", "MemoryScreen"),
    "settings": ("settings", "SettingsScreen"),
    "time": ("time", "TimeScreen"),
}
"""Screens that need nothing but the run: modules and classes."""


class Opener:
    """Puts screens in front."""

    def __init__(
        self,
        push: Callable[[Screen[Any]], object],
        front: Callable[[], Screen[Any]],
        gate: Gate,
        work: BackgroundWork,
        hosts: Hosts,
        *,
        data_dir: Path | None,
        why_none_starts: str,
    ) -> None:
        """Open nothing yet.

        Args:
            push: puts a screen in front.
            front: returns the one that is.
            gate: lets a screen take keys once it is in sight.
            work: tells what can't be done.
            hosts: lead to runs on other machines.
            data_dir: where data sets are kept, when not the default.
            why_none_starts: why no run is started here; empty: some are.
        """
        self._push = push
        self._front = front
        self._gate = gate
        self._work = work
        self._hosts = hosts
        self._data_dir = data_dir
        self._why_none_starts = why_none_starts

    def _open(self, screen: Screen[Any], pause_s: float = 0.0) -> None:
        """Put a screen in front; once more for what a key asked for before that was in sight."""
        if not self.is_opening:
            self._gate.expect(screen, pause_s)
            self._push(screen)

    @property
    def is_opening(self) -> bool:
        """Whether a screen was opened that is not in sight yet: what is typed is not for it."""
        return self._gate.expects(self._front())

    def open_run(self, directory: RunDirectory, *, late: bool = False) -> None:
        """Show a run.

        Args:
            directory: the run.
            late: no key was pressed for it just now, so whoever types does not see it coming.
        """
        from tuitrain.ui.screens.run import RunScreen

        self._open(RunScreen(self._hosts.located(directory)), HAND_S if late else 0.0)

    def open_of_run(self, what: str, directory: RunDirectory) -> None:
        """Show another screen of a run, by its name."""
        if what in _OF_A_RUN:
            module, name = _OF_A_RUN[what]
            self._open(getattr(import_module(f"tuitrain.ui.screens.{module}"), name)(directory))
            return
        others: dict[str, Callable[[RunDirectory], None]] = {
            "machine": self.open_machine,
            "profile": self.open_profile,
            "results": self.open_results,
            "uses": self.open_uses,
        }
        others[what](directory)

    def open_launch(
        self, preset: str, *, config: Path | None = None, checkpoint: Path | None = None
    ) -> None:
        """Show the form for a new run: of a preset by name, or with an old run's settings.

        Args:
            preset: a preset's name or file.
            config: the config.toml of a run whose settings to begin with.
            checkpoint: a file whose weights to begin with.
        """
        from tuitrain.ui.screens.launch.screen import LaunchScreen

        if self._why_none_starts:
            self._work.tell(self._why_none_starts, "warning")
        elif config is None or self._may(RunDirectory(config.parent), refuse_remote):
            self._open(LaunchScreen(preset, config=config, checkpoint=checkpoint))

    def open_workspace(self, directories: Sequence[RunDirectory]) -> None:
        """Show several runs over one grid of charts."""
        from tuitrain.ui.screens.workspace.screen import WorkspaceScreen

        self._open(WorkspaceScreen([self._hosts.located(each) for each in directories]))

    def open_sweeps(self, sweep: str = "") -> None:
        """Show a sweep by its id, or the newest."""
        from tuitrain.ui.screens.sweeps.screen import SweepScreen

        self._open(SweepScreen(sweep))

    def open_machine(self, directory: RunDirectory | None = None) -> None:
        """Show what the GPUs and the host do; the run that one comes from stands out."""
        from tuitrain.ui.screens.machine import MachineScreen

        self._open(MachineScreen(self._hosts, directory.id if directory is not None else ""))

    def open_profile(self, directory: RunDirectory, wanted: Profile | None = None) -> None:
        """Show a run's profiles; with `steps` order one of so many steps first."""
        from tuitrain.ui.screens.profile import ProfileScreen

        if self._may(directory, refuse_remote):
            self._open(ProfileScreen(directory, wanted))

    @cached_property
    def kept_results(self) -> "KeptResults":
        """The evaluations of this session."""
        from tuitrain.ui.feeds.results import KeptResults

        return KeptResults()

    def open_results(self, directory: RunDirectory) -> None:
        """Show what an evaluation of a run's checkpoint gives, or without one its images."""
        from tuitrain.ui.feeds.results import Source, has_samples_alone
        from tuitrain.ui.screens.results.screen import ResultsScreen
        from tuitrain.ui.screens.samples import SamplesScreen

        if has_samples_alone(directory):
            self._open(SamplesScreen(directory))
        elif self._may(directory, refuse_remote, refuse_watched):
            source = Source(directory, self.kept_results, data_dir=self._data_dir)
            self._open(ResultsScreen(source))

    def open_uses(self, directory: RunDirectory) -> None:
        """Show what can be done with a run's model by a command."""
        from tuitrain.ui.screens.results.uses import UseMenu

        if self._may(directory, refuse_remote, refuse_watched):
            self._open(UseMenu(directory))

    def _may(self, directory: RunDirectory, *refusals: Callable[[RunDirectory], None]) -> bool:
        """Return whether none refuses a run; tell why one does."""
        try:
            for refuse in refusals:
                refuse(directory)
        except TuitrainError as error:
            self._work.tell_error(error)
            return False
        return True
