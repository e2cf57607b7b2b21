"""A list whose rows are worded only when they come into sight: ten thousand cost as much as ten.

Knows keys and a function that words one; not what they stand for.
"""

from collections.abc import Callable, Sequence

from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.view.spans import SpanLine

_EMPTY: SpanLine = ()


class LazyList(PickList):
    """Rows by key; `draw` gives the line of one."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._order: tuple[str, ...] = ()
        self._draw: Callable[[str], SpanLine] = lambda _key: _EMPTY
        self._drawn: dict[int, SpanLine] = {}

    def show_keys(
        self, keys: Sequence[str], draw: Callable[[str], SpanLine], empty: str = ""
    ) -> None:
        """Show other rows; of those in sight only the ones that differ are drawn.

        Args:
            keys: one a row, in order.
            draw: words the row of a key; called for rows in sight alone.
            empty: what stands there when there are no rows.
        """
        self._draw = draw
        if self._order != tuple(keys) or not keys:
            self._order = tuple(keys)
            self.show_rows([Row(key, _EMPTY) for key in keys], empty)
        for y in self.rows_in_sight():
            if self._drawn.get(y) != self._word(y):
                self.refresh_line(y)

    def rows_in_sight(self) -> range:
        """Return the numbers of the rows that the screen shows now."""
        top = int(self.scroll_offset.y)
        return range(top, min(top + self.size.height, len(self._order)))

    def keys_in_sight(self) -> list[str]:
        """Return the keys of the rows that the screen shows now."""
        return [self._order[y] for y in self.rows_in_sight()]

    def line_at(self, y: int) -> SpanLine:
        """Word a row now that it is drawn."""
        if not self._order:
            return super().line_at(y)
        line = self._word(y)
        self._drawn[y] = line
        return line

    def _word(self, y: int) -> SpanLine:
        return self._draw(self._order[y]) if y < len(self._order) else _EMPTY
