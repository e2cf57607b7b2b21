"""The flame view of a profile: cells to walk through and to zoom into.

Knows the tree and the keys; how it is drawn is the view's.
"""

from collections.abc import Mapping
from typing import Any

from textual.binding import Binding
from textual.events import Click

from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.flame import (
    Cell,
    Path,
    cursor_lines,
    flame_lines,
    lay_out,
    move,
    node_at,
)

_DETAIL_ROWS = 4


class FlameView(Lines, can_focus=True):
    """A tree of host calls; the cursor is on one of them."""

    DEFAULT_CSS = "FlameView { height: 1fr; }"
    BINDINGS = [
        Binding("left,h", "walk('left')", "left", show=False, id="flame.left",
                tooltip="Go to the call to the left."),
        Binding("right,l", "walk('right')", "right", show=False, id="flame.right",
                tooltip="Go to the call to the right."),
        Binding("up,k", "walk('up')", "caller", show=False, id="flame.up",
                tooltip="Go to the call that this one is part of."),
        Binding("down,j", "walk('down')", "callee", show=False, id="flame.down",
                tooltip="Go to the longest call inside this one."),
        Binding("enter", "zoom", "zoom in", key_display="enter", id="flame.zoom",
                tooltip="Let this call fill the width."),
        Binding("backspace", "widen", "out", key_display="backspace", id="flame.widen",
                tooltip="Go back to the call around it."),
    ]  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._root: Mapping[str, Any] = {}
        self._focus_path: Path = ()
        self._cursor: Path = ()
        self._cells: list[list[Cell]] = []
        self._seen: list[list[Cell]] = []
        """The rows in sight."""

    def show_tree(self, root: Mapping[str, Any]) -> None:
        """Show another tree from its root on."""
        if root is not self._root:
            self._root, self._focus_path, self._cursor = root, (), ()
        self._draw()

    def on_resize(self) -> None:
        """Use the room there is now."""
        self._draw()

    def _draw(self) -> None:
        width, rows = self.size.width, self.size.height - _DETAIL_ROWS - 1
        if not self._root or width <= 0 or rows <= 0:
            return
        # Rows below the screen's end scroll into sight with the cursor: the top ones give way.
        depth = len(self._cursor) - len(self._focus_path)
        cells = lay_out(self._root, self._focus_path, width, max(rows, depth + 2))
        self._cells = cells
        first = max(0, depth + 2 - rows)
        ascii = app_of(self).look.ascii
        seen = self._seen = cells[first : first + rows]
        lines = flame_lines(self._root, seen, self._cursor, width, ascii=ascii)
        blank = [()] * (rows - len(lines))
        facts = cursor_lines(self._root, self._focus_path, self._cursor, width)
        self.show_lines([*lines, *blank, (), *facts])

    def on_click(self, event: Click) -> None:
        """Put the cursor on the call that is clicked."""
        offset = event.get_content_offset(self)
        if offset is None or not 0 <= offset.y < len(self._seen):
            return
        for cell in self._seen[offset.y]:
            if cell.left <= offset.x < cell.left + cell.width:
                self._cursor = cell.path
                self._draw()

    def action_walk(self, direction: str) -> None:
        """Move the cursor."""
        if self._cells:
            self._cursor = move(self._cells, self._cursor, direction)
            self._draw()

    def action_zoom(self) -> None:
        """Let the call under the cursor fill the width."""
        if self._root and node_at(self._root, self._cursor)["us"] > 0:
            self._focus_path = self._cursor
            self._draw()

    def action_widen(self) -> None:
        """Show the call around the one that fills the width."""
        self._focus_path = self._focus_path[:-1]
        self._draw()
