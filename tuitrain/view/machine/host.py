"""The host in lines: processor, cores at a glance, memory, disk and network, now and of late.

Pure functions of what is known of the machine.
"""

import math

from tuitrain import units
from tuitrain.lang import term, tr
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import display_width, pad, sanitise
from tuitrain.view.machine.seen import MachineSeen
from tuitrain.view.machine.strip import averages, levels, strip, tall
from tuitrain.view.run.runtext import rule
from tuitrain.view.spans import Span, SpanLine, fit_line, line_width

_LABEL = 6
_VALUE = 13
_LEAST_STRIP = 8
_TALL_ROWS = 4


def host_lines(
    seen: MachineSeen, width: int, look: TerminalStyle, *, alone: bool
) -> list[SpanLine]:
    """Return the host.

    Args:
        seen: the machine.
        width: in cells.
        look: what the terminal can show.
        alone: there is no GPU, so that there is room for more.
    """
    return [
        _title(seen, width, look),
        *_share("CPU", _percent(seen), seen, "host/cpu_percent", 100.0, width, look, alone),
        *_cores(seen, width, look),
        *_memory(seen, width, look, alone),
        *_flows(seen, width, look),
    ]


def _title(seen: MachineSeen, width: int, look: TerminalStyle) -> SpanLine:
    load = seen.samples.get("host/load_1min")
    cores = (seen.facts.get("host") or {}).get("cores") or len(seen.cores)
    said = [
        tr("{cores} cores", cores=cores) if cores else "",
        "" if load is None else tr("load {load:.1f}", load=load),
    ]
    values = (Span(", ".join(filter(None, said)), "quiet"),)
    name = tr("host {host}", host=sanitise(seen.host)).rstrip()
    return rule(name, values, width, focused=False, dash="-" if look.ascii else "─")


def _percent(seen: MachineSeen) -> str:
    value = seen.samples.get("host/cpu_percent")
    return units.NOTHING if value is None else f"{value:.0f}%"


def _share(
    label: str,
    words: str,
    seen: MachineSeen,
    name: str,
    top: float,
    width: int,
    look: TerminalStyle,
    in_full: bool,
) -> list[SpanLine]:
    head = (Span(pad(label, _LABEL), "quiet"), Span(pad(words, _VALUE)))
    room, history = width - line_width(head) - 1, seen.history
    if room < _LEAST_STRIP:
        return [head]
    style = "line0" if name == "host/cpu_percent" else "line1"
    if not in_full:
        drawn = strip(
            history.of(name), room, top, look, taken=history.taken, most=history.most
        )  # fmt: skip
        return [(*head, Span(f" {drawn}", style))]
    values = averages(history.of(name), room, history.taken, history.most)
    rows = tall(values, top, _TALL_ROWS, look)
    blank = (Span(" " * line_width(head)),)
    heads = [head, *[blank] * (len(rows) - 1)]
    return [(*before, Span(f" {row}", style)) for before, row in zip(heads, rows, strict=True)]


def _cores(seen: MachineSeen, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return a cell a core, as many in a row as fit."""
    room = width - _LABEL
    rows = [seen.cores[first : first + room] for first in range(0, len(seen.cores), room)]
    labels = [tr("cores"), *[""] * len(rows)]
    return [
        (Span(pad(label, _LABEL), "quiet"), Span(levels(row, 100.0, look), "line0"))
        for label, row in zip(labels, rows, strict=False)
    ]


def _memory(seen: MachineSeen, width: int, look: TerminalStyle, alone: bool) -> list[SpanLine]:
    used, total = _pair(seen, "memory")
    lines: list[SpanLine] = []
    if used is not None and total:
        limited = bool((seen.facts.get("host") or {}).get("limited"))
        words = units.of_total(used, total)
        lines += _share("RAM", words, seen, "host/memory_used_bytes", total, width, look, alone)
        if limited:
            lines.append((Span(" " * _LABEL + tr("this container's or job's share"), "quiet"),))
    parts = []
    for words, name in ((tr("swap"), tr("swap")), ("/dev/shm", "shm")):
        used, total = _pair(seen, name)
        if used is not None and total:
            parts.append(f"{words} {units.of_total(used, total)}")
    free, total = (seen.samples.get(f"host/disk_{end}_bytes") for end in ("free", "total"))
    if free is not None and total:
        parts.append(tr("runs' disk {free} free", free=units.of_total(free, total)))
    return lines + _beside(parts, width)


def _pair(seen: MachineSeen, name: str) -> tuple[float | None, float | None]:
    used, total = (seen.samples.get(f"host/{name}_{end}_bytes") for end in ("used", "total"))
    return used, total


def _beside(parts: list[str], width: int) -> list[SpanLine]:
    """Return words beside each other, on as many lines as they take."""
    lines, row = [], ""
    for part in parts:
        if row and display_width(row) + display_width(part) + 3 > width - _LABEL:
            lines.append(row)
            row = ""
        row = f"{row}   {part}" if row else part
    rows = [*lines, row] if row else lines
    return [(Span(f"{'':<{_LABEL}}{words}"),) for words in rows]


_FLOWS = (
    (term("disk"), ((term("read"), "disk_read"), (term("write"), "disk_write"))),
    (term("net"), ((term("in"), "net_received"), (term("out"), "net_sent"))),
)


def _flows(seen: MachineSeen, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return what goes to and from disks and networks, each way beside the other."""
    lines = []
    left = (width - _LABEL - 2) // 2
    for label, ways in _FLOWS:
        parts = [_flow(seen, side, name, left, look) for side, name in ways]
        if any(parts):
            first, second = (fit_line(part, left) for part in parts)
            lines.append((Span(pad(tr(label), _LABEL), "quiet"), *first, Span("  "), *second))
    return lines


def _flow(seen: MachineSeen, side: str, name: str, width: int, look: TerminalStyle) -> SpanLine:
    full = f"host/{name}_bytes_per_s"
    value, history = seen.samples.get(full), seen.history
    if value is None:
        return ()
    head = (Span(pad(tr(side), 6), "quiet"), Span(f"{units.rough_size(value)}/s".ljust(12)))
    room = width - line_width(head)
    if room < _LEAST_STRIP:
        return head
    top = max(filter(math.isfinite, history.of(full)), default=0.0)
    drawn = strip(
        history.of(full), room, top, look, taken=history.taken, most=history.most
    )  # fmt: skip
    return (*head, Span(drawn, "line2"))
