"""A run's interruptions as a strip over time: at work, paused, in the queue, or with nobody.

Pure functions to spans; knows neither widgets nor files.
"""

from collections.abc import Sequence

from tuitrain.analysis.lives import Kind, Stretch
from tuitrain.units import duration
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.spans import Span, SpanLine

_CELLS: dict[Kind, tuple[str, str, str]] = {
    "worked": ("█", "#", "live"),
    "paused": ("▒", "=", "alert"),
    "queued": ("░", "-", "quiet"),
    "down": ("_", "_", "bad"),
}
_WORDS: dict[Kind, str] = {
    "worked": "at work", "paused": "paused", "queued": "in the queue", "down": "without a worker",
}  # fmt: skip
_RARE: tuple[Kind, ...] = ("down", "paused", "queued", "worked")
"""What a cell shows where it holds several: an interruption is never hidden."""


def life_lines(
    stretches: Sequence[Stretch], attempts: int, width: int, look: TerminalStyle
) -> list[SpanLine]:
    """Return the strip and what it says in words; nothing for a run of one worker without a wait.

    Args:
        stretches: in order, without gaps.
        attempts: how many workers there were.
        width: cells.
        look: what the terminal can show.
    """
    if attempts < 2 and all(each.kind == "worked" for each in stretches):
        return []
    if not stretches or width < 1:
        return []
    kinds = [_kind_at(stretches, cell, width) for cell in range(width)]
    strip = [Span(_CELLS[kind][1 if look.ascii else 0], _CELLS[kind][2]) for kind in kinds]
    legend = [Span(f"{attempts} worker{'s' if attempts != 1 else ''}", "quiet")]
    for kind, words in _WORDS.items():
        total_s = sum(each.length_s for each in stretches if each.kind == kind)
        if total_s > 0:
            cell = _CELLS[kind][1 if look.ascii else 0]
            legend += [Span(f"  {cell}", _CELLS[kind][2])]
            legend += [Span(f" {words} {duration(total_s)}", "quiet")]
    return [_joined(strip), tuple(legend)]


def _kind_at(stretches: Sequence[Stretch], cell: int, width: int) -> Kind:
    first, last = stretches[0].start, stretches[-1].end
    step = (last - first) / width
    start, end = first + cell * step, first + (cell + 1) * step
    inside = {each.kind for each in stretches if each.start < end and each.end > start}
    return next((kind for kind in _RARE if kind in inside), stretches[-1].kind)


def _joined(spans: Sequence[Span]) -> SpanLine:
    """Join neighbours of one style."""
    found: list[Span] = []
    for span in spans:
        if found and found[-1].style == span.style:
            found[-1] = Span(found[-1].text + span.text, span.style)
        else:
            found.append(span)
    return tuple(found)
