"""The legend of a workspace as lines: sign and name of each run, what differs, its value.

Pure functions to spans; knows nothing of a screen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuitrain.lang import tr
from tuitrain.view.format import display_width, pad, shorten
from tuitrain.view.palette import SLOTS, marker_of
from tuitrain.view.spans import Span, SpanLine, fit_line
from tuitrain.view.workspace.entries import Entry, Legend

_GAP = 2
_MOST_LABEL, _LEAST_LABEL, _MOST_SETTING = 32, 10, 18
_QUIET_STATES = ("finished", "")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader has done to the entries."""

    hidden: frozenset[str] = frozenset()
    top: str = ""
    """The key of the one that is pinned."""


def legend_lines(
    legend: Legend,
    values: Mapping[str, str],
    about: str,
    width: int,
    shown: Shown = Shown(),
) -> tuple[SpanLine, list[SpanLine]]:
    """Return the headings, and a line an entry.

    Args:
        legend: what there is.
        values: of the chart in front, by an entry's key.
        about: what the values are, for their heading.
        width: cells; settings that do not fit are left out, from the right.
        shown: which are hidden, and which is on top.
    """
    columns = [_label_column(legend), *_state_column(legend), *_setting_columns(legend)]
    room = width - _width([about, *values.values()]) - 2
    kept = _fitting(columns, room)
    head = [Span("  "), *(Span(_pad(each.heading, each.width), "quiet") for each in kept)]
    taken = 2 + sum(each.width + _GAP for each in kept)
    lines = []
    for place, entry in enumerate(legend.entries):
        hidden = entry.key in shown.hidden
        cells = [Span(_pad(each.cells[place], each.width), "quiet" if hidden else "")
                 for each in kept]  # fmt: skip
        value = tr("hidden") if hidden else values.get(entry.key, "")
        lines.append((_sign(entry, hidden, entry.key == shown.top), *cells,
                      Span(pad(value, width - taken, "right"),
                           "quiet" if hidden else "")))  # fmt: skip
    heading = (*head, Span(pad(shorten(about, width - taken), width - taken, "right"), "quiet"))
    return fit_line(heading, width), [fit_line(line, width) for line in lines]


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    cells: tuple[str, ...]
    width: int


def _label_column(legend: Legend) -> _Column:
    cells = tuple(entry.label for entry in legend.entries)
    return _Column(tr("run"), cells, max(_LEAST_LABEL, min(_width(cells), _MOST_LABEL)))


def _state_column(legend: Legend) -> list[_Column]:
    cells = tuple(tr(entry.state) for entry in legend.entries)
    if all(entry.state in _QUIET_STATES for entry in legend.entries):
        return []
    return [_Column(tr("state"), cells, _width(cells))]


def _setting_columns(legend: Legend) -> list[_Column]:
    columns = []
    for place, heading in enumerate(legend.headings):
        cells = tuple(entry.settings[place] for entry in legend.entries)
        columns.append(_Column(heading, cells, min(_width([heading, *cells]), _MOST_SETTING)))
    return columns


def _fitting(columns: Sequence[_Column], room: int) -> list[_Column]:
    kept: list[_Column] = []
    for column in columns:
        room -= column.width + _GAP
        if kept and room < 0:
            break
        kept.append(column)
    return kept


def _sign(entry: Entry, hidden: bool, top: bool) -> Span:
    sign = " " if hidden else marker_of(entry.slot)
    return Span(f"{sign}{'^' if top else ' '}", f"line{entry.slot % SLOTS}")


def _width(cells: Sequence[str]) -> int:
    return max((display_width(cell) for cell in cells), default=0)


def _pad(text: str, width: int) -> str:
    short = shorten(text, width)
    return short + " " * (width - display_width(short) + _GAP)
