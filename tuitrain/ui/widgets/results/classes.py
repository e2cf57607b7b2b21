"""The page of classes: a table sorted by any column, and the mistakes of the class picked."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from tuitrain.analysis.mistakes import class_rows, overlap_rows
from tuitrain.lang import tr
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.ui.widgets.results.heading import Heading
from tuitrain.ui.widgets.results.page import ResultsPage, SamplePane, Shown
from tuitrain.view.results.classes import (
    Order,
    class_table,
    columns_for,
    head_line,
    in_order,
    row_line,
)
from tuitrain.view.results.samples import heading


class ClassesPage(ResultsPage):
    """The figures of each class above its mistakes."""

    DEFAULT_CSS = """
    ClassesPage #classes { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "sort", id="classes.sort",
                tooltip="Sort the classes by the next column; a click on a heading sorts by it."),
        Binding("r", "reverse", "reverse", id="classes.reverse",
                tooltip="Sort the other way round."),
    ]  # fmt: skip

    def __init__(self, shown: Shown) -> None:
        """Show the classes in their own order."""
        super().__init__(shown)
        counts = shown.results.found.counts
        self._rows = class_table(shown.results.report, counts) if counts is not None else []
        self._order = Order()
        self._head = Heading()
        self._table = PickList(id="classes")
        self._pane = SamplePane(shown)

    @property
    def entry(self) -> Widget:
        """The table."""
        return self._table

    def compose(self) -> ComposeResult:
        """Put the table above the samples."""
        yield self._head
        yield self._table
        yield self._pane

    def draw(self) -> None:
        """Draw the table in its order."""
        columns = columns_for(self._rows, self.size.width)
        self._head.show_lines([head_line(columns, self._order)])
        rows = in_order(self._rows, self._order)
        self._table.show_rows([Row(str(row.number), row_line(row, columns)) for row in rows])
        self._show_mistakes()

    def forms_came(self) -> None:
        """Show what is known of the sample by now."""
        self._pane.show_one()

    def on_pick_list_moved(self, event: PickList.Moved) -> None:
        """Show the mistakes of another class."""
        event.stop()
        self._show_mistakes()

    def on_pick_list_chosen(self, event: PickList.Chosen) -> None:
        """Go from the table to the samples."""
        event.stop()
        self._pane.list.focus()

    def on_heading_clicked(self, event: Heading.Clicked) -> None:
        """Sort by a column, or the other way round."""
        event.stop()
        column = columns_for(self._rows, self.size.width).at(event.x)
        if column is not None:
            self._sort(self._order.by(column))

    def _show_mistakes(self) -> None:
        row = next((row for row in self._rows if str(row.number) == self._table.key), None)
        if row is None:
            return
        results = self.shown.results
        if results.judged is None:
            found = overlap_rows(results.found, row.number)
            self._pane.show_samples(
                tr("{name}, least overlap first", name=row.name), found, len(found)
            )
            return
        numbers = results.judged.mistaken(row.number)
        shown = class_rows(results.found, results.judged, numbers.tolist())
        title = heading(tr("mistakes with {name}", name=row.name), len(numbers))
        self._pane.show_samples(title, shown, len(numbers))

    def _sort(self, order: Order) -> None:
        self._order = order
        self.draw()

    def action_sort(self) -> None:
        """Sort by the next column."""
        names = ["class", *(self._rows[0].figures if self._rows else ())]
        place = (names.index(self._order.column) + 1) % len(names)
        self._sort(Order("").by(names[place]))

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._sort(self._order.by(self._order.column))
