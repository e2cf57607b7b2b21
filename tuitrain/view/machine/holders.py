"""Who holds the devices that a run may be started on, in lines.

Pure functions of what is known of the machine.
"""

from collections.abc import Mapping

from tuitrain.lang import tr
from tuitrain.view.format import sanitise
from tuitrain.view.machine.gpus import holders
from tuitrain.view.machine.seen import MachineSeen
from tuitrain.view.spans import Span, SpanLine, wrap_plain

_SHOWN = 4
"""Devices that have a line each; of more, the one that is meant and those that are free."""


def holder_lines(
    seen: MachineSeen, places: Mapping[str, str], meant: str, width: int
) -> list[SpanLine]:
    """Return who holds each device, the one that is meant first.

    Args:
        seen: the machine.
        places: the prefix of the readings of each device, by the name that a run gives it.
        meant: the device that the run would train on.
        width: in cells.
    """
    known = {name: _index(prefix) for name, prefix in places.items()}
    names = sorted(known, key=lambda name: name != meant)
    shown = [name for name in names if name == meant or len(names) <= _SHOWN]
    lines = [line for name in shown for line in _line(seen, name, known[name], width)]
    others = [name for name in names if name not in shown and known[name] in seen.free]
    if others:
        lines += wrap_plain(
            tr("free: {names}", names=", ".join(map(sanitise, others))), width, "good"
        )
    return lines


def _index(prefix: str) -> int:
    return int(prefix.partition("/")[0].removeprefix("gpu"))


def _line(seen: MachineSeen, name: str, index: int, width: int) -> list[SpanLine]:
    free = index in seen.free
    lines = wrap_plain(
        f"{sanitise(name)} {holders(seen, index)}", width, "good" if free else "alert"
    )
    head = sanitise(name)
    first = lines[0][0]
    if not first.text.startswith(head):
        return lines
    return [(Span(head, "label"), first._replace(text=first.text[len(head) :])), *lines[1:]]
