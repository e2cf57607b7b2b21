"""What the device did in the profiled steps: busy, idle, its gaps, its kernels and copies.

Knows nested events; nothing of tables of operators.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from tuitrain.traces.events import DeviceEvent, HostEvent, Trace

Span = tuple[float, float]

_MOST_GAPS, _MOST_KERNELS = 20, 100
_LONGEST_NAME = 400
_IN_NO_OPERATOR = "python, outside operators"


def describe_device(trace: Trace) -> dict[str, Any] | None:
    """Return what the busiest device did, None where no device took part."""
    by_device: dict[int, list[DeviceEvent]] = {}
    for event in trace.device:
        by_device.setdefault(event.device, []).append(event)
    found = {number: _clip(_union(events), trace.windows) for number, events in by_device.items()}
    busy_us = {number: _length(spans) for number, spans in found.items()}
    number = max(busy_us, key=lambda each: busy_us[each], default=None)
    if number is None:
        return None
    gaps = _gaps(found[number], trace.windows)
    steps = len(trace.steps)
    return {
        "number": number,
        "busy_us": busy_us[number] / steps,
        "idle_us": (trace.window_us - busy_us[number]) / steps,
        "idle_share": 1 - busy_us[number] / trace.window_us,
        "gap_count": len(gaps) / steps,
        "gaps": [_describe_gap(trace, gap) for gap in _longest(gaps)],
        "kernels": _group(by_device[number], trace, "kernel"),
        "copies": _group(by_device[number], trace, "copy"),
    }


def _union(events: Iterable[DeviceEvent]) -> list[Span]:
    """Return when at least one stream worked."""
    spans: list[Span] = []
    for event in sorted(events, key=lambda each: each.start):
        if spans and event.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], event.end))
        else:
            spans.append((event.start, event.end))
    return spans


def _clip(spans: Sequence[Span], windows: Sequence[Span]) -> list[Span]:
    """Return the parts of ordered spans that lie in ordered windows."""
    clipped: list[Span] = []
    place = 0
    for start, end in windows:
        while place < len(spans) and spans[place][1] <= start:
            place += 1
        here = place
        while here < len(spans) and spans[here][0] < end:
            clipped.append((max(start, spans[here][0]), min(end, spans[here][1])))
            here += 1
    return clipped


def _length(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)


def _gaps(busy: Sequence[Span], windows: Sequence[Span]) -> list[Span]:
    """Return what of the windows is not busy."""
    gaps: list[Span] = []
    for start, end in windows:
        at = start
        for first, last in busy:
            if first >= end or last <= start:
                continue
            if first > at:
                gaps.append((at, first))
            at = max(at, last)
        if at < end:
            gaps.append((at, end))
    return gaps


def _longest(gaps: Sequence[Span]) -> list[Span]:
    return sorted(gaps, key=lambda gap: gap[0] - gap[1])[:_MOST_GAPS]


def _describe_gap(trace: Trace, gap: Span) -> dict[str, Any]:
    start, end = gap
    step = next((place for place, each in enumerate(trace.steps) if each.end > start), 0)
    return {
        "after_us": start - trace.steps[step].start,
        "step": step,
        "duration_us": end - start,
        "host": _host_meanwhile(trace.host[trace.main_thread], start, end),
    }


def _host_meanwhile(events: Sequence[HostEvent], start: float, end: float) -> str:
    """Say what the thread that takes the steps did for most of a span."""
    time_in: dict[int, float] = {}
    known: dict[int, HostEvent] = {}
    for event in events:
        if event.start >= end:
            break
        inside = min(event.end, end) - max(event.start, start)
        if inside <= 0:
            continue
        known[id(event)] = event
        time_in[id(event)] = time_in.get(id(event), 0.0) + inside
        if event.parent is not None:
            time_in[id(event.parent)] = time_in.get(id(event.parent), 0.0) - inside
    longest = max(known, key=lambda each: time_in[each], default=None)
    return _describe_host(known[longest]) if longest is not None else "nothing that was recorded"


def _describe_host(event: HostEvent) -> str:
    words = event.name if event.is_work or event.kind == "python" else _IN_NO_OPERATOR
    if event.kind == "runtime" and event.in_operator is not None:
        words = f"{words} in {event.in_operator.name}"
    return f"{words}, {event.in_module.name}" if event.in_module is not None else words


def _group(events: Iterable[DeviceEvent], trace: Trace, kind: str) -> list[dict[str, Any]]:
    """Add up what operators of the steps started, by name."""
    groups: dict[str, list[DeviceEvent]] = {}
    for event in events:
        owner = event.owner
        ours = trace.is_in_step(event.start) if owner is None else owner.in_step
        if event.kind == kind and ours:
            groups.setdefault(event.name, []).append(event)
    steps = len(trace.steps)
    rows = [_group_row(name, found, steps) for name, found in groups.items()]
    return sorted(rows, key=lambda row: -row["total_us"])[:_MOST_KERNELS]


def _group_row(name: str, events: Sequence[DeviceEvent], steps: int) -> dict[str, Any]:
    times = [event.end - event.start for event in events]
    owners = {event.owner.name for event in events if event.owner is not None}
    return {
        "name": name[:_LONGEST_NAME],
        "calls": len(events) / steps,
        "total_us": sum(times) / steps,
        "mean_us": sum(times) / len(times),
        "longest_us": max(times),
        "bytes": sum(event.bytes for event in events) / steps,
        "operators": sorted(owners)[:3],
    }
