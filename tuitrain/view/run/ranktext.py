"""The ranks of a run as lines: what each takes for its own part of a step, and how it waits.

Pure functions to spans and text.
"""

from collections.abc import Collection, Sequence

from tuitrain.analysis.ranks import ProfiledRank, RankTime
from tuitrain.lang import term, tr
from tuitrain.metric_names import EXCHANGE
from tuitrain.ranks import RankMemory, Standing, name_rank
from tuitrain.units import of_total, short_time, size
from tuitrain.view.bars import height_of, stacked_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import display_width, pad, sanitise, shorten
from tuitrain.view.presetrows import wrapped
from tuitrain.view.spans import Span, SpanLine

STAGE_SLOTS = {
    "data": 0, "copy": 1, "forward": 2, "backward": 3, "exchange": 6, "optimizer": 4, "other": 5,
    "rest": 7,
}  # fmt: skip
"""The fill and colour of a stage, the same wherever it appears, in the order of a step."""
_TIME, _MEMORY = 10, 11
_LEAST_BAR, _MOST_BAR = 6, 60
_MOST_NAME = 20
_MOST_ROWS = 16
"""More ranks than this are a strip, with rows for the slowest and the quickest of them alone."""
_SLOWEST_ROWS = 3
_STRIP_LABEL = 6
_GROUP = 8
"""Ranks of a strip are told apart in eights, as they often are on one machine."""
_ABREAST = 1
"""Steps apart that ranks may be: each says so a moment before or after the others."""
_PARTED_NOTE = term("own time of a step; what its bar leaves free it waits for the slowest rank")
_NOTE = term(
    "own time of a step: without the backward pass, in which all ranks wait for the slowest"
)


def rank_lines(
    ranks: Sequence[RankTime], slow: RankTime | None, width: int, look: TerminalStyle
) -> list[SpanLine]:
    """Return the parts of each rank's step as a bar; of many, a strip and the slowest of them.

    Args:
        ranks: nothing is shown where they took no time yet.
        slow: the one that the others wait for, if there is one.
        width: in cells.
        look: what the terminal can show.
    """
    if not any(each.own_s for each in ranks):
        return []
    parted = ranks[0].transfer_s is not None
    lines: list[SpanLine] = wrapped(
        [tr(_PARTED_NOTE if parted else _NOTE)], max(20, width), "quiet"
    )
    shown: Sequence[RankTime] = ranks
    if len(ranks) > _MOST_ROWS:
        lines += rank_strip(ranks, slow, width, look)
        by_own = sorted(ranks, key=lambda each: -each.own_s)
        shown = (*by_own[:_SLOWEST_ROWS], by_own[-1])
    return lines + _rows(shown, slow, width, look)


def _rows(
    ranks: Sequence[RankTime], slow: RankTime | None, width: int, look: TerminalStyle
) -> list[SpanLine]:
    names = [shorten(sanitise(each.name), _MOST_NAME) for each in ranks]
    label = max(map(display_width, names)) + 2
    memory = _MEMORY if any(each.memory_bytes for each in ranks) else 0
    waits = _TIME + 7 if any(each.wait_s for each in ranks) else 0
    if width - label - _TIME - memory - waits < _LEAST_BAR:
        waits = 0
    room = min(_MOST_BAR, max(_LEAST_BAR, width - label - _TIME - memory - waits))
    whole_s = max(sum(_shown_s(each)) + each.wait_s for each in ranks)
    return [
        (
            Span(pad(name, label), "alert" if each == slow else "quiet"),
            *stacked_bar(_shown_s(each), whole_s, room, look, tuple(STAGE_SLOTS.values())),
            Span(short_time(each.own_s).rjust(_TIME)),
            Span(
                pad(tr("  waits {wait_s}", wait_s=short_time(each.wait_s)), waits) if waits else "",
                "quiet",
            ),
            Span(size(each.memory_bytes).rjust(memory) if each.memory_bytes else "", "quiet"),
        )
        for each, name in zip(ranks, names, strict=True)
    ]


def _shown_s(each: RankTime) -> list[float]:
    """Return the parts of a rank's bar: its own, what the exchange takes by itself, the rest."""
    shown = dict.fromkeys(STAGE_SLOTS, 0.0)
    shown |= {stage: each.seconds[stage] for stage in each.own_stages}
    if each.transfer_s is not None:
        shown |= {EXCHANGE: each.transfer_s, "other": each.seconds["other"]}
    return list(shown.values())


def rank_strip(
    ranks: Sequence[RankTime], slow: RankTime | None, width: int, look: TerminalStyle
) -> list[SpanLine]:
    """Return all ranks in a cell each, as high as their own time; on several lines if need be."""
    longest_s = max((each.own_s for each in ranks), default=0.0)
    if not longest_s:
        return []
    room = max(1, width - _STRIP_LABEL)
    groups = max(1, (room + 1) // (_GROUP + 1))
    a_line = min(room, _GROUP) if groups == 1 else groups * _GROUP
    lines: list[SpanLine] = []
    for first in range(0, len(ranks), a_line):
        name = "ranks" if len(ranks) <= a_line else str(first)
        cells = _cells(ranks[first : first + a_line], slow, longest_s, look)
        lines.append((Span(name.ljust(_STRIP_LABEL), "quiet"), *cells))
    return lines


def _cells(
    ranks: Sequence[RankTime], slow: RankTime | None, longest_s: float, look: TerminalStyle
) -> list[Span]:
    cells: list[Span] = []
    for place, each in enumerate(ranks):
        if place and place % _GROUP == 0:
            cells.append(Span(" "))
        style = "alert" if each == slow else "line2"
        cells.append(Span(height_of(each.own_s / longest_s, look), style))
    return cells


# --- memory ---------------------------------------------------------------------------------------

_HEADS = ("host", "loaders", "reserved", "GPU used", "temp")


def rank_memory_lines(ranks: Sequence[RankMemory], width: int) -> list[SpanLine]:
    """Return a row for each rank and a column for what any of them told."""
    if not ranks:
        return []
    rows = [_memory_cells(each) for each in ranks]
    columns = [place for place in range(len(_HEADS)) if any(row[place] for row in rows)]
    widths = {at: max(len(_HEADS[at]), *(len(row[at]) for row in rows)) + 2 for at in columns}
    names = [
        shorten(sanitise(name_rank(rank, each.node)), _MOST_NAME) for rank, each in enumerate(ranks)
    ]
    label = max(map(len, names))
    head = "".join(_HEADS[at].rjust(widths[at]) for at in columns)
    lines: list[SpanLine] = [(Span("ranks".ljust(label), "strong"), Span(head, "quiet"))]
    for name, row in zip(names, rows, strict=True):
        cells = "".join(row[at].rjust(widths[at]) for at in columns)
        lines.append((Span(name.ljust(label), "quiet"), Span(cells)))
    return [tuple(Span(shorten(span.text, width), span.style) for span in line) for line in lines]


def _memory_cells(each: RankMemory) -> tuple[str, ...]:
    used = of_total(each.device_used_bytes, each.device_total_bytes)
    return (
        size(each.host_bytes) if each.host_bytes else "",
        size(each.loader_bytes) if each.loader_bytes else "",
        size(each.device_bytes) if each.device_bytes else "",
        used if each.device_total_bytes else "",
        f"{each.temperature_c:.0f} C" if each.temperature_c else "",
    )


# --- profiles -------------------------------------------------------------------------------------

_PARTS = ("data", "compute", "exchange", "waits", "other")
_PROFILED_NOTE = "the same steps on each rank, a step; `waits` is for the slowest of these ranks"


def profiled_lines(ranks: Sequence[ProfiledRank], shown: str, width: int) -> list[SpanLine]:
    """Return what ranks that were profiled together took, side by side; nothing for one alone.

    Args:
        ranks: of one order.
        shown: the profile that is looked at.
        width: in cells.
    """
    if len(ranks) < 2:
        return []
    names = [f"rank {each.rank}" for each in ranks]
    label = max(map(display_width, names)) + 2
    head = "".join(each.rjust(_TIME) for each in _PARTS)
    lines: list[SpanLine] = wrapped([_PROFILED_NOTE], max(20, width - 1), "quiet")
    lines.append((Span(" " * label), Span(f"{head}  profile", "quiet")))
    longest_s = max(each.data_s + each.compute_s for each in ranks)
    for each, name in zip(ranks, names, strict=True):
        parts = (each.data_s, each.compute_s, each.exchange_s, each.wait_s, each.other_s)
        times = "".join(short_time(part).rjust(_TIME) for part in parts)
        style = "alert" if each.data_s + each.compute_s == longest_s else ""
        mark = " *" if each.profile == shown else ""
        profile = sanitise(f"  {each.profile}{mark}")
        lines.append((Span(name.ljust(label), "quiet"), Span(times, style), Span(profile, "quiet")))
    return [(Span(" "), *line) for line in lines]


# --- for a command's output -----------------------------------------------------------------------


def rank_texts(ranks: Sequence[RankTime]) -> list[str]:
    """Return a line a rank for a command's output."""
    return [f"{sanitise(each.name)}: {_stages(each)}" for each in ranks]


def _stages(each: RankTime) -> str:
    parts = [f"{stage} {short_time(each.seconds[stage])}" for stage in each.own_stages]
    if each.transfer_s is None:
        rest = f"backward with the exchange {short_time(each.seconds['backward'])}"
    else:
        rest = f"exchange {short_time(each.transfer_s)}, waits {short_time(each.wait_s)}"
    memory = f"; {size(each.memory_bytes)}" if each.memory_bytes else ""
    return f"own {short_time(each.own_s)} a step ({', '.join(parts)}), {rest}{memory}"


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
    words = tr("{n} of {all} ranks train", n=len(going), all=len(standings))
    if going:
        words += tr(", in step {n:,}", n=max(each.step for each in going))
    late = [each for each in going if each.step + _ABREAST < max(one.step for one in going)]
    said = [
        tr("rank {rank} is behind, in step {step:,}", rank=each.rank, step=each.step)
        for each in late
    ]
    said += [
        tr("rank {rank} is gone, in step {step:,}", rank=each.rank, step=each.step)
        for each in begun
        if each.rank in gone
    ]
    style = "bad" if gone else "alert" if late else "quiet"
    return [(Span(f" {shorten('; '.join([*reversed(said), words]), width - 1)}", style),)]
