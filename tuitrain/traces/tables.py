"""Operators added up: by their name, by module, by source line, each with its call sites.

Knows nested events and their places; nothing of how a table is shown.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tuitrain.traces.events import HostEvent, Trace
from tuitrain.traces.places import Place, Places

GROUPINGS = ("operator", "module", "line")
_MOST_ROWS = 400
_MOST_SITES = 6
_LONGEST_NAME = 300


@dataclass(slots=True)
class _Sum:
    calls: int = 0
    self_us: float = 0.0
    device_us: float = 0.0

    def add(self, event: HostEvent) -> None:
        self.calls += 1
        self.self_us += event.self_us
        self.device_us += event.device_us


@dataclass(slots=True)
class _Row:
    own: _Sum = field(default_factory=_Sum)
    total_us: float = 0.0
    total_device_us: float = 0.0
    host_bytes: int = 0
    device_bytes: int = 0
    backward: _Sum = field(default_factory=_Sum)
    shapes: Counter[str] = field(default_factory=Counter)
    sites: dict[tuple[str, str, str], _Sum] = field(default_factory=dict)
    """By module, line and shapes; in the other groupings by operator."""


def build_tables(trace: Trace) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every grouping, the costliest first, times a step.

    By itself an operator's time counts once, for its own row; in all it counts once for each row
    that it is part of: so a module has the time of its parts, an operator of those it calls.
    """
    rows: dict[str, dict[str, _Row]] = {name: {} for name in GROUPINGS}
    places = Places(trace)
    for events in trace.host.values():
        for event in events:
            if event.is_work and event.in_step:
                _add(rows, event, places.of(event))
    number = len(trace.steps)
    return {name: _plain_rows(found, number) for name, found in rows.items()}


def _add(rows: dict[str, dict[str, _Row]], event: HostEvent, place: Place) -> None:
    names = _operators_around(event)
    module, line = place.modules[0], place.lines[0]
    _add_to(rows["operator"], event, names, (module, line, event.shapes))
    _add_to(rows["module"], event, place.modules, (event.name, "", ""))
    _add_to(rows["line"], event, place.lines, (event.name, "", ""))


def _operators_around(event: HostEvent) -> tuple[str, ...]:
    names = [event.name]
    around = event.in_operator
    while around is not None:
        names.append(around.name)
        around = around.in_operator
    return tuple(names)


def _add_to(
    rows: dict[str, _Row], event: HostEvent, names: tuple[str, ...], site: tuple[str, str, str]
) -> None:
    row = rows.setdefault(names[0], _Row())
    row.own.add(event)
    row.host_bytes += event.host_bytes
    row.device_bytes += event.device_bytes
    if event.backward is not None:
        row.backward.add(event)
    if event.shapes:
        row.shapes[event.shapes] += 1
    row.sites.setdefault(site, _Sum()).add(event)
    for name in dict.fromkeys(names):
        whole = rows.setdefault(name, _Row())
        whole.total_us += event.self_us
        whole.total_device_us += event.device_us


def _plain_rows(rows: dict[str, _Row], steps: int) -> list[dict[str, Any]]:
    def cost(item: tuple[str, _Row]) -> tuple[float, float, float]:
        row = item[1]
        return (-row.own.device_us - row.own.self_us, -row.total_us, -row.own.calls)

    return [_plain(name, row, steps) for name, row in sorted(rows.items(), key=cost)[:_MOST_ROWS]]


def _plain(name: str, row: _Row, steps: int) -> dict[str, Any]:
    own = row.own
    return {
        "name": name[:_LONGEST_NAME],
        "calls": own.calls / steps,
        "self_us": own.self_us / steps,
        "total_us": row.total_us / steps,
        "self_device_us": own.device_us / steps,
        "total_device_us": row.total_device_us / steps,
        "host_bytes": row.host_bytes / steps,
        "device_bytes": row.device_bytes / steps,
        "backward_share": _backward_share(row),
        "shapes": [[shape, number / steps] for shape, number in row.shapes.most_common(3)],
        "sites": _plain_sites(row, steps),
    }


def _backward_share(row: _Row) -> float:
    """Return how much of the time is the backward pass: the device's time where there is any."""
    own, backward = row.own, row.backward
    if own.device_us:
        return backward.device_us / own.device_us
    return backward.self_us / own.self_us if own.self_us > 0 else 0.0


def _plain_sites(row: _Row, steps: int) -> list[dict[str, Any]]:
    costly = sorted(row.sites.items(), key=lambda item: -item[1].device_us - item[1].self_us)
    return [
        {
            "names": [name[:_LONGEST_NAME] for name in names if name],
            "calls": own.calls / steps,
            "self_us": own.self_us / steps,
            "self_device_us": own.device_us / steps,
        }
        for names, own in costly[:_MOST_SITES]
    ]
