"""The process that carries a run to one tracker: `python -m tuitrain.trackers RUN TARGET`.

Of low priority, and the only one that loads the tracker's library. It says `.` on standard output
whenever it is at work, and `!` with a line where it gives up; it ends with whoever holds the other
end of its standard input, after what is still to be written.
"""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

_NICENESS = 10
_LOOK_S = 0.5
CLOSE_S = 60.0
"""How long a tracker may take over what is left, once the run is over."""


def main(arguments: list[str]) -> int:
    """Follow the run; return the exit code."""
    os.nice(_NICENESS)
    # A group of its own, which is killed where a library hangs; where this fails it has one.
    with contextlib.suppress(PermissionError):
        os.setsid()
    # Ctrl-C is meant for the run, whose end is this one's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_limit, daemon=True).start()
    # Libraries print: what they say goes to the log, the way back is ours alone.
    back = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(2, 1)
    from tuitrain.config.tracking import parse_tracker
    from tuitrain.errors import TuitrainError
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.trackers.follow import follow

    def say(text: str) -> None:
        # Nobody listens any more once the supervisor is gone.
        try:
            back.write(text)
            back.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), back.fileno())

    run, target = arguments
    try:
        follow(RunDirectory(Path(run)), parse_tracker(target), _is_over, lambda: say("."))
    except TuitrainError as error:
        say(f"!{' '.join(str(error).split())}\n")
        return 1
    except Exception as error:  # whatever a tracker's library raises; its trace is in the log
        say(f"!{type(error).__name__}: {' '.join(str(error).split())}\n")
        raise
    return 0


def _is_over(wait_s: float | None = _LOOK_S) -> bool:
    """Wait a moment; return whether nobody holds the other end of standard input any more."""
    ready, _, _ = select.select([sys.stdin], [], [], wait_s)
    return bool(ready)


def _limit() -> None:
    """Kill this process and what it started, a while after the run is over: a library may hang."""
    _is_over(None)
    time.sleep(CLOSE_S)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
