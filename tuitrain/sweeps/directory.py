"""Where a sweep is kept and what lies where in it; finding one by what a user typed.

RUNS/sweeps/ID/   sweep.toml  preset.toml  launch.json  journal.log  table.json  control.json
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tuitrain.errors import FolderError, RecordError, RunNotFoundError
from tuitrain.file_lock import is_held
from tuitrain.whole_file import written_whole

_FOLDER = "sweeps"


@dataclass(frozen=True, slots=True)
class SweepDirectory:
    """One sweep's folder; its name is the sweep's id."""

    path: Path

    @property
    def id(self) -> str:
        """The sweep's id, with which the names of its runs begin."""
        return self.path.name

    @property
    def sweep_path(self) -> Path:
        """What is to be done, as the user wrote it."""
        return self.path / "sweep.toml"

    @property
    def preset_path(self) -> Path:
        """The preset as it was when the sweep was made."""
        return self.path / "preset.toml"

    @property
    def launch_path(self) -> Path:
        """What the command line had beside both."""
        return self.path / "launch.json"

    @property
    def journal_path(self) -> Path:
        """Optuna's journal: every trial, whoever reads it."""
        return self.path / "journal.log"

    @property
    def lock_path(self) -> Path:
        """Held by the driver while it lives."""
        return self.path / "sweep.lock"

    @property
    def table_path(self) -> Path:
        """How the trials stood when the driver last looked."""
        return self.path / "table.json"

    @property
    def control_path(self) -> Path:
        """What people want of the driver."""
        return self.path / "control.json"

    @property
    def log_path(self) -> Path:
        """What a driver in the background wrote."""
        return self.path / "driver.log"

    def is_live(self) -> bool:
        """Return whether a driver lives."""
        return is_held(self.lock_path)


@dataclass(frozen=True, slots=True)
class SweepLaunch:
    """What a sweep is started with, beside its files."""

    metric: str
    mode: str
    overrides: tuple[str, ...] = ()
    """KEY=VALUE texts that hold for every trial."""
    preset_folder: str = ""
    """Where own code of the preset lies."""
    data_directory: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """What people want of a driver; it looks several times a second."""

    parallel: int | None = None
    """Trials at a time; None: as the sweep says."""
    paused: bool = False
    """Start no new trial."""
    stop: bool = False
    """Let the trials save and end, and end."""


def create_sweep(root: Path, name: str, files: Mapping[str, str], now: float) -> SweepDirectory:
    """Make a new sweep's folder with its files.

    Args:
        root: the folder of all runs.
        name: of the sweep's file.
        files: their content by name.
        now: seconds since the epoch.

    Raises:
        FolderError: the folder can't be written.
    """
    stem = re.sub(r"[^A-Za-z0-9._-]", "-", name)[:32].strip("-.") or "sweep"
    folder = root / _FOLDER
    try:
        for number in range(1, 10_000):
            path = folder / f"{stem}-{time.strftime('%m%d', time.gmtime(now))}-{number}"
            try:
                path.mkdir(mode=0o700, parents=True)
            except FileExistsError:
                continue
            for each, content in files.items():
                (path / each).write_text(content, encoding="utf-8")
            return SweepDirectory(path)
    except OSError as error:
        raise FolderError.of(folder, error, "can't be written") from error
    raise FolderError(f"{folder} has no free name left for {stem}.")


def sweep_directories(root: Path) -> list[SweepDirectory]:
    """Return every sweep below the folder of runs, the newest first."""
    found = [path for path in (root / _FOLDER).glob("*") if (path / "sweep.toml").is_file()]
    newest = sorted(found, key=lambda path: (path / "sweep.toml").stat().st_mtime, reverse=True)
    return [SweepDirectory(path) for path in newest]


def find_sweep_directory(root: Path, text: str) -> SweepDirectory:
    """Return the sweep that a text means: an id, a unique beginning of one, or `last`.

    Raises:
        RunNotFoundError: none answers to it, or several.
    """
    found = sweep_directories(root)
    if text == "last" and found:
        return found[0]
    whole = [each for each in found if each.id == text]
    matches = whole or [each for each in found if each.id.startswith(text)]
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(each.id for each in matches or found) or "none"
    said = "means several" if matches else "is no sweep"
    raise RunNotFoundError(f"{text!r} {said} in {root}; there: {names}")


def write_plain(path: Path, plain: Mapping[str, Any]) -> None:
    """Write a JSON object in one move."""
    with written_whole(path) as draft:
        draft.write_text(json.dumps(plain), encoding="utf-8")


def read_control(directory: SweepDirectory) -> Control:
    """Return what people want; what nobody has said is as by default."""
    try:
        return Control(**json.loads(directory.control_path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return Control()


def change_control(directory: SweepDirectory, **changes: Any) -> Control:
    """Say what is wanted of the driver; what is not named stays."""
    control = replace(read_control(directory), **changes)
    write_plain(directory.control_path, asdict(control))
    return control


def read_launch(directory: SweepDirectory) -> SweepLaunch:
    """Return what a sweep was started with.

    Raises:
        RecordError: the file is missing or damaged.
    """
    path = directory.launch_path
    try:
        plain = json.loads(path.read_bytes())
        return SweepLaunch(**{**plain, "overrides": tuple(plain["overrides"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RecordError(f"{path} can't be read: {error}") from error
