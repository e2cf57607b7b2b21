"""Has a run carried to a tracker by a process of its own, and says once where that goes wrong.

Knows that process by its pipes, and nothing of trackers: it reads the record, not what passes here,
so that one that hangs holds up nobody and nothing piles up for it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from tuitrain.config.tracking import parse_tracker
from tuitrain.messages import AlertRaised, Event, TrainingPrepared
from tuitrain.runs.directory import RunDirectory
from tuitrain.supervisor.observers.observer import Alerts, Observer

SILENT_S = 60.0
"""A tracker that takes nothing for so long is told of."""
END_S = 10.0
"""How long the end of a run waits for what is still to be written."""
_POLL_S = 0.05
_KIND = "tracker"
_NAMES = {
    "tensorboard": "TensorBoard", "wandb": "Weights & Biases", "mlflow": "MLflow",
    "trackio": "Trackio",
}  # fmt: skip

Begin = Callable[[RunDirectory, str], "subprocess.Popen[bytes]"]
"""Starts the process that carries a run to a target."""


class Trackers(Observer):
    """Sees to the trackers that a preset names, all at once where the run's end waits for them."""

    name = "logging to trackers"

    def __init__(
        self,
        directory: RunDirectory,
        targets: Iterable[str],
        clock: Callable[[], float] = time.time,
        begin: Begin | None = None,
        *,
        silent_s: float = SILENT_S,
        end_s: float = END_S,
    ) -> None:
        """See to trackers.

        Args:
            directory: the run.
            targets: as presets name them.
            clock: seconds since the epoch.
            begin: starts the process of one.
            silent_s: how long one may take nothing before that is told.
            end_s: how long the run's end waits for them.
        """
        started = begin or begin_tracker
        self._feeds = [_Feed(directory, target, started, silent_s) for target in targets]
        self._clock, self._end_s = clock, end_s
        self._step = 0

    def recorded(self, event: Event) -> Alerts:
        """Begin once training stands: what a resume took back is off the record by then."""
        if isinstance(event, TrainingPrepared):
            self._step = event.start_step
            yield from self._alerts(feed.start() for feed in self._feeds)

    def poll(self, worker_pid: int) -> Alerts:
        """Say once of each that takes nothing any more."""
        del worker_pid
        return self._alerts(feed.fault() for feed in self._feeds)

    def ended(self) -> Alerts:
        """Wait a moment for what is still to be written; the processes themselves have longer."""
        yield from self._alerts(feed.start() for feed in self._feeds)
        for feed in self._feeds:
            feed.release()
        deadline = time.monotonic() + self._end_s
        while any(feed.is_busy() for feed in self._feeds) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        yield from self._alerts(feed.fault() for feed in self._feeds)
        yield from self._alerts(feed.rest() for feed in self._feeds)

    def close(self) -> None:
        """Let the processes come to their ends by themselves."""
        for feed in self._feeds:
            feed.close()

    def _alerts(self, texts: Iterable[str]) -> Iterator[AlertRaised]:
        for text in filter(None, texts):
            yield AlertRaised(self._clock(), self._step, _KIND, text)


class _Feed:
    """The process that carries the run to one tracker."""

    def __init__(self, directory: RunDirectory, target: str, begin: Begin, silent_s: float) -> None:
        kind = parse_tracker(target).kind
        self._name = f"logging to {_NAMES[kind]}"
        self._directory, self._target = directory, target
        self._begin, self._silent_s = begin, silent_s
        self._log = tracker_log(directory, kind)
        self._process: subprocess.Popen[bytes] | None = None
        self._said = b""
        self._heard = 0.0
        self._told = False

    def start(self) -> str:
        """Start the process, once; return why it can't be, where it can't."""
        if self._process is not None or self._told:
            return ""
        try:
            self._process = self._begin(self._directory, self._target)
        except OSError as error:
            return self._failed(f"it can't be started ({error.strerror or error})")
        self._heard = time.monotonic()
        return ""

    def is_busy(self) -> bool:
        """Return whether the process is at work; what it says is heard meanwhile."""
        self._listen()
        return self._process is not None and self._process.poll() is None

    def fault(self) -> str:
        """Return once what is wrong with the tracker; empty where nothing is."""
        busy = self.is_busy()
        if self._told or self._process is None:
            return ""
        if self._process.returncode:
            said = self._said.partition(b"!")[2].decode("utf-8", "replace").strip()
            return self._failed(
                said or f"it ended with exit code {self._process.returncode} ({self._log})"
            )
        if busy and time.monotonic() - self._heard > self._silent_s:
            self._told = True
            return (
                f"{self._name} has taken nothing for {self._silent_s:g} s; the run goes on, and "
                f"what is missing there is written once it answers ({self._log})"
            )
        return ""

    def rest(self) -> str:
        """Say that the process is not done yet, where that is so and was not told."""
        if self._told or not self.is_busy():
            return ""
        return (
            f"{self._name} has not taken all of the run yet; it has another minute, then "
            f"{self._export} does it"
        )

    def _failed(self, why: str) -> str:
        self._told = True
        return (
            f"{self._name} failed and is left out, the run goes on: {why}; {self._export} does it "
            "afterwards"
        )

    @property
    def _export(self) -> str:
        return f"`tuitrain export {self._directory.id} --to {self._target}`"

    def _listen(self) -> None:
        if self._process is None or self._process.stdout is None or self._process.stdout.closed:
            return
        with suppress(BlockingIOError):
            while said := os.read(self._process.stdout.fileno(), 65536):
                self._heard = time.monotonic()
                self._said += said
                # What says no more than that it is at work is dropped.
                self._said = self._said if b"!" in self._said else b""

    def release(self) -> None:
        """Let the process know that the run is over."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def close(self) -> None:
        """Let the process come to its end by itself."""
        self.release()
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()


def tracker_log(directory: RunDirectory, kind: str) -> Path:
    """Return where what a tracker's library prints is kept."""
    return directory.path / "trackers" / f"{kind}.log"


def begin_tracker(directory: RunDirectory, target: str) -> "subprocess.Popen[bytes]":
    """Start the process that carries a run to a tracker.

    Raises:
        OSError: it can't be started, or its log can't be written.
    """
    path = tracker_log(directory, parse_tracker(target).kind)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with path.open("ab") as log:
        process = subprocess.Popen(
            # -P: a file called random.py in the current folder must not be imported.
            [
                *(sys.executable, "-P", "-m", "tuitrain.trackers"),
                *(str(directory.path.resolve()), target),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    return process
