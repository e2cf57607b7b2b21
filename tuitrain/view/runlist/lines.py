"""A run as one line of the table, and the headings above.

Pure functions from runs to spans; knows nothing of screens.
"""

from tuitrain.lang import said, tr
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import display_width, sanitise, shorten
from tuitrain.view.runlist.columns import MARK_WIDTH, NAME, Column, TableLayout, fitting_columns
from tuitrain.view.runrows import ACTIVE, AWAY, TROUBLE, RunRow, needs_attention
from tuitrain.view.spans import Span, SpanLine, fit_line

_STATE_STYLES = {
    "starting": "live",
    "running": "live",
    "paused": "alert",
    **dict.fromkeys(TROUBLE, "bad"),
}
_Sized = tuple[Column, int]


def run_heading(layout: TableLayout, look: TerminalStyle) -> SpanLine:
    """Return the names of the columns; an arrow says which one the table is sorted by."""
    spans = [Span(" " * MARK_WIDTH, "quiet")]
    for column, size in fitting_columns(layout):
        text, style = tr(column.heading), "quiet"
        if column.heading and layout.sorts_by(column):
            text, style = f"{text}{_arrow(layout.sort, look)}", "strong"
        gap = " " * (size - display_width(text))
        spans += [Span(gap + text if column.right else text + gap, style), Span(" ", "quiet")]
    return fit_line(tuple(spans), layout.width)


def _arrow(sort: str, look: TerminalStyle) -> str:
    falling = sort.startswith("-")
    return ("v" if falling else "^") if look.ascii else ("▼" if falling else "▲")


def run_line(row: RunRow, layout: TableLayout, now: float, look: TerminalStyle) -> SpanLine:
    """Return a run as one line of exactly the layout's width.

    Args:
        row: the run.
        layout: of the table.
        now: seconds since the epoch.
        look: what the terminal can show.
    """
    spans = [Span("* " if row.marked else "  ", "key")]
    columns = fitting_columns(layout)
    speaks = row.run.state in TROUBLE or row.run.state in ("queued", AWAY)
    reason = said(sanitise(row.run.reason)) if speaks else ""
    room = _longest_middle(columns) if reason else ()
    for column, size in columns:
        if not reason or not column.middle:
            spans += _cell(row, column, size, now, look)
        elif room and column is room[0][0]:
            cells = sum(each + 1 for _column, each in room) - 1
            spans += [Span(_pad(shorten(reason, cells), cells), _loudness(row, now)), Span(" ")]
        elif (column, size) not in room:
            spans.append(Span(" " * (size + 1)))
    return fit_line(tuple(spans), layout.width)


def _longest_middle(columns: tuple[_Sized, ...]) -> tuple[_Sized, ...]:
    """Return the longest row of columns that mean nothing for a run that went wrong."""
    blocks: list[list[_Sized]] = [[]]
    for column, size in columns:
        if column.middle:
            blocks[-1].append((column, size))
        elif blocks[-1]:
            blocks.append([])
    return tuple(max(blocks, key=lambda block: sum(size + 1 for _column, size in block)))


def _loudness(row: RunRow, now: float) -> str:
    return "bad" if needs_attention(row.run, now) else "quiet"


def _cell(row: RunRow, column: Column, size: int, now: float, look: TerminalStyle) -> list[Span]:
    text = column.draw(row, now, size, look)
    return [Span(_pad(shorten(text, size), size), _style(row, column, now)), Span(" ")]


def _style(row: RunRow, column: Column, now: float) -> str:
    """Return a cell's style: what lives or went wrong of late is loud, what is over is quiet."""
    state = row.run.state
    if state == AWAY or (state in TROUBLE and not needs_attention(row.run, now)):
        return "quiet"
    if column.key == "state":
        return _STATE_STYLES.get(state, "quiet")
    if column is NAME:
        return NAME.style if state in ACTIVE or state in TROUBLE else ""
    return column.style if state in ACTIVE or column.style != "live" else "quiet"


def _pad(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))
