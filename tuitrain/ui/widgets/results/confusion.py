"""The page of the confusion matrix: a heat map that is walked, and the samples of the cell."""

from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from tuitrain.analysis.mistakes import Judged, class_rows
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.results.page import ResultsPage, SamplePane, Shown
from tuitrain.view.chart.figure import Size
from tuitrain.view.results.heat import (
    HeatMap,
    Place,
    cell_words,
    frame_for,
    heat_lines,
    largest_mistakes,
)

_BESIDE = 130
"""Columns from which the samples stand beside the matrix."""


class HeatView(Lines, can_focus=True):
    """The part of the matrix around a cursor."""

    DEFAULT_CSS = "HeatView { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1, 0)", "up", show=False, id="heat.up",
                tooltip="The class above as the true one."),
        Binding("down,j", "move(1, 0)", "down", show=False, id="heat.down",
                tooltip="The class below as the true one."),
        Binding("left,h", "move(0, -1)", "left", show=False, id="heat.left",
                tooltip="The class to the left as the predicted one."),
        Binding("right,l", "move(0, 1)", "right", show=False, id="heat.right",
                tooltip="The class to the right as the predicted one."),
        Binding("pageup", "page(-1)", "page up", show=False, id="heat.page_up",
                tooltip="As many classes up as are in sight."),
        Binding("pagedown", "page(1)", "page down", show=False, id="heat.page_down",
                tooltip="As many classes down as are in sight."),
        Binding("home", "edge(0)", "first", show=False, id="heat.first",
                tooltip="The first predicted class."),
        Binding("end", "edge(-1)", "last", show=False, id="heat.last",
                tooltip="The last predicted class."),
        Binding("enter", "open", "samples", id="heat.open",
                tooltip="Go to the samples of the cell."),
        Binding("n", "mistake(1)", "next mistake", id="heat.next",
                tooltip="Go to the next largest number of mistakes."),
        Binding("N", "mistake(-1)", "previous mistake", show=False, id="heat.previous",
                tooltip="Go back to the larger number of mistakes before."),
        Binding("s", "shares", "shares", id="heat.shares",
                tooltip="Show percent of each true class, or numbers again."),
    ]  # fmt: skip

    class Moved(Message):
        """The cursor is on another cell."""

    class Opened(Message):
        """The samples of the cell are wanted."""

    def __init__(self, judged: Judged) -> None:
        """Begin at the largest mistake."""
        super().__init__()
        self.heat = HeatMap.of(judged.confusion(), judged.classes)
        self._mistakes = largest_mistakes(self.heat.counts)
        self.cursor = self._mistakes[0] if self._mistakes else Place(0, 0)
        self._first = Place(0, 0)

    def draw(self) -> None:
        """Draw the part around the cursor."""
        size = Size(*self.size)
        if size.width < 1 or size.height < 1:
            return
        frame = frame_for(self.heat, size)
        self._first = frame.follow(self._first, self.cursor)
        self.show_lines(heat_lines(self.heat, self.cursor, self._first, frame, app_of(self).look))

    def on_resize(self, event: events.Resize) -> None:
        """Draw in the room there is now."""
        del event
        self._first = Place(0, 0)
        self.draw()

    def on_click(self, event: events.Click) -> None:
        """Go to the cell that is clicked."""
        offset = event.get_content_offset(self)
        frame = frame_for(self.heat, Size(*self.size))
        if offset is not None:
            place = frame.place_at(self._first, offset.x, offset.y, len(self.heat.names))
            self._go(place or self.cursor)

    def _go(self, place: Place) -> None:
        last = len(self.heat.names) - 1
        self.cursor = Place(min(max(place.row, 0), last), min(max(place.column, 0), last))
        self.draw()
        self.post_message(self.Moved())

    def action_move(self, rows: int, columns: int) -> None:
        """Go to a cell beside this one."""
        self._go(Place(self.cursor.row + rows, self.cursor.column + columns))

    def action_page(self, by: int) -> None:
        """Go up or down by what is in sight."""
        self.action_move(by * max(1, frame_for(self.heat, Size(*self.size)).rows - 1), 0)

    def action_edge(self, column: int) -> None:
        """Go to the first or last column."""
        self._go(Place(self.cursor.row, column % len(self.heat.names)))

    def action_mistake(self, by: int) -> None:
        """Go to the next of the mistakes, from the largest on."""
        if self._mistakes:
            known = self.cursor in self._mistakes
            place = self._mistakes.index(self.cursor) + by if known else 0
            self._go(self._mistakes[place % len(self._mistakes)])

    def action_shares(self) -> None:
        """Show percent or numbers."""
        self.heat = replace(self.heat, shares=not self.heat.shares)
        self.draw()

    def action_open(self) -> None:
        """Go to the samples."""
        self.post_message(self.Opened())


class ConfusionPage(ResultsPage):
    """The matrix above or beside the samples of its cell."""

    DEFAULT_CSS = """
    ConfusionPage { layout: vertical; }
    ConfusionPage SamplePane { height: 7; }
    ConfusionPage.beside { layout: grid; grid-size: 2 1; grid-columns: 3fr 2fr; grid-gutter: 0 2; }
    ConfusionPage.beside SamplePane { height: 1fr; }
    """

    def __init__(self, shown: Shown, judged: Judged) -> None:
        """Show the matrix of what was judged."""
        super().__init__(shown)
        self._judged = judged
        self._heat = HeatView(judged)
        self._pane = SamplePane(shown)

    @property
    def entry(self) -> Widget:
        """The matrix."""
        return self._heat

    def compose(self) -> ComposeResult:
        """Put the matrix first."""
        yield self._heat
        yield self._pane

    def draw(self) -> None:
        """Share out the room, and draw."""
        width, height = self.size
        beside = width >= _BESIDE
        self.set_class(beside, "beside")
        if not beside:
            rows = len(self._heat.heat.names) + 1
            self._heat.styles.height = min(rows, max(4, height * 3 // 5))
            self._pane.styles.height = "1fr"
        self._heat.draw()
        self._show_cell()

    def forms_came(self) -> None:
        """Show what is known of the sample by now."""
        self._pane.show_one()

    def on_heat_view_moved(self) -> None:
        """Show the samples of another cell."""
        self._show_cell()

    def on_heat_view_opened(self) -> None:
        """Go to the samples."""
        self._pane.list.focus()

    def _show_cell(self) -> None:
        place = self._heat.cursor
        numbers = self._judged.in_cell(place.row, place.column)
        rows = class_rows(self.shown.results.found, self._judged, numbers.tolist())
        self._pane.show_samples(cell_words(self._heat.heat, place), rows, len(numbers))
