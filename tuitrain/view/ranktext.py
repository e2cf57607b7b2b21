"""The ranks of a run as lines: what each takes for its own part of a step.

Pure functions to spans and text.
"""

from collections.abc import Sequence

from tuitrain.analysis.ranks import OWN_STAGES, RankTime
from tuitrain.lang import term, tr
from tuitrain.units import short_time, size
from tuitrain.view.bars import percent_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import pad
from tuitrain.view.presetrows import wrapped
from tuitrain.view.spans import Span, SpanLine

_LABEL, _TIME, _MEMORY = 9, 10, 12
_MOST_BAR = 30
_NOTE = term(
    "own time of a step: without the backward pass, in which all ranks wait for the slowest"
)


def rank_lines(ranks: Sequence[RankTime], width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return a bar for each rank's own time, the longest one full; nothing for one rank."""
    longest_s = max((each.own_s for each in ranks), default=0.0)
    if not longest_s:
        return []
    room = min(_MOST_BAR, max(6, width - _LABEL - _TIME - _MEMORY - 2))
    lines: list[SpanLine] = wrapped([tr(_NOTE)], max(20, width - 2), "quiet")
    for each in ranks:
        bar = percent_bar(each.own_s / longest_s, room, look)
        memory = size(each.memory_bytes).rjust(_MEMORY) if each.memory_bytes else ""
        lines.append(
            (
                Span(pad(tr("rank {rank}", rank=each.rank), _LABEL), "quiet"),
                Span(bar, f"line{each.rank % 6}"),
                Span(short_time(each.own_s).rjust(_TIME)),
                Span(memory, "quiet"),
            )
        )
    return lines


def rank_texts(ranks: Sequence[RankTime]) -> list[str]:
    """Return a line a rank for a command's output."""
    return [f"rank {each.rank}: {_stages(each)}" for each in ranks]


def _stages(each: RankTime) -> str:
    parts = [f"{stage} {short_time(each.seconds[stage])}" for stage in OWN_STAGES]
    backward = f"backward with the exchange {short_time(each.seconds['backward'])}"
    memory = f"; {size(each.memory_bytes)}" if each.memory_bytes else ""
    return f"own {short_time(each.own_s)} a step ({', '.join(parts)}), {backward}{memory}"
