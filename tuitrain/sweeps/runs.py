"""The runs of a sweep's trials: found by name, started, read, stopped and resumed like any other.

Knows runs; nothing of Optuna, and decides nothing.
"""

import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tuitrain.config.load import parse_preset
from tuitrain.config.schema import Preset
from tuitrain.errors import RecordError, TuitrainError
from tuitrain.file_lock import FileLock
from tuitrain.messages import Stop
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.labels import load_labels, save_labels
from tuitrain.runs.lock import is_alive
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.background import start_in_background
from tuitrain.supervisor.client import RunClient
from tuitrain.supervisor.launch import LaunchSpec, own_code
from tuitrain.supervisor.queueing.wish import Wish
from tuitrain.supervisor.worker_process import wait_until
from tuitrain.sweeps.directory import SweepDirectory, SweepLaunch
from tuitrain.sweeps.space import Point, overrides_of

_START_S = 30.0
"""A supervisor that has not taken its run's lock by then is not waited for."""


@dataclass(frozen=True, slots=True)
class TrialRun:
    """A trial's run as its record has it now."""

    id: str
    state: str
    live: bool
    reason: str = ""
    epoch: float = 0.0
    evaluations: tuple[tuple[float, float], ...] = ()
    """Epoch and value of the metric that decides, oldest first."""


class TrialRuns(Protocol):
    """Where the runs of trials are."""

    def look(self, number: int) -> TrialRun | None:
        """Return the run of a trial; None where there is none, or none that can be read."""
        ...

    def start(self, number: int, point: Point) -> None:
        """Start a trial's run; raises TuitrainError where that can't be done."""
        ...

    def resume(self, number: int) -> None:
        """Go on with a run that came to rest; raises TuitrainError where that can't be done."""
        ...

    def stop(self, number: int) -> None:
        """Let a run save a checkpoint and end; without effect where it is not live."""
        ...

    def forget(self, number: int) -> None:
        """Let go of a run that is not looked at any more."""
        ...


@dataclass(slots=True)
class _Followed:
    """A run that is read again and again."""

    directory: RunDirectory
    reader: RunReader
    version: int = -1
    live: bool = False
    last: TrialRun | None = field(default=None)


class OrdinaryRuns:
    """The runs in the folder of all runs."""

    def __init__(
        self,
        directory: SweepDirectory,
        launch: SweepLaunch,
        wish: Wish | None = None,
        start: Callable[[LaunchSpec], "subprocess.Popen[bytes]"] = start_in_background,
    ) -> None:
        """Take care of a sweep's runs.

        Args:
            directory: the sweep's.
            launch: what it was started with.
            wish: what a trial waits for in the queue of the box.
            start: starts a supervisor.
        """
        self._sweep = directory
        self._launch = launch
        self._wish = wish
        self._start = start
        self._root = directory.path.parent.parent
        data = Path(launch.data_directory) if launch.data_directory else None
        self._client = RunClient(self._root, data_dir=data)
        self._text = directory.preset_path.read_text(encoding="utf-8")
        self._known: dict[int, RunDirectory] = {}
        self._followed: dict[int, _Followed] = {}
        self._children: list[tuple[Path, subprocess.Popen[Any]]] = []
        """Supervisors that were started here, each with its run's folder."""

    def preset(self, point: Point) -> Preset:
        """Return the preset at a point.

        Raises:
            PresetError: a setting can't be like that.
        """
        overrides = [*self._launch.overrides, *overrides_of(point)]
        return parse_preset(self._text, str(self._sweep.preset_path), overrides)

    def name(self, number: int) -> str:
        """Return what a trial's run is called: no other sweep's is called so."""
        return f"{self._sweep.id}-{number:03}"

    def find(self, number: int) -> RunDirectory | None:
        """Return a trial's run; None where there is none."""
        # Day and minute come first: another sweep's id may end like this one's.
        found = sorted(self._root.glob(f"{'?' * 8}-{'?' * 4}-{self.name(number)}-???"))
        return RunDirectory(found[0]) if found else None

    def look(self, number: int) -> TrialRun | None:
        """Return a trial's run as it is now; a record that nobody wrote to is not read again."""
        self._reap()
        directory = self._known.get(number) or self.find(number)
        if directory is None or not directory.path.is_dir():
            self._known.pop(number, None)
            self.forget(number)
            return None
        self._known[number] = directory
        # On a busy machine it takes a while until a supervisor has the run's lock.
        live = is_alive(directory) or self._has_supervisor(directory)
        try:
            return self._read_again(number, directory, live=live)
        except (RecordError, OSError) as error:
            self.forget(number)
            # One that lives may be readable the next time.
            return TrialRun(directory.id, "running" if live else "failed", live, str(error))

    def _read_again(self, number: int, directory: RunDirectory, *, live: bool) -> TrialRun:
        if number not in self._followed:
            self._followed[number] = _Followed(directory, RunReader(directory))
        followed = self._followed[number]
        version = followed.reader.version()
        if followed.last is None or (live, version) != (followed.live, followed.version):
            followed.last = _read(followed.reader, self._launch.metric, live)
            followed.live, followed.version = live, version
        return followed.last

    def forget(self, number: int) -> None:
        """Close a run that nobody asks for any more."""
        followed = self._followed.pop(number, None)
        if followed is not None:
            followed.reader.close()
            _leave_whole(followed.directory)

    def start(self, number: int, point: Point) -> None:
        """Start a trial's run.

        Raises:
            TuitrainError: it can't be started, or a setting can't be like that.
        """
        folder = Path(self._launch.preset_folder) if self._launch.preset_folder else None
        directory = self._client.start(
            self.preset(point),
            name=self.name(number),
            preset_folder=folder,
            wish=self._wish,
            launch=self._started,
        )
        with suppress(TuitrainError, OSError):
            save_labels(directory, load_labels(directory).tagged(add=[self._sweep.id]))

    def _started(self, spec: LaunchSpec) -> "subprocess.Popen[bytes]":
        child = self._start(spec)
        self._children.append((spec.directory.path, child))
        return child

    def _has_supervisor(self, directory: RunDirectory) -> bool:
        """Return whether a supervisor that was started for a run has not ended."""
        children = [child for path, child in self._children if path == directory.path]
        return any(child.poll() is None for child in children)

    def _reap(self) -> None:
        """Take note of supervisors that have ended: the kernel keeps their entries until then."""
        self._children = [each for each in self._children if each[1].poll() is None]

    def resume(self, number: int) -> None:
        """Go on with a run that came to rest.

        Raises:
            TuitrainError: it is gone, or can't be resumed.
        """
        directory = self.find(number)
        if directory is None:
            raise TuitrainError(f"the run {self.name(number)} is gone")
        with RunReader(directory) as reader:
            preset = Preset.model_validate(reader.config())
        self.forget(number)
        self._client.resume(
            directory, code=self._code(preset), wish=self._wish, launch=self._started
        )

    def _code(self, preset: Preset) -> Sequence[str]:
        """Return own code as `--code` names it: the user named it when the sweep was begun."""
        folder = Path(self._launch.preset_folder or ".")
        files = {name: folder / f"{name.partition(':')[0]}.py" for name in own_code(preset)}
        return [str(path) if path.is_file() else name for name, path in files.items()]

    def stop(self, number: int) -> None:
        """Let a run save a checkpoint and end; without effect where it is not live."""
        directory = self.find(number)
        if directory is None:
            return
        wait_until(lambda: is_alive(directory) or not self._has_supervisor(directory), _START_S)
        if is_alive(directory):
            with suppress(TuitrainError):
                self._client.send(directory, Stop())

    def close(self) -> None:
        """Close every record."""
        for number in list(self._followed):
            self.forget(number)


def _leave_whole(directory: RunDirectory) -> None:
    """Leave the record of a run that has ended as one file: with a reader its supervisor can't."""
    journal = directory.database_path.with_name(f"{directory.database_path.name}-wal")
    if not journal.exists() or is_alive(directory):
        return
    with suppress(TuitrainError, OSError), FileLock(directory.lock_path, wait_s=0.0):
        RunWriter(directory).close()


def _read(reader: RunReader, metric: str, live: bool) -> TrialRun:
    state = reader.state()
    found = tuple(
        (row.epoch, row.metrics[metric])
        for row in reader.entries.evaluations()
        if metric in row.metrics
    )
    progress = reader.steps.progress()
    return TrialRun(
        reader.directory.id,
        state.state,
        live,
        state.reason,
        progress.epoch if progress else 0.0,
        found,
    )
