"""The list of all runs, and finding one in it by what a user typed.

Knows nothing of terminals; a run that can't be read is listed as such and breaks nothing.
"""

import difflib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tuitrain.errors import RecordError, RunNotFoundError
from tuitrain.runs.database import NewerRecordError
from tuitrain.runs.directory import STAMP_LENGTH, RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.summary import RunSummary, load_summary, save_summary

_CANDIDATES = 10


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
    """
    paths = {Path(path).name: path for path in run_paths(root)}
    if not paths:
        raise RunNotFoundError(f"no runs in {root}: `tuitrain run PRESET` starts one.")
    if text in paths:
        return RunDirectory(Path(paths[text]))
    if text == "last":
        return RunDirectory(Path(_newest(paths)))
    matches = _matches(paths, text)
    if len(matches) == 1:
        return RunDirectory(Path(matches[0].path))
    if matches:
        raise RunNotFoundError(_ambiguous(text, matches))
    raise RunNotFoundError(_unknown(root, text, paths))


def run_paths(root: Path) -> Iterator[str]:
    """Yield the folder of every run below `root`, in no order."""
    try:
        entries = list(os.scandir(root))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if not entry.name.startswith(".") and entry.is_dir() and _looks_like_a_run(entry.path):
            yield entry.path


def _looks_like_a_run(path: str) -> bool:
    return any(os.access(f"{path}/{name}", os.F_OK) for name in ("run.db", "config.toml"))


def _newest(paths: dict[str, str]) -> str:
    # An id begins with its minute, so only runs of the newest minute need to be read.
    stamp = max(paths)[: STAMP_LENGTH - 1]
    young = [path for run_id, path in paths.items() if run_id.startswith(stamp)]
    return max((summarise_run(path) for path in young), key=lambda run: run.created).path


def _matches(paths: dict[str, str], text: str) -> list[RunSummary]:
    """Return the runs that `text` may mean; a whole name goes before the beginning of one."""
    # A name is part of its id, so only few runs need to be read; a folder that somebody renamed
    # is found by the second look, at all of them.
    near = [path for run_id, path in paths.items() if _may_mean(run_id, text)]
    for candidates in (near, list(paths.values())):
        runs = [summarise_run(path) for path in candidates]
        whole = [run for run in runs if run.name == text]
        begun = [run for run in runs if run.name.startswith(text) or run.id.startswith(text)]
        if whole or begun:
            return whole or begun
    return []


def _may_mean(run_id: str, text: str) -> bool:
    return run_id.startswith(text) or run_id[STAMP_LENGTH:].startswith(text)


def _ambiguous(text: str, runs: list[RunSummary]) -> str:
    newest = sorted(runs, key=lambda run: run.created, reverse=True)
    lines = [f"  {run.id}  {run.name}  {run.state}" for run in newest[:_CANDIDATES]]
    if len(newest) > _CANDIDATES:
        lines.append(f"  ... and {len(newest) - _CANDIDATES} more")
    return f"{text!r} means any of {len(runs)} runs; give more of the id:\n" + "\n".join(lines)


def _unknown(root: Path, text: str, paths: dict[str, str]) -> str:
    names = {run_id[STAMP_LENGTH:] for run_id in paths} | set(paths)
    near = difflib.get_close_matches(text, names, n=3, cutoff=0.5)
    hint = f"; near it: {', '.join(near)}" if near else ""
    return f"no run {text!r} in {root}{hint}. `tuitrain ls` lists them."


def _unreadable(directory: RunDirectory, state: str, reason: str) -> RunSummary:
    try:
        stamp = time.strptime(directory.id[: STAMP_LENGTH - 1], "%Y%m%d-%H%M")
        created = time.mktime(stamp)
    except ValueError:
        created = directory.path.stat().st_mtime
    return RunSummary(
        id=directory.id,
        name=directory.id[STAMP_LENGTH:] or directory.id,
        preset="",
        state=state,
        reason=reason,
        created=created,
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
