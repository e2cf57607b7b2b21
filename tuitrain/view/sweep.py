"""A sweep as text: its trials, the axes of its settings, what repeats say, and what decides.

Pure functions from a sweep's table to text; knows nothing of screens or of how trials are run.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain.lang import tr
from tuitrain.sweeps.groups import groups, verdict
from tuitrain.sweeps.space import value_words as words_of
from tuitrain.sweeps.table import SweepTable, TrialRow
from tuitrain.units import NOTHING
from tuitrain.view.bars import percent_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.chart.spark import sparkline
from tuitrain.view.format import Align, display_width, metric_value, pad, sanitise, shorten, table
from tuitrain.view.spans import Span, SpanLine, fit_line, plain_line, wrap_plain

_REASON_WIDTH = 40
_CURVE_WIDTH = 12
_RANKED = 3
"""So many of the best are told apart on the axes."""
_STYLES = {"complete": "", "failed": "bad", "pruned": "quiet", "repeated": "quiet"}


def trial_table(sweep: SweepTable, value_width: int) -> str:
    """Return the trials as a table, the best first."""
    headings = ("TRIAL", "STATE", sanitise(sweep.metric).upper(), *map(_heading, sweep.keys), "")
    rows = [
        (
            str(row.number),
            row.state,
            metric_value(row.value),
            *(shorten(value_words(row.point.get(key)), value_width) for key in sweep.keys),
            shorten(sanitise(row.reason), _REASON_WIDTH),
        )
        for row in sweep.ranked
    ]
    align: tuple[Align, ...] = ("right", "left", "right")
    return table(headings, rows, align)


def _heading(key: str) -> str:
    return sanitise(key).upper()


def value_words(value: Any) -> str:
    """Return a setting's value in a few cells."""
    return NOTHING if value is None else sanitise(words_of(value))


def group_table(sweep: SweepTable) -> str:
    """Return the points that were run with several seeds, and a verdict; empty: none were."""
    found = groups(sweep)
    if not found:
        return ""
    rows = [
        (
            shorten(sanitise(group.words), _REASON_WIDTH),
            metric_value(group.mean),
            "-" if group.reach is None else f"+- {metric_value(group.reach)}",
            str(len(group.values)),
        )
        for group in found
    ]
    align: tuple[Align, ...] = ("left", "right", "left", "right")
    listed = table(("SETTINGS", "MEAN", "95 %", "SEEDS"), rows, align)
    said = sanitise(verdict(found))
    return f"{listed}\n{said}" if said else listed


def weight_lines(weights: Mapping[str, float], width: int) -> list[str]:
    """Return a bar for how much each setting decides."""
    if not weights:
        return [tr("importance: at least 4 complete trials with different values are needed")]
    wide = max(display_width(sanitise(key)) for key in weights)
    look = TerminalStyle(ascii=True, colour=False)
    return [
        f"{pad(sanitise(key), wide)} {percent_bar(share, width, look)}"
        for key, share in weights.items()
    ]


# --- the screen ---------------------------------------------------------------------------------


def sweep_lines(
    sweep: SweepTable,
    state: str,
    weights: Mapping[str, float] | None,
    width: int,
    look: TerminalStyle,
) -> list[SpanLine]:
    """Return all there is to say about a sweep above the list of its trials.

    Args:
        sweep: as its driver put it down.
        state: it is in.
        weights: how much each setting decides; None: nobody asked.
        width: cells.
        look: what the terminal can show.
    """
    lines = [sweep_heading(sweep, state, width), best_line(sweep, width)]
    if sweep.reason:
        lines += wrap_plain(f" {sweep.reason}", width, "alert")
    lines += axis_lines(sweep, width, look)
    if weights is not None:
        lines += [plain_line(f" {each}") for each in weight_lines(weights, 30)]
    for each in group_table(sweep).splitlines():
        lines += wrap_plain(f" {each}", width)
    return lines


def sweep_heading(sweep: SweepTable, state: str, width: int) -> SpanLine:
    """Return how far a sweep is, in one line."""
    over = sum(row.state in ("complete", "pruned", "failed") for row in sweep.rows)
    live = sum(row.state in ("starting", "running", "queued") for row in sweep.rows)
    parts = tr(
        " {over} of {budget} trials over, {live} under way, {parallel} at a time",
        over=over,
        budget=sweep.budget,
        live=live,
        parallel=sweep.parallel,
    )
    return fit_line(
        (Span(f" {tr(state)}", "live" if state == "running" else ""), Span(parts)), width
    )


def best_line(sweep: SweepTable, width: int) -> SpanLine:
    """Return the best trial so far, in one line."""
    best = sweep.best
    if best is None:
        return fit_line((Span(tr(" no trial is complete yet"), "quiet"),), width)
    point = ", ".join(f"{sanitise(key)} {value_words(best.point.get(key))}" for key in sweep.keys)
    value = f"{sanitise(sweep.metric)} {metric_value(best.value)}"
    return fit_line(
        (Span(tr(" best  "), "quiet"), Span(value, "strong"), Span(f"  {point}")), width
    )


def trial_line(
    row: TrialRow, sweep: SweepTable, width: int, look: TerminalStyle, *, marked: bool = False
) -> SpanLine:
    """Return one trial: number, state, value, curve, settings as far as there is room."""
    value = metric_value(row.value).rjust(9)
    curve = sparkline(row.curve, _CURVE_WIDTH, look)
    settings = "  ".join(f"{_short(key)} {value_words(row.point.get(key))}" for key in sweep.keys)
    style = _STYLES.get(row.state, "live")
    more = f"  {sanitise(row.reason)}" if row.reason else ""
    return fit_line(
        (
            Span("*" if marked else " ", "live"),
            Span(f"{row.number:>4} "),
            Span(pad(tr(row.state), 9), style),
            Span(f" {value} ", "strong" if row.state == "complete" else ""),
            Span(curve, "line0"),
            Span(f"  {settings}"),
            Span(more, "quiet"),
        ),
        width,
    )


def _short(key: str) -> str:
    return sanitise(key).rpartition(".")[2]


def axis_lines(sweep: SweepTable, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return an axis for each setting, on it every trial with a value, the best ones as 1, 2, 3.

    Read from top to bottom the digits are parallel coordinates: where each of the best lies.
    """
    ranked = [row for row in sweep.ranked if row.value is not None]
    if not ranked:
        return []
    wide = min(24, max(display_width(_short(key)) for key in sweep.keys))
    return [_axis(key, ranked, wide, width, look) for key in sweep.keys]


def _axis(
    key: str, ranked: Sequence[TrialRow], name: int, width: int, look: TerminalStyle
) -> SpanLine:
    values = [row.point[key] for row in ranked if key in row.point]
    places, low, high = _places(values)
    left, right = shorten(low, 10).rjust(10), shorten(high, 10)
    room = max(10, width - name - len(left) - 16)
    cells = ["-" if look.ascii else "─"] * room
    # The best come last, so that others never hide them.
    for rank, place in reversed(list(enumerate(places))):
        mark = "." if look.ascii else "·"
        cells[round(place * (room - 1))] = str(rank + 1) if rank < _RANKED else mark
    text = pad(shorten(_short(key), name), name)
    return fit_line(
        (Span(f" {text} "), Span(f"{left} ", "quiet"), Span("".join(cells), "line0"),
         Span(f" {right}", "quiet")),
        width,
    )  # fmt: skip


def _places(values: Sequence[Any]) -> tuple[list[float], str, str]:
    """Return where values lie between 0 and 1, and the words at both ends."""
    numbers = all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )
    if not numbers:
        kinds = sorted({words_of(value) for value in values})
        last = max(1, len(kinds) - 1)
        places = [kinds.index(words_of(value)) / last for value in values]
        return places, sanitise(kinds[0]), sanitise(kinds[-1])
    low, high = min(values), max(values)
    if low == high:
        return [0.0] * len(values), value_words(low), ""
    scaled = _logarithmic(low, high)
    ends = (math.log(low), math.log(high)) if scaled else (low, high)
    places = [
        ((math.log(value) if scaled else value) - ends[0]) / (ends[1] - ends[0]) for value in values
    ]
    return places, value_words(low), value_words(high)


def _logarithmic(low: float, high: float) -> bool:
    return low > 0 and high / low >= 50
