"""The table of classes: figures of each, in any order, and where its headings are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuitrain.lang import term, tr
from tuitrain.messages import PerClassCounts
from tuitrain.view.format import display_width, pad, sanitise, shorten
from tuitrain.view.spans import Span, SpanLine

_SHARES = ("precision", "recall", "f1", "iou")
_LEAST_NAME, _MOST_NAME = 8, 32
_CELL = 10
_NARROW_CELL = 8
_TITLES = {
    "class": term("CLASS"), "precision": term("PRECISION"), "recall": term("RECALL"), "f1": "F1",
    "iou": "IOU", "support": term("SUPPORT"), "missed": term("MISSED"), "taken": term("TAKEN"),
}  # fmt: skip
_NARROW_TITLES = _TITLES | {"precision": term("PREC"), "support": term("SAMPLES")}


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class: its number, name and figures by column."""

    number: int
    name: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Order:
    """How the table is sorted."""

    column: str = "class"
    descending: bool = False

    def by(self, column: str) -> "Order":
        """Return the order by a column: its own the other way round, another from its worst on."""
        if column == self.column:
            return Order(column, not self.descending)
        return Order(column, column in ("missed", "taken", "support"))


def class_table(report: Mapping[str, Any], counts: PerClassCounts) -> list[ClassRow]:
    """Return a row for each class of an evaluation."""
    ious = [row["value"] for row in report.get("ious", ())]
    rows = []
    for number, row in enumerate(report["classes"]):
        figures = {key: float(row[key]) for key in ("precision", "recall", "f1")}
        if ious:
            figures["iou"] = float(ious[number])
        figures["support"] = counts.support[number]
        figures["missed"] = counts.support[number] - counts.correct[number]
        figures["taken"] = counts.predicted[number] - counts.correct[number]
        rows.append(ClassRow(number, sanitise(str(row["name"])), figures))
    return rows


def in_order(rows: Sequence[ClassRow], order: Order) -> list[ClassRow]:
    """Return the rows sorted; equal ones stay in the order of the classes."""
    if order.column == "class":
        return sorted(rows, key=lambda row: row.number, reverse=order.descending)
    sign = -1 if order.descending else 1
    # NaN, as the IoU of a class that is nowhere, comes last either way.
    return sorted(rows, key=lambda row: _sortable(sign * row.figures[order.column]))


def _sortable(value: float) -> tuple[bool, float]:
    return value != value, value if value == value else 0.0  # noqa: PLR0124


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns there is room for."""

    names: tuple[str, ...]
    """Behind the class."""
    name_width: int
    cell: int

    def at(self, x: int) -> str | None:
        """Return the column whose heading is at a cell; None beside them."""
        if x < 1:
            return None
        if x < 1 + self.name_width:
            return "class"
        place = (x - 1 - self.name_width) // self.cell
        return self.names[place] if place < len(self.names) else None


def columns_for(rows: Sequence[ClassRow], width: int) -> Columns:
    """Return the columns that fit; the class has what is left."""
    names = tuple(rows[0].figures) if rows else ()
    longest = max((display_width(row.name) for row in rows), default=0)
    wanted = min(max(longest + 1, _LEAST_NAME), _MOST_NAME)
    cell = _CELL if wanted + len(names) * _CELL < width else _NARROW_CELL
    room = max(0, (width - 1 - _LEAST_NAME) // cell)
    kept = names[:room]
    return Columns(kept, max(_LEAST_NAME, min(wanted, width - 1 - len(kept) * cell)), cell)


def head_line(columns: Columns, order: Order) -> SpanLine:
    """Return the headings; the one that the table is sorted by stands out with its direction."""
    spans = [Span(" ")]
    for name in ("class", *columns.names):
        chosen = name == order.column
        title = (_NARROW_TITLES if columns.cell == _NARROW_CELL else _TITLES)[name]
        text = f"{tr(title)}{('v' if order.descending else '^') if chosen else ''}"
        style = "strong" if chosen else "quiet"
        width = columns.name_width if name == "class" else columns.cell
        spans.append(Span(pad(text, width, "left" if name == "class" else "right"), style))
    return tuple(spans)


def row_line(row: ClassRow, columns: Columns) -> SpanLine:
    """Return one class."""
    name = shorten(row.name, columns.name_width - 1)
    name += " " * (columns.name_width - display_width(name))
    cells = [_cell(key, row.figures[key]).rjust(columns.cell) for key in columns.names]
    return (Span(f" {name}"), *map(Span, cells))


def _cell(key: str, value: float) -> str:
    return f"{value:.4f}" if key in _SHARES else f"{int(value):,}"
