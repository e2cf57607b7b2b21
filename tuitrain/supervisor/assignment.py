"""What a supervisor is to do: the value that whoever starts one fills in, for a new run or an old.

Knows presets and run directories; nothing of processes.
"""

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from tuitrain.config.changes import Change
from tuitrain.config.folders import data_directory
from tuitrain.config.load import to_toml
from tuitrain.config.schema import Preset
from tuitrain.errors import UsageError
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.reader import RunReader
from tuitrain.supervisor.resettling import check_length, settle


@dataclass(frozen=True, slots=True)
class Assignment:
    """One run to start or to resume."""

    directory: RunDirectory
    resume: bool
    data_directory: Path
    code_folders: Sequence[str]
    """Put first on the worker's import path, for a user's own code."""
    grace_s: float
    """How long a stop may take before the worker is killed."""
    checkpoint: str = ""
    """Resume from this file, its path relative to the run; empty: from the newest."""
    changes: tuple[Change, ...] = ()
    """Settings that the resume changes, for whoever tells them."""
    live: tuple[tuple[str, float], ...] = ()
    """Live settings that were named with the resume: they hold whatever was set meanwhile."""


def begin_run(
    preset: Preset,
    root: Path,
    *,
    name: str | None = None,
    data_dir: Path | None = None,
    preset_folder: Path | None = None,
) -> Assignment:
    """Make a new run's directory and return what its supervisor is to do.

    Args:
        preset: resolved.
        root: the folder of all runs.
        name: what to call the run.
        data_dir: where data sets are kept, when not the default.
        preset_folder: where the preset file lies: own code is looked for there, then here.

    Raises:
        UsageError: the name is not allowed.
        RecordError: the database can't be written.
        OSError: the folder can't be written.
    """
    data = data_directory(data_dir).absolute()
    directory = create_run(
        root,
        preset.name,
        name,
        to_toml(preset),
        command_line=sys.argv,
        data_directory=data,
    )
    folders = [folder for folder in (preset_folder, Path.cwd()) if folder is not None]
    return Assignment(directory, False, data, _code_folders(preset, folders), preset.train.grace_s)


def continue_run(
    directory: RunDirectory,
    *,
    data_dir: Path | None = None,
    code: Sequence[str] = (),
    checkpoint: str = "",
    settings: Sequence[str] = (),
) -> Assignment:
    """Return what the supervisor of a run that ended, or was released, is to do.

    A run's folder may come from anywhere, so own code that its preset names must be named in
    `code` again.

    Args:
        directory: the run.
        data_dir: where data sets are kept, when not where they were.
        code: own code that may be loaded.
        checkpoint: go back to this file, its path relative to the run; empty: to the newest.
        settings: KEY=VALUE texts of settings to change; they are recorded, and written to
            config.toml.

    Raises:
        UsageError: the run is finished, names code that `code` does not allow, has no such
            checkpoint, was edited by hand, or can't be changed like that.
        FolderError: the folder can't be written.
    """
    chosen = settle(directory, settings)
    missing = [name for name in own_code(chosen.preset) if name not in code]
    if missing:
        flags = " ".join(
            [
                *(f"--code {name}" for name in missing),
                *(f"--set {quote(each)}" for each in settings),
            ]
        )
        raise UsageError(
            f"this run's config.toml names code outside tuitrain ({', '.join(missing)}); "
            f"if you trust it, resume with: tuitrain resume {directory.id} {flags}"
        )
    if checkpoint and not (directory.path / checkpoint).is_file():
        raise UsageError(f"{directory.id} has no checkpoint {checkpoint}")
    with closing(RunReader(directory)) as reader:
        check_length(reader, chosen, checkpoint)
        recorded = reader.meta().get("data_directory")
    chosen.put_on_record(directory)
    kept = Path(recorded) if recorded and data_dir is None else data_directory(data_dir)
    return Assignment(
        directory,
        True,
        kept.absolute(),
        _code_folders(chosen.preset, [Path.cwd()]),
        chosen.preset.train.grace_s,
        checkpoint=checkpoint,
        changes=chosen.changes,
        live=chosen.live,
    )


def own_code(preset: Preset) -> list[str]:
    """Return the user's own code that a preset names, as `package.module:Name`."""
    sections = (
        preset.data,
        preset.model,
        preset.loss,
        preset.optimizer,
        preset.schedule,
        *preset.data.augment,
        *preset.hooks,
    )
    names = {preset.task, *(section.name for section in sections)}
    return sorted(name for name in names if ":" in name)


def _code_folders(preset: Preset, folders: Sequence[Path]) -> list[str]:
    return [str(folder.absolute()) for folder in folders] if own_code(preset) else []
