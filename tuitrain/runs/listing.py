"""The list of all runs, and finding one in it by what a user typed.

Knows nothing of terminals; a run that can't be read is listed as such and breaks nothing.
"""

import difflib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from tuitrain.errors import FolderError, RecordError, RunNotFoundError
from tuitrain.runs.directory import STAMP_LENGTH, RunDirectory, dangling_link, folder_error
from tuitrain.runs.reader import RunReader
from tuitrain.runs.storage.database import NewerRecordError
from tuitrain.runs.summary import RunSummary, load_summary, save_summary

_GUESSED = frozenset({"damaged", "newer"})
"""States of runs whose record can't be read: what else a list says of them is a guess."""
_CLOSED = "unreadable"
"""The state of a run that belongs to somebody else, and can't be looked into."""
_CANDIDATES = 10
_SIGNS = ("run.db", "config.toml")
_ID = re.compile(r"\d{8}-\d{4}-.+-[a-z0-9]{3}")


def list_runs(root: Path, clock: Callable[[], float] = time.time) -> list[RunSummary]:
    """Return every run below `root`, newest first."""
    found = [summarise_run(path, clock) for path in run_paths(root)]
    return sorted(found, key=lambda run: (run.created, run.id), reverse=True)


def list_run_names(root: Path) -> list[str]:
    """Return what every run answers to, names first and then ids, newest first."""
    runs = list_runs(root)
    return [*dict.fromkeys(run.name for run in runs), *(run.id for run in runs)]


def write_summary(directory: RunDirectory, clock: Callable[[], float] = time.time) -> None:
    """Write summary.json from the record; for a run that has come to rest.

    Raises:
        RecordError: the record can't be read.
        OSError: the file can't be written.
    """
    with RunReader(directory, clock) as reader:
        save_summary(directory, reader.summary())


def summarise_run(path: str, clock: Callable[[], float] = time.time) -> RunSummary:
    """Return the gist of the run in the folder `path`, whatever shape it is in."""
    copied = load_summary(path)
    if copied is not None:
        return copied
    directory = RunDirectory(Path(path))
    if closed := _closed_reason(directory):
        return _unreadable(directory, _CLOSED, closed)
    try:
        with RunReader(directory, clock) as reader:
            return reader.summary()
    except NewerRecordError as error:
        return _unreadable(directory, "newer", str(error))
    except (RecordError, OSError, ValueError, KeyError, TypeError) as error:
        return _unreadable(directory, "damaged", str(error))


def find_run(root: Path, text: str) -> RunDirectory:
    """Return the run that `text` means: an id, a name, a unique beginning of either, or `last`.

    Raises:
        RunNotFoundError: no run answers to it, or several; the text lists the nearest.
        FolderError: the folder of all runs, or the run's own, can't be read.
    """
    paths = {Path(path).name: path for path in run_paths(root)}
    if not paths:
        raise RunNotFoundError(f"no runs in {root}: `tuitrain run PRESET` starts one.")
    if text in paths:
        return _open_to_us(RunDirectory(Path(paths[text])))
    runs = [summarise_run(path) for path in paths.values()]
    matches = _newest(runs) if text == "last" else _matches(runs, text)
    if len(matches) == 1:
        return _open_to_us(RunDirectory(Path(matches[0].path)))
    if matches:
        raise RunNotFoundError(_ambiguous(text, matches))
    raise RunNotFoundError(_unknown(root, text, paths))


def _open_to_us(directory: RunDirectory) -> RunDirectory:
    if closed := _closed_reason(directory):
        raise FolderError(f"{directory.path} can't be read: {closed}.")
    return directory


def run_paths(root: Path) -> list[str]:
    """Return the folder of every run below `root`, in no order.

    Raises:
        FolderError: `root` is there but can't be read.
    """
    try:
        with os.scandir(root) as found:
            return [entry.path for entry in found if _looks_like_a_run(entry)]
    except OSError as error:
        if isinstance(error, FileNotFoundError) and dangling_link(root) is None:
            return []
        raise folder_error(root, error, "can't be read") from error


def _looks_like_a_run(entry: "os.DirEntry[str]") -> bool:
    if entry.name.startswith(".") or not entry.is_dir():
        return False
    if os.access(entry.path, os.X_OK):
        return any(os.access(f"{entry.path}/{name}", os.F_OK) for name in _SIGNS)
    # Nobody can look into somebody else's folder; called like a run it is told, not hidden.
    return _ID.fullmatch(entry.name) is not None


def _newest(runs: list[RunSummary]) -> list[RunSummary]:
    """Return the run that was created last; all that may be it, where the record can't tell.

    Folders are renamed and copied, so nothing follows from their names. When a run was created
    whose record can't be read is a guess, which must not decide what `rm last` removes.
    """
    ours = [run for run in runs if run.state != _CLOSED] or runs
    known = [run.created for run in ours if run.state not in _GUESSED]
    newest = max(known, default=float("-inf"))
    return [run for run in ours if run.created == newest or _may_be_after(run, newest)]


def _may_be_after(run: RunSummary, newest: float) -> bool:
    return run.state in _GUESSED and run.created > newest


def _matches(runs: list[RunSummary], text: str) -> list[RunSummary]:
    """Return the runs that `text` may mean; a whole name goes before the beginning of one."""
    whole = [run for run in runs if run.name == text]
    return whole or [run for run in runs if run.name.startswith(text) or run.id.startswith(text)]


def _ambiguous(text: str, runs: list[RunSummary]) -> str:
    newest = sorted(runs, key=lambda run: run.created, reverse=True)
    lines = [f"  {run.id}  {run.name}  {run.state}" for run in newest[:_CANDIDATES]]
    if len(newest) > _CANDIDATES:
        lines.append(f"  ... and {len(newest) - _CANDIDATES} more")
    what = "the record does not say which is the newest, so name one by its id"
    hint = what if text == "last" else "give more of the id"
    return f"{text!r} means any of {len(runs)} runs; {hint}:\n" + "\n".join(lines)


def _unknown(root: Path, text: str, paths: dict[str, str]) -> str:
    names = {run_id[STAMP_LENGTH:] for run_id in paths} | set(paths)
    near = difflib.get_close_matches(text, names, n=3, cutoff=0.5)
    hint = f"; near it: {', '.join(near)}" if near else ""
    return f"no run {text!r} in {root}{hint}. `tuitrain ls` lists them."


def _unreadable(directory: RunDirectory, state: str, reason: str) -> RunSummary:
    return RunSummary(
        id=directory.id,
        name=directory.id[STAMP_LENGTH:] if _ID.fullmatch(directory.id) else directory.id,
        preset="",
        state=state,
        reason=reason,
        created=_written(directory),
        started=None,
        ended=None,
        duration_s=0.0,
        step=0,
        total_steps=None,
        epoch=0.0,
        best_metric=None,
        best_value=None,
        device="",
        path=str(directory.path),
    )


def _written(directory: RunDirectory) -> float:
    """Return when the run's settings were written, which is when it was made as far as we know."""
    for path in (directory.config_path, directory.path):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0


def _closed_reason(directory: RunDirectory) -> str:
    """Return why the run can't be looked into by this user; empty where it can."""
    closed = not os.access(directory.path, os.R_OK | os.X_OK)
    path = directory.path if closed else directory.database_path
    if os.access(path, os.R_OK) or not os.path.lexists(path):
        return ""
    try:
        owner = path.owner()
    except (OSError, KeyError):
        owner = "somebody else"
    return f"permission denied, it belongs to {owner}"
