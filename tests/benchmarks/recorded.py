"""Real runs of `tuitrain run`, and what their records say of them.

Knows the command line and the record; imports no torch.
"""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import ProgressRow

WARM_UP_S = 0.75
MANY_POINTS = (
    "data.samples=64000", "data.spacing=0", "train.batch_size=32", "schedule.name=cosine",
)  # fmt: skip
"""The preset linear-regression so that an epoch's begin is rare, its batches of 32."""
_POLL_S = 0.02
_LIMIT_S = 120.0
_COLUMNS = 400


@dataclass(slots=True)
class LiveRun:
    """A run under way; its process is the supervisor."""

    process: "subprocess.Popen[bytes]"
    directory: RunDirectory
    started: float
    """When the command was given, in seconds since the epoch."""

    def first_point(self) -> ProgressRow:
        """Wait for the first step on record and return it."""
        return self._progress(0.0)

    def train_for(self, seconds: float) -> None:
        """Wait until the run has trained for so long after its warm-up."""
        done_s = self.first_point().train_s
        # Asleep meanwhile: whoever measures shares the cores with what is measured.
        time.sleep(max(0.0, WARM_UP_S + seconds - done_s))
        self._progress(WARM_UP_S + seconds)

    def _progress(self, train_s: float) -> ProgressRow:
        deadline = time.monotonic() + _LIMIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the run ended too early, see {self.directory.log_path}")
            row = progress(self.directory)
            if row is not None and row.train_s >= train_s:
                return row
            time.sleep(_POLL_S)
        raise RuntimeError(f"no progress within {_LIMIT_S:g} s, see {self.directory.log_path}")


def progress(directory: RunDirectory) -> ProgressRow | None:
    """Return how far a run has come; None before its first step or its record."""
    with contextlib.suppress(TuitrainError), RunReader(directory) as reader:
        return reader.steps.progress()
    return None


@contextlib.contextmanager
def live_run(
    preset: str, folder: Path, settings: Sequence[str] = (), data: Path | None = None
) -> Iterator[LiveRun]:
    """Start `tuitrain run` below `folder`; stop it, as Ctrl-C does, when the block is left."""
    folder.mkdir(parents=True, exist_ok=True)
    known = set(folder.iterdir())
    command = [sys.executable, "-m", "tuitrain", "run", preset, f"--runs-dir={folder}"]
    command += [f"--data-dir={data}"] if data else []
    command += [f"--set={setting}" for setting in settings]
    started = time.time()
    with (folder / "output.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield LiveRun(process, _new_run(folder, known, process), started)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_LIMIT_S)


def _new_run(folder: Path, known: set[Path], process: "subprocess.Popen[bytes]") -> RunDirectory:
    while process.poll() is None:
        new = [path for path in folder.iterdir() if path.is_dir() and path not in known]
        if new and not new[0].name.startswith("."):
            return RunDirectory(new[0])
        time.sleep(_POLL_S)
    raise RuntimeError((folder / "output.log").read_text(encoding="utf-8").strip())


@dataclass(frozen=True, slots=True)
class Speed:
    """Steps a second after the warm-up."""

    steps_per_s: float
    """Over the time in training steps."""
    wall_steps_per_s: float
    """Over the clock on the wall: evaluations and checkpoints are in it."""


def speed(directory: RunDirectory) -> Speed:
    """Read a run's speed from its record."""
    with RunReader(directory) as reader:
        newest = reader.steps.progress()
        rows = reader.steps.step_times(1, newest.step if newest else 1, _COLUMNS)
    steady = [row for row in rows if row.train_s > WARM_UP_S]
    first, last = steady[0], steady[-1]
    steps = last.step - first.step
    return Speed(steps / (last.train_s - first.train_s), steps / (last.time - first.time))
