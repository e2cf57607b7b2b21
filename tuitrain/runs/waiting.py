"""Why a live run does not answer yet: what its processes and its record say.

Knows nothing of what was asked of it.
"""

import socket
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tuitrain.file_lock import is_held, read_holder
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader

TOLD_AFTER_S = 3.0
"""A step takes less than this nearly always; so does all that is done between two."""
_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Delay:
    """Why an answer takes long."""

    kind: str
    """The same for as long as the reason is the same."""
    text: str


class Patience:
    """Says what is waited for: after a few seconds, when that changes, and once a minute."""

    def __init__(
        self,
        directory: RunDirectory,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to wait.

        Args:
            directory: the run.
            tell: is told in a sentence.
            clock: seconds.
        """
        self._directory = directory
        self._tell = tell
        self._clock = clock
        self._due = clock() + TOLD_AFTER_S
        self._kind = ""
        self._told_at = 0.0

    def poll(self) -> None:
        """Tell why nothing has come yet, where it is time to."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + 1.0
        delay = find_delay(self._directory)
        if delay.kind != self._kind or now >= self._told_at + _AGAIN_S:
            self._kind, self._told_at = delay.kind, now
            self._tell(delay.text)


def find_delay(directory: RunDirectory, clock: Callable[[], float] = time.time) -> Delay:
    """Return why a live run does not answer.

    Args:
        directory: the run.
        clock: seconds since the epoch.

    Raises:
        RecordError: the database can't be read.
    """
    for who, path in (
        ("supervisor", directory.lock_path),
        ("worker", directory.worker_lock_path),
    ):
        stopped = _stopped(who, path)
        if stopped is not None:
            return stopped
    with closing(RunReader(directory, clock)) as reader:
        return _busy(reader, reader.recorded_now(clock()))


def _stopped(who: str, path: Path) -> Delay | None:
    """Return that a process takes no part until somebody lets it, if so."""
    import psutil

    holder = read_holder(path) if is_held(path) else None
    if holder is None:
        return None
    if holder.host != socket.gethostname():
        return Delay(f"{who} elsewhere", f"its {who} is process {holder.pid} on {holder.host}")
    try:
        state = psutil.Process(holder.pid).status()
    except psutil.Error:
        return None
    if state not in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP):
        return None
    letter = "T" if state == psutil.STATUS_STOPPED else "t"
    how = f"`kill -CONT {holder.pid}` lets it go on"
    if letter == "t":
        how = "a debugger holds it"
    text = f"its {who}, process {holder.pid}, is stopped (state {letter}): {how}"
    return Delay(f"{who} stopped", text)


def _busy(reader: RunReader, now: float) -> Delay:
    state, progress = reader.states()[-1], reader.steps.progress()
    if state.state != "running":
        for_s = max(0.0, now - state.time)
        doing = f": {state.reason}" if state.reason else ""
        return Delay(
            f"{state.state} {state.reason}", f"it is {state.state}{doing}, for {for_s:.0f} s"
        )
    step, since = (progress.step, progress.time) if progress else (0, state.time)
    evaluated = reader.entries.evaluation_times()[-1:]
    for_s = max(0.0, now - max(since, state.time, *evaluated))
    doing = "evaluation" if _evaluates(reader, step) else "step"
    return Delay(
        doing, f"its worker has been busy with one {doing} for {for_s:.0f} s, after step {step}"
    )


def _evaluates(reader: RunReader, step: int) -> bool:
    """Say whether an evaluation comes after `step` that is not on record."""
    meta, train = reader.meta(), reader.config().get("train", {})
    epoch_steps = int(meta.get("steps_per_epoch") or 0)
    periods = (
        int(train.get("evaluate_every_epochs", 0)) * epoch_steps,
        int(train.get("evaluate_every_steps", 0)),
    )
    due = step == meta.get("total_steps") or any(n and step % n == 0 for n in periods)
    done = reader.entries.evaluated(step)
    return bool(step) and due and (not done or done[-1][0] < step)
