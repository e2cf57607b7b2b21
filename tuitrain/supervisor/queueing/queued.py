"""A supervisor before its worker: the run is on record as queued, and hears commands and signals.

Knows the record, and what is waited for as something that is looked at once a second.
"""

import signal
import time
from collections.abc import Callable, Mapping

from tuitrain.errors import EXIT_INTERRUPTED, EXIT_TERMINATED
from tuitrain.messages import Stop
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.queueing.turn import Turn
from tuitrain.supervisor.requests import request_of
from tuitrain.supervisor.signals import Signals

_LOOK_S = 0.25
_TURN_EVERY = 4
_ENDS: Mapping[int, tuple[int, str]] = {
    signal.SIGINT: (EXIT_INTERRUPTED, "interrupted while it waited in the queue"),
    signal.SIGTERM: (EXIT_TERMINATED, "terminated while it waited in the queue"),
}


def wait_for_turn(
    turn: Turn,
    writer: RunWriter,
    signals: Signals,
    clock: Callable[[], float],
    tell: Callable[[str], None],
) -> int | None:
    """Wait; return None once the places are held, or what to end with where that is not wanted.

    Args:
        turn: is waited for.
        writer: of the run's record.
        signals: of this process.
        clock: gives the times on record.
        tell: is told what is waited for.

    Raises:
        RecordError: the record can't be written.
        FolderError: the folder of leases can't be.
    """
    said: str | None = None
    looks = 0
    while True:
        if looks % _TURN_EVERY == 0 and turn.poll():
            return None
        looks += 1
        if turn.words != said:
            writer.begin_waiting(clock(), turn.words)
            tell(turn.words)
            said = turn.words
        end = _asked_to_end(writer, signals, clock)
        if end is not None:
            code, reason = end
            writer.change_state(clock(), "stopped", reason, at_rest=True)
            return code
        time.sleep(_LOOK_S)


def _asked_to_end(
    writer: RunWriter, signals: Signals, clock: Callable[[], float]
) -> tuple[int, str] | None:
    ends = [_ENDS[number] for number in signals.take() if number in _ENDS]
    for row in writer.commands.take(clock()):
        try:
            stops = isinstance(request_of(row), Stop)
        except ValueError:
            stops = False
        if stops:
            ends.append((EXIT_INTERRUPTED, "cancelled while it waited in the queue"))
        outcome = "done" if stops else "refused"
        text = "left the queue" if stops else f"{row.kind}: it waits in the queue, with no worker"
        writer.commands.finish(row.id, clock(), outcome, text)
    return ends[0] if ends else None
