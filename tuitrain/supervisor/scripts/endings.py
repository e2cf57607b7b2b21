"""How a script ended, from its exit code and the last that it wrote.

Knows logs and tracebacks as Python writes them; nothing of processes.
"""

import contextlib
import re
import signal
from pathlib import Path

from tuitrain.failures.signals import SIGNAL_HINTS
from tuitrain.messages import TrainingEnded
from tuitrain.runs.log import LogFile

_TAIL_BYTES = 65536
_TRACEBACK = "Traceback (most recent call last):"
_RAISED = re.compile(r"^[A-Za-z_][\w.]*(: .*)?$")
"""What ends a traceback, whose other lines are indented."""
_LAST_LINES = 10


def ending_of(
    code: int | None, stopped: bool, time_s: float, step: int, log_path: Path
) -> TrainingEnded:
    """Return the end of a script as an event.

    Args:
        code: what it ended with; minus the signal's number where it was killed.
        stopped: it was asked to stop.
        time_s: seconds since the epoch.
        step: its last one.
        log_path: what it wrote.
    """
    how = _how(code)
    if stopped:
        return TrainingEnded(time_s, step, "stopped", f"by command; the script {how}")
    if code == 0:
        return TrainingEnded(time_s, step, "finished", f"the script {how}")
    lines = _tail(log_path)
    begun = max((n for n, line in enumerate(lines) if line.startswith(_TRACEBACK)), default=None)
    trace = lines[-_LAST_LINES:] if begun is None else lines[begun:]
    raised = "" if begun is None else next(filter(_RAISED.match, trace[1:]), "")
    reason = f"{raised} (the script {how})" if raised else f"the script {how}"
    return TrainingEnded(time_s, step, "failed", reason, "\n".join(trace))


def _how(code: int | None) -> str:
    if code is None:
        return "is gone, without a word on how it ended"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = SIGNAL_HINTS.get(name)
    return f"was ended by {name}{f', {hint}' if hint else ''}"


def _tail(path: Path) -> list[str]:
    with contextlib.suppress(OSError):
        lines = LogFile(path).tail(_TAIL_BYTES).lines
        return [line.decode("utf-8", errors="replace").rstrip() for _place, line in lines]
    return []
