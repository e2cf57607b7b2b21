"""The ranks of a run as lines: what each takes for its own part of a step.

Pure functions to spans and text.
"""

from collections.abc import Collection, Sequence

from tuitrain.analysis.ranks import OWN_STAGES, RankTime
from tuitrain.ranks import Standing
from tuitrain.units import short_time, size
from tuitrain.view.bars import percent_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import shorten
from tuitrain.view.presetrows import wrapped
from tuitrain.view.spans import Span, SpanLine

_LABEL, _TIME, _MEMORY = 9, 10, 12
_MOST_BAR = 30
_ABREAST = 1
"""Steps apart that ranks may be: each says so a moment before or after the others."""
_NOTE = "own time of a step: without the backward pass, in which all ranks wait for the slowest"


def standing_line(
    standings: Sequence[Standing], gone: Collection[int], width: int
) -> list[SpanLine]:
    """Return a line on where the ranks of a run are; nothing of one rank.

    Args:
        standings: of all ranks.
        gone: ranks whose process runs no more.
        width: in cells.
    """
    begun = [each for each in standings if each.pid]
    if len(standings) < 2 or not begun:
        return []
    going = [each for each in begun if each.rank not in gone and each.phase != "ended"]
    words = f"{len(going)} of {len(standings)} ranks train"
    if going:
        words += f", in step {max(each.step for each in going):,}"
    late = [each for each in going if each.step + _ABREAST < max(one.step for one in going)]
    said = [f"rank {each.rank} is behind, in step {each.step:,}" for each in late]
    said += [f"rank {each.rank} is gone, in step {each.step:,}" for each in begun
             if each.rank in gone]  # fmt: skip
    style = "bad" if gone else "alert" if late else "quiet"
    return [(Span(f" {shorten('; '.join([*reversed(said), words]), width - 1)}", style),)]


def rank_lines(ranks: Sequence[RankTime], width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return a bar for each rank's own time, the longest one full; nothing for one rank."""
    longest_s = max((each.own_s for each in ranks), default=0.0)
    if not longest_s:
        return []
    room = min(_MOST_BAR, max(6, width - _LABEL - _TIME - _MEMORY - 2))
    lines: list[SpanLine] = wrapped([_NOTE], max(20, width - 2), "quiet")
    for each in ranks:
        bar = percent_bar(each.own_s / longest_s, room, look)
        memory = size(each.memory_bytes).rjust(_MEMORY) if each.memory_bytes else ""
        lines.append(
            (
                Span(f"rank {each.rank}".ljust(_LABEL), "quiet"),
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
