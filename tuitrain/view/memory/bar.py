"""What fills a memory as a bar with its legend: fills and words for each part.

Pure functions from parts to spans; knows nothing of readings.
"""

from tuitrain.analysis.memory_breakdown import FREE, NOT_TOLD, MemoryBreakdown, MemoryPart
from tuitrain.lang import said, term, tr
from tuitrain.units import of_total, size
from tuitrain.view.bars import fill_of, stacked_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import pad, sanitise
from tuitrain.view.spans import Span, SpanLine

SLOTS = {
    "tensors": 0, "worker": 0, "ranks": 0, "cached": 1, "agent": 1, "context": 2, "loaders": 2,
    "others": 3, NOT_TOLD: 4, "driver": 5, FREE: 7,
}  # fmt: skip
"""The fill and colour of a part, the same wherever it appears."""
EXPLAINED = {
    "tensors": term("tensors that the run holds"),
    "worker": term("the run"),
    "ranks": term("processes that train"),
    "agent": term("starts the ranks, and trains nothing"),
    "cached": term("kept by torch's allocator for the next tensors"),
    "context": term("CUDA context and libraries of the run"),
    "loaders": term("loader workers; pages they share count in each (RSS)"),
    "others": term("other processes"),
    NOT_TOLD: term("used by what the driver does not name"),
    "driver": term("kept by the driver for itself"),
    FREE: "",
}
"""Each part in words."""


def bar_spans(bar: MemoryBreakdown, width: int, look: TerminalStyle) -> SpanLine:
    """Return the bar itself, in exactly `width` cells; what is free are dots."""
    # A fill belongs to the kind of part, so that a bar without one does not change the others.
    amounts = [0] * (max(SLOTS.values()) + 1)
    for part in bar.parts:
        if part.name != FREE:
            amounts[SLOTS[part.name]] += part.bytes
    return stacked_bar(amounts, bar.total_bytes, width, look)


def legend_mark(name: str, look: TerminalStyle) -> Span:
    """Return what stands before a part's name in a legend."""
    slot = SLOTS[name]
    return Span(".", "axis") if name == FREE else Span(fill_of(slot, look), f"line{slot}")


def bar_lines(bar: MemoryBreakdown, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return a bar with its title above it and each part below it, in words and numbers."""
    head = Span(title_text(bar), "strong")
    lines: list[SpanLine] = [
        (head, Span(f"  {of_total(bar.used_bytes, bar.total_bytes)} {tr('used')}")),
        bar_spans(bar, width, look),
    ]
    for part in bar.parts:
        share = f"{100 * part.bytes / bar.total_bytes:.1f}%" if bar.total_bytes else ""
        explained = _explained(part)
        numbers = f" {pad(tr(part.name), 9)}{size(part.bytes):>9} {share:>6}  "
        lines.append((legend_mark(part.name, look), Span(numbers), Span(explained, "quiet")))
    return lines


def _explained(part: MemoryPart) -> str:
    """Say whose a part is, or what it is."""
    detail = detail_text(part)
    if part.name == "others" and detail:
        return detail
    return ": ".join(filter(None, (detail, tr(EXPLAINED[part.name]))))


def title_text(bar: MemoryBreakdown) -> str:
    """Return what a memory is called, harmless."""
    return said(sanitise(bar.title))


def detail_text(part: MemoryPart) -> str:
    """Say whose a part is or how many share it, as far as that is known."""
    if len(part.owners) == 1:
        return sanitise(part.owners[0][0])
    if part.owners:
        return ", ".join(f"{sanitise(user)} {size(used)}" for user, used in part.owners)
    return tr("{n} processes", n=part.processes) if part.processes > 1 else ""
