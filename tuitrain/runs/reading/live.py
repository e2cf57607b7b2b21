"""The runs of a folder that live now, with the worker's process and the device of each.

Knows records; nothing of what the devices do.
"""

from dataclasses import dataclass, field
from pathlib import Path

from tuitrain.errors import TuitrainError
from tuitrain.messages import Environment
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import run_paths
from tuitrain.runs.lock import is_alive
from tuitrain.runs.reader import RunReader
from tuitrain.runs.summary import RunSummary


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run that a supervisor owns."""

    summary: RunSummary
    pid: int | None = None
    """The worker's process; None between two workers, or where the run gave its memory back."""
    environment: Environment = field(default_factory=Environment)
    """What it runs on, as far as it is told yet."""


def live_runs(root: Path) -> tuple[LiveRun, ...]:
    """Return the live runs below `root`; one whose record can't be read is left out.

    Raises:
        FolderError: the folder can't be listed.
    """
    found = (_live_run(RunDirectory(Path(path))) for path in run_paths(root))
    return tuple(run for run in found if run is not None)


def _live_run(directory: RunDirectory) -> LiveRun | None:
    try:
        if not is_alive(directory):
            return None
        with RunReader(directory) as reader:
            last = next(reversed(reader.attempts()), None)
            pid = last.pid if last is not None and last.ended is None else None
            return LiveRun(reader.summary(), pid, reader.facts().environment)
    except (TuitrainError, OSError):
        # A run that ends or is removed meanwhile; the list of runs says what is wrong with others.
        return None
