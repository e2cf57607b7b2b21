"""The run screen's column of devices: what fits of them in a few rows of 18 cells or more.

Pure functions of readings and facts; knows no widget.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuitrain import units
from tuitrain.analysis.memory_breakdown import FREE, MemoryBreakdown, gpu_facts, memory_breakdowns
from tuitrain.lang import said, tr
from tuitrain.view import format as text
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.devicetext import (
    activity,
    clocks,
    throttle_words,
)
from tuitrain.view.memory.bar import bar_spans, detail_text, legend_mark, title_text
from tuitrain.view.spans import Span, SpanLine, wrap_plain

_WIDE = 30
_MOST_ERROR_LINES = 3
_HOST_ROWS = 2


@dataclass(frozen=True, slots=True)
class Devices:
    """What is known of the devices at one moment."""

    samples: Mapping[str, float]
    facts: Mapping[str, Any]
    training: str | None
    """Prefix of the device that the worker trains on."""
    as_of: float | None = None
    """When the readings were taken, where nobody reads any more; None: they are of now."""

    def gpu(self, prefix: str) -> Mapping[str, Any]:
        """Return the facts of the GPU that a prefix belongs to."""
        index = prefix.partition("/")[0].removeprefix("gpu")
        found = gpu_facts(self.samples, self.facts)
        return next((gpu for gpu in found if str(gpu["index"]) == index), {})

    def bars(self) -> list[MemoryBreakdown]:
        """Return the bars of GPUs and slices, the one that is trained on first; then the host's."""
        bars = memory_breakdowns(self.samples, self.facts, self.training)
        return sorted(bars, key=lambda bar: (bar.prefix == "host", bar.prefix != self.training))


def side_title(devices: Devices) -> str:
    """Return what the column is headed with."""
    bars = [bar for bar in devices.bars() if bar.prefix != "host"]
    known = gpu_facts(devices.samples, devices.facts)
    if len(known) > 1 or len(bars) > 1:
        return "GPUs"
    if known:
        return title_text(bars[0]) if bars else f"GPU {known[0]['index']}"
    return tr("host")


def side_lines(devices: Devices, width: int, rows: int, look: TerminalStyle) -> list[SpanLine]:
    """Return the devices in about `rows` lines: one in full, several in two lines or one each."""
    bars = devices.bars()
    gpus = [bar for bar in bars if bar.prefix != "host"]
    host = next((bar for bar in bars if bar.prefix == "host"), None)
    lines = [*as_of_lines(devices, width), *_trouble(devices, width)]
    if not gpus:
        lines += _host_alone(devices, host, width, look) if host else []
        return lines or [(Span(tr("no readings yet"), "quiet"),)]
    if len(gpus) == 1:
        lines += _one(devices, gpus[0], width, look)
    else:
        lines += _several(devices, gpus, width, rows - _HOST_ROWS - len(lines), look)
    return lines + _host_below(devices, host)


def memory_line(devices: Devices, width: int) -> SpanLine:
    """Return the devices' memory on one line, for a terminal without room for a column.

    The one that is trained on comes first; what doesn't fit in `width` is left out whole.
    """
    parts: list[str] = []
    for bar in devices.bars():
        number = bar.prefix.removeprefix("gpu").replace("/mig", ".")
        name = "RAM" if bar.prefix == "host" else f"GPU {number}"
        slow = f" {tr('throttled')}" if _is_throttled(devices, bar) else ""
        parts.append(f"{name} {units.of_total(bar.used_bytes, bar.total_bytes)}{slow}")
    worker = devices.samples.get("host/worker_rss_bytes")
    if worker is not None:
        parts.append(f"{tr('worker')} {units.size(worker)}")
    then = f"{_as_of(devices.as_of)}:  " if devices.as_of is not None and parts else ""
    while len(parts) > 1 and text.display_width(then + "  ".join(parts)) >= width:
        parts.pop()
    return (Span(f" {then}{'  '.join(parts)}", "quiet"),)


def as_of_lines(devices: Devices, width: int) -> list[SpanLine]:
    """Say of which time the readings are, where they are not of now."""
    if devices.as_of is None:
        return []
    long = tr("last reading {time}", time=_clock(devices.as_of, "%Y-%m-%d %H:%M"))
    words = long if width >= text.display_width(long) else _as_of(devices.as_of)
    return [(Span(words, "quiet"),)]


def _as_of(time_s: float) -> str:
    return tr("as of {time}", time=_clock(time_s, "%m-%d %H:%M"))


def _clock(time_s: float, form: str) -> str:
    return time.strftime(form, time.localtime(time_s))


def _trouble(devices: Devices, width: int) -> list[SpanLine]:
    """Say what is wrong with the driver, or with GPUs of which nothing can be read."""
    facts, lines = devices.facts, []
    if facts.get("trouble"):
        lines = wrap_plain(said(str(facts["trouble"])), width, "bad")
    else:
        for gpu in facts.get("gpus") or ():
            if f"gpu{gpu['index']}/memory_total_bytes" not in devices.samples and gpu["errors"]:
                lines += wrap_plain(f"GPU {gpu['index']}: {gpu['errors'][0]}", width, "bad")
    return lines[:_MOST_ERROR_LINES]


# --- one GPU ----------------------------------------------------------------------------------


def _one(devices: Devices, bar: MemoryBreakdown, width: int, look: TerminalStyle) -> list[SpanLine]:
    samples, card = devices.samples, bar.prefix.partition("/")[0]
    facts = devices.gpu(bar.prefix)
    lines: list[SpanLine] = []
    said = activity(samples, card)
    if text.display_width(said) > width:
        said = activity(samples, card, gap=" ")
    if said:
        lines.append((Span(said, "alert" if _is_throttled(devices, bar) else ""),))
    if "/" in bar.prefix:
        lines.append((Span(text.shorten(f"{tr('slice')} {_profile(bar)}", width), "quiet"),))
    lines += [
        (Span(text.shorten(f"! {words}", width), "alert"),) for words in throttle_words(facts)
    ]
    lines += _filled(bar, width, look)
    if width >= _WIDE and (more := clocks(samples, card)):
        lines += wrap_plain(more, width, "quiet")
    return lines


def _filled(bar: MemoryBreakdown, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return how full a memory is: in numbers, as a bar, part by part."""
    lines: list[SpanLine] = [
        (
            Span(tr("mem ") if bar.prefix == "host" else f"{tr('mem')} ", "quiet"),
            Span(units.of_total(bar.used_bytes, bar.total_bytes)),
        ),
        bar_spans(bar, width, look),
    ]
    for part in bar.parts:
        if part.name == FREE:
            continue
        name = Span(f" {text.pad(tr(part.name), 8)}", "quiet")
        size = Span(f"{units.size(part.bytes):>8}")
        detail = f" {detail_text(part)}".rstrip() if width >= _WIDE else ""
        room = max(0, width - 18)
        who = Span(text.shorten(detail, room), "quiet")
        lines.append((legend_mark(part.name, look), name, size, who))
    return lines


# --- several ----------------------------------------------------------------------------------


def _several(
    devices: Devices, gpus: list[MemoryBreakdown], width: int, rows: int, look: TerminalStyle
) -> list[SpanLine]:
    if 2 * len(gpus) <= rows:
        return [line for bar in gpus for line in _in_two(devices, bar, width, look)]
    shown = gpus if len(gpus) <= rows else gpus[: max(1, rows - 1)]
    lines = [_in_one(devices, bar) for bar in shown]
    if len(shown) < len(gpus):
        lines.append((Span(tr("and {n} more: M", n=len(gpus) - len(shown)), "quiet"),))
    return lines


def _head(devices: Devices, bar: MemoryBreakdown) -> Span:
    """Return a GPU's number, a slice's behind a dot, marked if trained on and if throttled."""
    number = bar.prefix.removeprefix("gpu").replace("/mig", ".")
    here, slow = bar.prefix == devices.training, _is_throttled(devices, bar)
    words = f"{'>' if here else ' '}{number}{'!' if slow else ' '}"
    return Span(words, "alert" if slow else "live" if here else "strong")


def _is_throttled(devices: Devices, bar: MemoryBreakdown) -> bool:
    return bool(devices.samples.get(f"{bar.prefix.partition('/')[0]}/throttled"))


def _profile(bar: MemoryBreakdown) -> str:
    return title_text(bar).rpartition(" ")[2]


def _activity_span(devices: Devices, bar: MemoryBreakdown, gap: str) -> Span:
    # A slice has no activity of its own: its profile says how much of the GPU it is.
    sliced = "/" in bar.prefix
    said = _profile(bar) if sliced else activity(devices.samples, bar.prefix, gap=gap)
    return Span(said, "alert" if _is_throttled(devices, bar) else "")


def _in_two(
    devices: Devices, bar: MemoryBreakdown, width: int, look: TerminalStyle
) -> list[SpanLine]:
    number = _head(devices, bar)
    memory = f" {units.of_total(bar.used_bytes, bar.total_bytes).replace(' ', '')}"[:-2]
    room = width - len(memory)
    # 18 cells hold "100% 1000W 100C" behind a number, without the blanks before the units.
    said = _activity_span(devices, bar, " ")
    if width < _WIDE:
        said = Span(said.text.replace(" W", "W").replace(" C", "C"), said.style)
    return [(number, said), (*bar_spans(bar, room, look), Span(memory))]


def _in_one(devices: Devices, bar: MemoryBreakdown) -> SpanLine:
    busy = devices.samples.get(f"{bar.prefix}/utilization_percent")
    memory = units.of_total(bar.used_bytes, bar.total_bytes).replace(" ", "")[:-2]
    percent = "" if busy is None else f"{busy:.0f}%"
    return (_head(devices, bar), Span(f"{percent:>4} {memory:>10}"))


# --- the host ---------------------------------------------------------------------------------


def _cpu_line(samples: Mapping[str, float]) -> SpanLine:
    worker, machine = samples.get("host/worker_cpu_percent"), samples.get("host/cpu_percent")
    if worker is None:
        return ()
    whole = () if machine is None else (Span(f" {tr('all')} ", "quiet"), Span(f"{machine:.0f}%"))
    return (Span("cpu ", "quiet"), Span(f"{worker:.0f}%"), *whole)


def _host_below(devices: Devices, bar: MemoryBreakdown | None) -> list[SpanLine]:
    if bar is None:
        return []
    memory = units.of_total(bar.used_bytes, bar.total_bytes)
    return [(Span("RAM ", "quiet"), Span(memory)), _cpu_line(devices.samples)]


def _host_alone(
    devices: Devices, bar: MemoryBreakdown, width: int, look: TerminalStyle
) -> list[SpanLine]:
    """Return the host's figures where a GPU's would stand."""
    lines = [_cpu_line(devices.samples), *_filled(bar, width, look)]
    swap = devices.samples.get("host/swap_used_bytes")
    if swap:
        lines.append(
            (Span(f"  {text.pad(tr('swap'), 8)}", "quiet"), Span(f"{units.size(swap):>8}"))
        )
    return lines
