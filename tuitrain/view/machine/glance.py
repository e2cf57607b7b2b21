"""The machine on one line, for home: each GPU, who is on it, the host.

Pure functions of what is known of the machine.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain import units
from tuitrain.lang import tr
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.machine.seen import MachineSeen
from tuitrain.view.machine.strip import levels
from tuitrain.view.spans import Span, SpanLine, fit_line, line_width, spread_line

_STEP_PERCENT = 5
"""What is rounded to such steps stands still while a machine idles."""


def glance_line(seen: MachineSeen, width: int, look: TerminalStyle) -> SpanLine:
    """Return the machine in exactly `width` cells, with as much of each GPU as there is room for.

    Nothing moves that has not changed by much: shares are rounded to steps of 5 %.
    """
    gpus = seen.gpus
    host = _host(seen)
    room = width - line_width(host) - 1
    for drawn in ([_in_words(seen, gpu) for gpu in gpus], [_in_brief(seen, gpu) for gpu in gpus]):
        line = (Span(" "), *(span for part in drawn for span in (*part, Span("   "))))
        if line_width(line) <= room:
            whole = (*line, *host)
            key = (Span("  G", "key"), Span(tr(" machine "), "quiet"))
            fits = line_width((*whole, *key)) <= width
            return spread_line(whole, key if fits else (), width)
    cells = (Span(tr(" GPUs "), "quiet"), *_cells(seen, gpus, look), Span("   "))
    return fit_line((*cells, *host), width)


def has_moved(before: MachineSeen, after: MachineSeen) -> bool:
    """Return whether enough has changed to be shown: an idle machine never stands quite still."""
    if (before.free, _states(before), before.host) != (after.free, _states(after), after.host):
        return True
    one, other = _shares(before), _shares(after)
    return one.keys() != other.keys() or any(
        abs(one[name] - other[name]) >= _STEP_PERCENT for name in one
    )


def _states(seen: MachineSeen) -> list[tuple[bool, bool]]:
    return [(bool(gpu.get("errors")), bool(gpu.get("throttle"))) for gpu in seen.gpus]


def _shares(seen: MachineSeen) -> dict[str, float]:
    """Return all that the line says in percent, by name."""
    samples, found = seen.samples, {}
    for name, value in samples.items():
        if name.endswith(("/utilization_percent", "/cpu_percent")):
            found[name] = value
        elif name.endswith(("/memory_used_bytes", "/disk_free_bytes")):
            kind = "memory_total" if "memory" in name else "disk_total"
            total = samples.get(f"{name.rpartition('/')[0]}/{kind}_bytes")
            if total:
                found[name] = 100 * value / total
    return found


def _in_words(seen: MachineSeen, gpu: Mapping[str, Any]) -> SpanLine:
    prefix = f"gpu{gpu['index']}"
    used, total = (seen.samples.get(f"{prefix}/memory_{end}_bytes") for end in ("used", "total"))
    memory = units.NOTHING if used is None or not total else units.of_total(used, total)
    brief = _in_brief(seen, gpu)
    return (*brief, Span(f" {memory.removesuffix('iB').replace(' ', '')}", "quiet"))


def _in_brief(seen: MachineSeen, gpu: Mapping[str, Any]) -> SpanLine:
    number = Span(f"GPU {gpu['index']} ", "quiet")
    if gpu.get("errors") and f"gpu{gpu['index']}/memory_total_bytes" not in seen.samples:
        return (number, Span(tr("lost"), "bad"))
    if gpu["index"] in seen.free:
        return (number, Span(tr("free"), "good"))
    busy = seen.samples.get(f"gpu{gpu['index']}/utilization_percent")
    words = tr("in use") if busy is None else f"{_rounded(busy)}%"
    return (number, Span(words, "alert" if gpu.get("throttle") else ""))


def _cells(seen: MachineSeen, gpus: Sequence[Mapping[str, Any]], look: TerminalStyle) -> list[Span]:
    """Return a cell a GPU: how busy it is, in the colour of whether it is free."""
    spans = []
    for gpu in gpus:
        busy = seen.samples.get(f"gpu{gpu['index']}/utilization_percent", 0.0)
        free = gpu["index"] in seen.free
        style = "good" if free else "alert" if gpu.get("throttle") else "line0"
        spans.append(Span(levels([_rounded(busy)], 100.0, look), style))
    return spans


def _rounded(percent: float) -> int:
    return _STEP_PERCENT * round(percent / _STEP_PERCENT)


def _host(seen: MachineSeen) -> SpanLine:
    spans: list[Span] = []
    busy = seen.samples.get("host/cpu_percent")
    if busy is not None:
        spans += [Span(tr("CPU "), "quiet"), Span(f"{_rounded(busy)}%   ")]
    used, total = (seen.samples.get(f"host/memory_{end}_bytes") for end in ("used", "total"))
    if used is not None and total:
        spans += [Span("RAM ", "quiet"), Span(f"{_rounded(100 * used / total)}%   ")]
    free, total = (seen.samples.get(f"host/disk_{end}_bytes") for end in (tr("free"), "total"))
    if free is not None and total:
        spans += [
            Span(tr("disk "), "quiet"),
            Span(tr("{free}% full", free=_rounded(100 - 100 * free / total))),
        ]
    return tuple(spans)
