"""GPUs in lines: use, memory by whose it is, power and temperature against their limits, of late.

Pure functions of what is known of the machine.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain import units
from tuitrain.lang import tr
from tuitrain.view.bars import fill_of, stacked_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.devicetext import clocks, throttle_words
from tuitrain.view.format import display_width, pad, sanitise, shorten
from tuitrain.view.machine.seen import (
    DRIVER,
    NOT_TOLD,
    OTHERS,
    RUNS,
    THIS_RUN,
    MachineSeen,
    Use,
)
from tuitrain.view.machine.strip import averages, strip, tall
from tuitrain.view.run.runtext import rule
from tuitrain.view.spans import Span, SpanLine, fit_line, line_width, wrap_plain

SLOTS = {THIS_RUN: 0, RUNS: 1, OTHERS: 3, NOT_TOLD: 4, DRIVER: 5}
"""The fill and colour of a part, as in a run's own screens where it is there too."""
_LEAST_STRIP, _LEAST_BAR = 8, 8
_LABEL = 6
_COLUMNS, _WHO = 42, 14
"""Cells of a table's numbers, and those that are kept for who is on a GPU."""
_LEAST_COLUMN, _MOST_BAR = 5, 30
_NAMED = 3
"""Owners that a line names; more are counted."""


def bars_in_full(
    seen: MachineSeen,
    gpu: Mapping[str, Any],
    width: int,
    look: TerminalStyle,
    this_run: str,
    rows: int = 1,
) -> list[SpanLine]:
    """Return a GPU in five lines or more: its title, readings of late, its memory by owner.

    Args:
        seen: the machine.
        gpu: facts of the GPU.
        width: in cells.
        look: what the terminal can show.
        this_run: the id of the run that one comes from; empty: none.
        rows: of each reading of late.
    """
    prefix = f"gpu{gpu['index']}"
    left = (width - 2) // 2
    right = width - left - 2
    lines = [_title(seen, gpu, width, look)]
    lines += [_fault(words, width) for words in gpu.get("errors") or ()]
    pairs = [
        (_use(seen, prefix), _power(seen, prefix)),
        (_memory(seen, prefix), _temperature(seen, gpu)),
    ]
    for one, other in pairs:
        beside = zip(
            _reading(seen, *one, left, rows, look), _reading(seen, *other, right, rows, look),
            strict=True,
        )  # fmt: skip
        lines += [(*fit_line(first, left), Span("  "), *second) for first, second in beside]
    for part in (gpu.get("mig") or ()) or (gpu,):
        own = prefix if part is gpu else f"{prefix}/mig{part['index']}"
        name = (
            ""
            if part is gpu
            else tr(
                "slice {index} {profile}",
                index=part["index"],
                profile=sanitise(str(part["profile"])),
            )
        )
        lines += _by_owner(seen, own, name, width, look, this_run)
    if more := clocks(seen.samples, prefix):
        lines += wrap_plain(more, width, "quiet")
    return lines


def _title(seen: MachineSeen, gpu: Mapping[str, Any], width: int, look: TerminalStyle) -> SpanLine:
    free = gpu["index"] in seen.free
    slow = throttle_words(gpu)
    name = f"GPU {gpu['index']} {_product(gpu)}".rstrip()
    # Whoever holds it gives way to what it is called, and to what holds it down.
    told = [Span(tr("throttled: {slow}  ", slow=slow[0]), "alert")] if slow else []
    room = max(0, width - display_width(name) - 8 - line_width(tuple(told)))
    who = Span(tr("free"), "good") if free else Span(", ".join(_people(seen, gpu)), "strong")
    values = (*told, Span(shorten(who.text, room), who.style))
    return rule(name, values, width, focused=False, dash="-" if look.ascii else "─")


def _product(gpu: Mapping[str, Any]) -> str:
    name = sanitise(str(gpu.get("name") or "")).removeprefix("NVIDIA ").removeprefix("AMD ")
    return "" if name == f"GPU {gpu['index']}" else name


def _fault(words: str, width: int) -> SpanLine:
    return (Span(shorten(sanitise(str(words)), width), "bad"),)


# --- a reading of late ----------------------------------------------------------------------------

_Reading = tuple[str, str, str, float, str]
"""Label, value in words, name in the history, what a full cell is, style."""


def _use(seen: MachineSeen, prefix: str) -> _Reading:
    value = seen.samples.get(f"{prefix}/utilization_percent")
    words = units.NOTHING if value is None else f"{value:.0f}%"
    return tr("use"), words, f"{prefix}/utilization_percent", 100.0, "line0"


def _memory(seen: MachineSeen, prefix: str) -> _Reading:
    used, total = (seen.samples.get(f"{prefix}/memory_{end}_bytes") for end in ("used", "total"))
    words = units.NOTHING if used is None or not total else units.of_total(used, total)
    return tr("mem"), words, f"{prefix}/memory_used_bytes", total or 1.0, "line1"


def _power(seen: MachineSeen, prefix: str) -> _Reading:
    watts = seen.samples.get(f"{prefix}/power_w")
    limit = seen.samples.get(f"{prefix}/power_limit_w")
    words = units.NOTHING if watts is None else f"{watts:.0f} W"
    if watts is not None and limit is not None:
        words = f"{watts:.0f}/{limit:.0f} W"
    return tr("power"), words, f"{prefix}/power_w", limit or 1000.0, "line2"


def _temperature(seen: MachineSeen, gpu: Mapping[str, Any]) -> _Reading:
    prefix = f"gpu{gpu['index']}"
    value, limit = seen.samples.get(f"{prefix}/temperature_c"), gpu.get("temperature_limit_c")
    words = units.NOTHING if value is None else f"{value:.0f} C"
    if value is not None and limit:
        words = f"{value:.0f}/{limit:.0f} C"
    return tr("temp"), words, f"{prefix}/temperature_c", float(limit or 100.0), "line5"


def _reading(
    seen: MachineSeen,
    label: str,
    words: str,
    name: str,
    top: float,
    style: str,
    width: int,
    rows: int,
    look: TerminalStyle,
) -> list[SpanLine]:
    near = _near_limit(seen, name, top)
    head = (Span(pad(label, _LABEL), "quiet"), Span(pad(words, 13), near))
    room, history = width - line_width(head) - 1, seen.history
    if room < _LEAST_STRIP:
        return [head]
    values = averages(history.of(name), room, history.taken, history.most)
    blank = (Span(" " * line_width(head)),)
    heads = [head, *[blank] * (rows - 1)]
    drawn = tall(values, top, rows, look)
    return [(*before, Span(f" {row}", style)) for before, row in zip(heads, drawn, strict=True)]


def _near_limit(seen: MachineSeen, name: str, top: float) -> str:
    """Return the style of a value: what heats up or fills up stands out."""
    value, kind = seen.samples.get(name), name.rpartition("/")[2]
    near = {"memory_used_bytes": 0.97, "temperature_c": 0.95}.get(kind)
    return "alert" if near is not None and value is not None and value >= near * top else ""


# --- whose the memory is --------------------------------------------------------------------------


def _by_owner(
    seen: MachineSeen, prefix: str, name: str, width: int, look: TerminalStyle, this_run: str
) -> list[SpanLine]:
    total = seen.samples.get(f"{prefix}/memory_total_bytes")
    if not total:
        return []
    shares = seen.shares(prefix, this_run)
    label = Span(pad(name or tr("whose"), _LABEL), "quiet")
    bar = memory_bar(shares, total, max(_LEAST_BAR, width - line_width((label,))), look)
    return [(label, *bar), _legend(seen, prefix, shares, total, width, look)]


def memory_bar(
    shares: Mapping[str, float], total: float, width: int, look: TerminalStyle
) -> SpanLine:
    """Return a GPU's memory as a bar, each owner with a fill of its own."""
    amounts = [0.0] * (max(SLOTS.values()) + 1)
    for whose, size_bytes in shares.items():
        amounts[SLOTS[whose]] += size_bytes
    return stacked_bar(amounts, total, width, look)


def _legend(
    seen: MachineSeen,
    prefix: str,
    shares: Mapping[str, float],
    total: float,
    width: int,
    look: TerminalStyle,
) -> SpanLine:
    free = max(0.0, total - sum(shares.values()))
    parts = [
        _part(Span(fill_of(SLOTS[whose], look), f"line{SLOTS[whose]}"),
              _who(seen, prefix, whose), size_bytes)
        for whose, size_bytes in shares.items()
        if size_bytes > 0
    ]  # fmt: skip
    driver = parts.pop() if shares[DRIVER] > 0 else ()
    line: SpanLine = (Span(" " * _LABEL),)
    for part in (*parts, _part(Span(".", "axis"), tr("free"), free), driver):
        # What does not fit is left out whole.
        if line_width((*line, *part)) <= width:
            line = (*line, *part)
    return line


def _part(mark: Span, words: str, size_bytes: float) -> SpanLine:
    return (mark, Span(f" {words} ", "quiet"), Span(f"{units.rough_size(size_bytes)}  "))


def _who(seen: MachineSeen, prefix: str, whose: str) -> str:
    if whose == OTHERS:
        return ", ".join(dict.fromkeys(_user(use) for use in seen.on(prefix) if not use.run))
    if whose == RUNS:
        names = dict.fromkeys(seen.name_of(use.run) for use in seen.on(prefix) if use.run)
        return ", ".join(map(sanitise, names)) or tr(RUNS)
    return tr(whose)


def _user(use: Use) -> str:
    return sanitise(use.user or tr("process {pid}", pid=use.pid))


def _people(seen: MachineSeen, gpu: Mapping[str, Any]) -> list[str]:
    """Return who is on a GPU: runs by their names, then others, at most a few."""
    prefix = f"gpu{gpu['index']}"
    found = [sanitise(run.name) for run in seen.runs_on(prefix)]
    found += dict.fromkeys(_user(use) for use in seen.on(prefix) if not use.run)
    if not found:
        return [tr("lost") if _is_lost(seen, gpu) else tr("in use")]
    more = [tr("{n} more", n=len(found) - _NAMED)] if len(found) > _NAMED + 1 else []
    return [*found[: _NAMED + 1 - len(more)], *more]


def _is_lost(seen: MachineSeen, gpu: Mapping[str, Any]) -> bool:
    """Return whether nothing can be read of a GPU."""
    return bool(gpu.get("errors")) and f"gpu{gpu['index']}/memory_total_bytes" not in seen.samples


def holders(seen: MachineSeen, index: int) -> str:
    """Return in words who holds a GPU and how much of it: free, or runs and people."""
    prefix = f"gpu{index}"
    if index in seen.free:
        return tr("free")
    sums: dict[str, float] = {}
    for use in seen.on(prefix):
        who = tr("run {name}", name=sanitise(seen.name_of(use.run))) if use.run else _user(use)
        sums[who] = sums.get(who, 0) + (use.bytes or 0)
    for run in seen.runs_on(prefix):
        sums.setdefault(tr("run {name}", name=sanitise(run.name)), 0)
    if not sums:
        used = seen.samples.get(f"{prefix}/memory_used_bytes")
        return (
            tr("in use")
            if used is None
            else tr("in use, {used} taken", used=units.rough_size(used))
        )
    said = [f"{who} {units.rough_size(size)}" if size else who for who, size in sums.items()]
    return tr("held by {said}", said=", ".join(said))


# --- many -----------------------------------------------------------------------------------------


def table_of_gpus(
    seen: MachineSeen, gpus: Sequence[Mapping[str, Any]], width: int, look: TerminalStyle,
    this_run: str,
) -> list[SpanLine]:  # fmt: skip
    """Return one line a GPU, with a heading above them."""
    room = (width - _COLUMNS - _WHO) // 2
    strip_width = bar_width = min(_MOST_BAR, room) if room >= _LEAST_COLUMN else 0
    head = (
        f"GPU  {pad(tr('USE'), 5 + strip_width)} {pad(tr('MEMORY'), 11 + bar_width)} "
        f"{pad(tr('POWER'), 11)}{pad(tr('TEMP'), 8)}{tr('WHO')}"
    )
    lines: list[SpanLine] = [fit_line((Span(head, "quiet"),), width)]
    for gpu in gpus:
        lines.append(fit_line(_row(seen, gpu, strip_width, bar_width, look, this_run), width))
        lines += [
            _fault(f"GPU {gpu['index']}: {words}", width) for words in gpu.get("errors") or ()
        ]
    return lines


def _row(
    seen: MachineSeen,
    gpu: Mapping[str, Any],
    strip_width: int,
    bar_width: int,
    look: TerminalStyle,
    this_run: str,
) -> SpanLine:
    prefix, history = f"gpu{gpu['index']}", seen.history
    slow = bool(throttle_words(gpu))
    _, used, name, top, style = _use(seen, prefix)
    drawn = strip(
        history.of(name), strip_width, top, look, taken=history.taken, most=history.most
    )  # fmt: skip
    memory = _memory(seen, prefix)[1].removesuffix("iB").replace(" ", "")
    total = seen.samples.get(f"{prefix}/memory_total_bytes") or 0.0
    bar = memory_bar(seen.shares(prefix, this_run), total, bar_width, look) if total else ()
    free = gpu["index"] in seen.free
    who = Span(tr("free"), "good") if free else Span(", ".join(_people(seen, gpu)))
    return (
        Span(f"{gpu['index']:<4}{'!' if slow else ' '}", "alert" if slow else "strong"),
        Span(f"{used:>4} "),
        Span(drawn, style),
        Span(f"{memory:>11} "),
        *fit_line(bar, bar_width),
        Span(f" {_power(seen, prefix)[1]:<10}"),
        Span(f" {_temperature(seen, gpu)[1]:<8}", "alert" if slow else ""),
        who,
    )
