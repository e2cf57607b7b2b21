"""Carries a run's record to a tracker: as it grows, or all of it at once.

Knows records and the protocol of trackers; nothing of supervisors.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tuitrain.config.tracking import TrackerTarget
from tuitrain.file_lock import FileLock
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import ResumeMark
from tuitrain.trackers.source import Place, RecordSource
from tuitrain.trackers.tracker import Ending, Kept, TrackedRun, Tracker, TrackerError
from tuitrain.whole_file import written_whole

_NEVER = 2**62
"""A step that no resume went back to."""
_LOCK_WAIT_S = 90.0
"""What an earlier attempt left running has this long to end, see `observers.trackers`."""
_NOT_SETTINGS = frozenset({"alerts", "log"})


def export(reader: RunReader, target: TrackerTarget, folder: Path) -> str:
    """Carry all of a run's record to a tracker; return what the tracker calls it.

    Args:
        reader: of the run.
        target: the tracker; a folder in it counts from the current one.
        folder: for files of the tracker's library.

    Raises:
        TrackerError: the tracker takes it not.
        UsageError: its library is not installed.
        RecordError: the record can't be read.
    """
    tracker = _open(reader, target, folder, None, _NEVER)
    _write_all(reader, tracker, lambda: None)
    tracker.close(_ending(reader))
    return tracker.known_as


def follow(
    directory: RunDirectory,
    target: TrackerTarget,
    wait: Callable[[], bool],
    alive: Callable[[], None],
) -> None:
    """Carry a run's record to a tracker until nothing more will come.

    What was written is remembered in the run's folder, so that the next attempt goes on there.

    Args:
        directory: the run.
        target: the tracker; a folder in it counts from the run's own.
        wait: waits a moment; returns whether the run has ended.
        alive: is called whenever the tracker has taken something, or there was nothing new.

    Raises:
        TrackerError: the tracker takes it not.
        RecordError: the record can't be read.
    """
    folder = tracker_folder(directory)
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = FileLock(folder / f"{target.kind}.lock", wait_s=_LOCK_WAIT_S)
    with lock, RunReader(directory) as reader:
        memory = _Memory(folder / f"{target.kind}.json", str(target))
        kept, attempt = memory.read(), len(reader.attempts())
        rewound = _rewound(reader, kept.attempt)
        tracker = _open(reader, target, folder, kept, rewound)
        memory.write(_kept(tracker, attempt, is_whole=False))
        over, seen = False, -1
        while not over:
            over = wait()
            if (version := reader.version()) != seen or over:
                seen = version
                _write_all(reader, tracker, lambda: memory.write(_kept(tracker, attempt)), alive)
            alive()
        tracker.close(_ending(reader))
        memory.write(_kept(tracker, attempt, is_whole=True))


def tracker_folder(directory: RunDirectory) -> Path:
    """Return where trackers keep files and what is remembered of them."""
    return directory.path / "trackers"


def _write_all(
    reader: RunReader,
    tracker: Tracker,
    written: Callable[[], None],
    alive: Callable[[], None] = lambda: None,
) -> None:
    source = RecordSource(reader, tracker.place)
    more = True
    while more:
        news = source.take()
        if news:
            tracker.write(news)
            written()
            alive()
        more = news.more


def _open(
    reader: RunReader, target: TrackerTarget, folder: Path, kept: Kept | None, rewound: int
) -> Tracker:
    run = _tracked(reader, folder)
    if target.kind == "tensorboard":
        from tuitrain.trackers.tensorboard import TensorBoardTracker

        return TensorBoardTracker(run, _event_folder(reader, target, kept), kept, rewound)
    if target.kind == "wandb":
        from tuitrain.trackers.wandb import WandbTracker

        return WandbTracker(run, target.place, kept, rewound)
    if target.kind == "trackio":
        from tuitrain.trackers.trackio import TrackioTracker

        return TrackioTracker(run, target.place, kept, rewound)
    from tuitrain.trackers.mlflow import MlflowTracker

    return MlflowTracker(run, target.place, kept, rewound)


def _event_folder(reader: RunReader, target: TrackerTarget, kept: Kept | None) -> Path:
    """Return the run's own folder of event files, which TensorBoard names the run by."""
    if target.place:
        return Path(target.place).expanduser() / reader.directory.id
    parent = reader.directory.path if kept is not None else reader.directory.exports
    return parent / "tensorboard"


def _tracked(reader: RunReader, folder: Path) -> TrackedRun:
    meta, settings = reader.meta(), reader.config()
    return TrackedRun(
        reader.directory.id,
        str(meta["name"]),
        str(meta["preset"]),
        float(meta["created"]),
        folder,
        {key: each for key, each in settings.items() if key not in _NOT_SETTINGS},
    )


def _ending(reader: RunReader) -> Ending:
    state = reader.states()[-1]
    return Ending(state.state, state.reason, state.time, reader.curves.metrics())


def _rewound(reader: RunReader, attempt: int) -> int:
    """Return the earliest step that a resume after an attempt went back to."""
    marks = [mark for mark in reader.entries.marks() if isinstance(mark.data, ResumeMark)]
    steps = [
        mark.step
        for mark in marks
        if isinstance(mark.data, ResumeMark) and mark.data.attempt > attempt
    ]
    return min(steps, default=_NEVER)


def _kept(tracker: Tracker, attempt: int, *, is_whole: bool = False) -> Kept:
    return Kept(attempt, tracker.place, is_whole, tracker.known_as, tracker.generation)


class _Memory:
    """What is remembered of one tracker between attempts, as a file."""

    def __init__(self, path: Path, target: str) -> None:
        self._path = path
        self._target = target

    def read(self) -> Kept:
        """Return it; nothing is known where the run goes to another place of the tracker now."""
        try:
            plain: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            if plain.pop("target") != self._target:
                return Kept()
            place = Place(**plain.pop("place"))
            return Kept(place=place, **plain)
        except FileNotFoundError:
            return Kept()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise TrackerError(
                f"{self._path} can't be used ({error}); delete it, and the run begins anew there"
            ) from error

    def write(self, kept: Kept) -> None:
        """Keep it, whole or not at all."""
        text = json.dumps({"target": self._target, **asdict(kept)}, indent=1)
        with written_whole(self._path) as draft:
            draft.write_text(text, encoding="utf-8")
