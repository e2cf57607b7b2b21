"""The columns of the table of runs: which there are, which fit, and what stands in one.

Pure functions from a run to text; knows nothing of lines, screens or of how runs are read.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from tuitrain.lang import term, tr
from tuitrain.runs.directory import host_of
from tuitrain.runs.table.values import RunValues
from tuitrain.units import NOTHING, age, duration, progress
from tuitrain.view.bars import progress_bar
from tuitrain.view.cells import cell_text
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.chart.spark import sparkline
from tuitrain.view.format import display_width, first_cells, last_cells, pad, sanitise, shorten
from tuitrain.view.runrows import Needs, RunRow, best_words, epoch_words

MARK_WIDTH = 2
_MOST_VALUE, _LEAST_VALUE = 24, 4
"""Cells of a column of settings or metrics."""


_NO_NEEDS = Needs()


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    key: str
    """Of a choice; what `RunValues` calls it, or what is drawn: progress, curve."""
    heading: str
    width: int
    draw: Callable[[RunRow, float, int, TerminalStyle], str] = field(compare=False)
    rank: int
    """Which columns come first where not all fit."""
    style: str = ""
    middle: bool = False
    """Gives way to the reason of a run that failed or was lost."""
    right: bool = False
    sort_key: str = ""
    """What the table is sorted by at a click on the heading; empty: it can't be."""


@dataclass(frozen=True, slots=True)
class TableLayout:
    """What decides about columns."""

    width: int
    needs: Needs = _NO_NEEDS
    choice: tuple[str, ...] = ()
    """Keys of the columns beside the name; empty: those that have always been there."""
    sort: str = ""
    """The key that the table is sorted by, with - for the largest first; empty: by attention."""

    def sorts_by(self, column: Column) -> bool:
        """Return whether the table is sorted by a column."""
        return bool(column.sort_key) and self.sort.removeprefix("-") == column.sort_key


def fitting_columns(layout: TableLayout) -> tuple[tuple[Column, int], ...]:
    """Return the columns that fit whole, each with its width: what does not fit is left out."""
    return _fitting(layout)


def column_at(layout: TableLayout, x: int) -> Column | None:
    """Return the column whose heading has the cell `x` of a line."""
    left = MARK_WIDTH
    for column, size in fitting_columns(layout):
        if left <= x < left + size:
            return column
        left += size + 1
    return None


def offered_columns(known: Iterable[str]) -> list[str]:
    """Return the keys of all columns that can be chosen: the usual ones, then what runs have."""
    usual = [column.key for column in LATER]
    return [*usual, *(key for key in known if key not in {*usual, "name"})]


def usual_columns() -> tuple[str, ...]:
    """Return the keys of the columns of a table for which none were chosen."""
    return tuple(column.key for column in LATER)


def measure_values(runs: Iterable[RunValues], choice: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return how many cells the values of chosen settings and metrics take."""
    keys = [key for key in choice if key not in _USUAL]
    widths = dict.fromkeys(keys, 0)
    for run in runs:
        for key in keys:
            width = display_width(_value_words(run, key))
            widths[key] = max(widths[key], width)
    return tuple((key, min(width, _MOST_VALUE)) for key, width in widths.items())


def _value_words(run: RunValues | None, key: str) -> str:
    if run is None:
        return NOTHING
    value = run.get(key)
    if isinstance(value, float) and run.is_setting(key):
        return f"{value:g}"
    return sanitise(cell_text(key, value))


def _value_column(key: str, rank: int) -> Column:
    name = sanitise(key)
    heading = name if len(name) <= _MOST_VALUE // 2 else name.rpartition(".")[2]
    heading = shorten(heading, _MOST_VALUE)

    def draw(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
        del now, look
        words = shorten(_value_words(row.values, key), width)
        number = row.values is not None and isinstance(row.values.get(key), int | float)
        return pad(words, width, "right") if number else words

    width = max(_LEAST_VALUE, display_width(heading))
    return Column(key, heading, width, draw, rank, sort_key=key)


# --- the usual columns --------------------------------------------------------------------------


def _draw_name(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now, look
    name = sanitise(row.name)
    indent = " " * min(row.indent, width // 3)
    room = width - len(indent)
    if display_width(name) <= room:
        return indent + name
    # The end of a name tells runs of one preset apart.
    tail = last_cells(name, max(1, room // 3))
    return f"{indent}{first_cells(name, max(1, room - display_width(tail) - 2))}..{tail}"


def _draw_progress(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now
    run = row.run
    if not run.total_steps:
        return " " * width
    return progress_bar(run.step / run.total_steps, width, look)


def _draw_percent(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now, look
    return progress(row.run.step, row.run.total_steps).rjust(width)


def _draw_curve(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now
    return sparkline(row.curve, width, look) if row.curve else ""


def _draw_duration(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now, look
    text = duration(row.run.duration_s) if row.run.started is not None else NOTHING
    return pad(text, width, "right")


def _draw_age(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del look
    return pad(age(max(0.0, now - row.run.created)), width, "right")


def _state_words(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now, width, look
    return tr(sanitise(row.run.state))


NAME = Column("name", term("run"), 14, _draw_name, 3, style="title", sort_key="name")
_PROGRESS = Column("progress", "", 6, _draw_progress, 6, "live", True, sort_key="done")
_BEST = Column(
    "best", term("best"), 11, lambda row, *_: best_words(row.run), 2, "", True, False, "best"
)
_CURVE = Column("curve", term("curve"), 8, _draw_curve, 5, "line0", True)
HOST = Column(
    "host", term("host"), 4, lambda row, *_: sanitise(host_of(row.run.path)) or NOTHING, 1, "quiet",
    sort_key="host",
)  # fmt: skip
"""Among the usual ones where runs of several machines are listed."""
LATER = (
    Column("state", term("state"), 8, _state_words, 0, sort_key="state"),
    _PROGRESS,
    Column("done", term("done"), 4, _draw_percent, 1, "", True, sort_key="done"),
    Column("epoch", term("epoch"), 5, lambda row, *_: epoch_words(row.run), 7, "", True,
           sort_key="epoch"),
    _BEST,
    _CURVE,
    Column(
        "device", term("device"), 6, lambda row, *_: sanitise(row.run.device) or NOTHING, 9,
        sort_key="device",
    ),
    Column("duration", term("duration"), 8, _draw_duration, 8, "quiet", False, True, "duration"),
    # "59 min ago" is the longest age.
    Column("age", term("age"), 10, _draw_age, 4, "quiet", False, True, "age"),
)  # fmt: skip
_USUAL = {column.key: column for column in (HOST, *LATER)}
_GROWTH = (("curve", 24), ("progress", 16), ("curve", 48))
"""Who gets what is left of the width, and up to how much."""


# --- what fits ----------------------------------------------------------------------------------


def _offered(layout: TableLayout) -> tuple[Column, ...]:
    choice = layout.choice
    if not choice:
        return (HOST, *LATER) if layout.needs.host else LATER
    return tuple(
        _USUAL[key] if key in _USUAL else _value_column(key, rank)
        for rank, key in enumerate(choice)
    )


def _in_rank(choice: tuple[str, ...], later: tuple[Column, ...]) -> list[Column]:
    """Return all columns, those that are wanted most first: chosen ones in their order."""
    if not choice:
        return sorted((NAME, *later), key=lambda column: column.rank)
    # After two of them the name is made whole, as among the usual ones.
    return [*later[:2], NAME, *later[2:]]


def _need(column: Column, layout: TableLayout) -> int:
    """Return the cells that show all of a column's words, its heading, and how it is sorted."""
    arrow = layout.sorts_by(column)
    heading = display_width(tr(column.heading)) + arrow if column.heading else 0
    return max(column.width, layout.needs.of(column.key), heading)


@lru_cache(maxsize=64)
def _fitting(layout: TableLayout) -> tuple[tuple[Column, int], ...]:
    room = layout.width - MARK_WIDTH - NAME.width
    sizes = {NAME.key: NAME.width}
    later = _offered(layout)
    for column in _in_rank(layout.choice, later):
        need = _need(column, layout)
        if column is NAME:
            # Cut names tell runs apart too: they are whole only after what matters more is there.
            more = max(0, min(room, need - NAME.width))
            sizes[NAME.key] += more
            room -= more
        elif need < room:
            sizes[column.key] = need
            room -= need + 1
    _grow(sizes, room)
    return tuple((column, sizes[column.key]) for column in (NAME, *later) if column.key in sizes)


def _grow(sizes: dict[str, int], room: int) -> None:
    """Give away what is left of the width."""
    for key, most in _GROWTH:
        more = min(room, most - sizes.get(key, most))
        if more > 0:
            sizes[key] += more
            room -= more
    if "curve" not in sizes and "best" in sizes:
        # For the reasons of runs that failed, which stand there.
        sizes["best"] += room
