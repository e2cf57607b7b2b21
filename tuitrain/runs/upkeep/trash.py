"""Removed runs, kept for some days beside the others: moving one there, back, and away for good.

Each lies in .trash of the folder of runs, under the time of its removal and its id. Knows nothing
of questions and answers: who calls this has asked.
"""

import errno
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tuitrain.errors import FolderError, RunBusyError, RunNotFoundError, UsageError
from tuitrain.runs.directory import STAMP_LENGTH, RunDirectory
from tuitrain.runs.lock import FileLock, is_worker_alive

KEPT_DAYS = 7
_DAY_S = 86400.0
_NAME = ".trash"


@dataclass(frozen=True, slots=True)
class TrashedRun:
    """A removed run."""

    path: Path
    id: str
    removed: float
    """Seconds since the epoch."""


def trash_folder(root: Path) -> Path:
    """Return where removed runs of a folder of runs lie."""
    return root / _NAME


def move_to_trash(directory: RunDirectory, clock: Callable[[], float] = time.time) -> TrashedRun:
    """Take a run out of all lists; nothing of it is lost until the trash is emptied.

    Raises:
        RunBusyError: its supervisor or its worker lives.
        FolderError: the folder can't be moved there.
    """
    folder = trash_folder(directory.path.parent)
    now_ms = round(clock() * 1000)
    # The time goes first, so that the same run can be removed twice.
    target = folder / f"{now_ms}-{directory.id}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        move_unwatched(directory, target)
    except OSError as error:
        advice = "`tuitrain rm --now` removes it for good without the trash"
        if error.errno == errno.EXDEV:
            advice = f"{folder} is another file system; {advice}"
        raise FolderError.of(
            directory.path, error, "can't be moved to the trash", advice
        ) from error
    return TrashedRun(target, directory.id, now_ms / 1000)


def move_unwatched(directory: RunDirectory, target: Path) -> None:
    """Rename a run's folder, unless somebody works on it.

    Raises:
        RunBusyError: its supervisor or its worker lives.
        OSError: it can't be renamed.
    """
    # Held over the rename, so that nobody resumes the run in between.
    lock = FileLock(directory.lock_path, wait_s=0.2)
    lock.acquire()
    try:
        if is_worker_alive(directory):
            raise RunBusyError(f"{directory.id}: its worker still lives; wait until it has ended.")
        directory.path.rename(target)
    finally:
        lock.release()


def list_trash(root: Path) -> list[TrashedRun]:
    """Return the removed runs of a folder of runs, the last one first.

    Raises:
        FolderError: the trash can't be read.
    """
    folder = trash_folder(root)
    try:
        found = [_trashed(path) for path in folder.iterdir()] if folder.is_dir() else []
    except OSError as error:
        raise FolderError.of(folder, error, "can't be read") from error
    runs = [run for run in found if run is not None]
    return sorted(runs, key=lambda run: (run.removed, run.id), reverse=True)


def _trashed(path: Path) -> TrashedRun | None:
    stamp, _dash, run_id = path.name.partition("-")
    return TrashedRun(path, run_id, int(stamp) / 1000) if stamp.isdigit() and run_id else None


def find_trashed(root: Path, text: str) -> TrashedRun:
    """Return the removed run that `text` means: an id, the beginning of one, or `last`.

    Raises:
        RunNotFoundError: none answers to it, or several.
        FolderError: the trash can't be read.
    """
    runs = list_trash(root)
    if text == "last" and runs:
        return runs[0]
    exact = [run for run in runs if run.id == text][:1]
    begun = [run for run in runs if run.id.startswith(text) or _end(run).startswith(text)]
    found = exact or begun
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(run.id for run in found[:10])
        raise RunNotFoundError(f"{text!r} means any of {len(found)} removed runs: {ids}")
    raise RunNotFoundError(
        f"no run {text!r} in {trash_folder(root)}. `tuitrain trash list` shows it."
    )


def _end(run: TrashedRun) -> str:
    return run.id[STAMP_LENGTH:]


def restore(run: TrashedRun) -> RunDirectory:
    """Move a removed run back into the lists.

    Raises:
        UsageError: there is a run of this id.
        FolderError: it can't be moved.
    """
    target = run.path.parent.parent / run.id
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is there: a run of this id is in the list.")
    try:
        run.path.rename(target)
    except OSError as error:
        raise FolderError.of(run.path, error, "can't be restored") from error
    return RunDirectory(target)


def discard(runs: Iterable[TrashedRun]) -> int:
    """Remove these runs for good; return how many.

    Raises:
        FolderError: one can't be removed as a whole.
    """
    number = 0
    for number, run in enumerate(runs, start=1):  # noqa: B007
        try:
            run.path.unlink() if run.path.is_symlink() else shutil.rmtree(run.path)
        except FileNotFoundError:
            # Another process was faster.
            continue
        except OSError as error:
            raise FolderError.of(run.path, error, "can't be removed as a whole") from error
    return number


def discard_old(root: Path, clock: Callable[[], float] = time.time) -> int:
    """Remove those for good that were removed more than a week ago; return how many.

    Raises:
        FolderError: one can't be removed, or the trash can't be read.
    """
    limit = clock() - KEPT_DAYS * _DAY_S
    return discard([run for run in list_trash(root) if run.removed < limit])
