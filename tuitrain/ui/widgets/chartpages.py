"""Which charts of many are in sight: how many at once, on which page, or one alone.

Knows titles and numbers; no widget.
"""

from collections.abc import Sequence

from tuitrain.lang import tr

Group = tuple[str, tuple[str, ...]]
"""A chart's title, and the metrics on it."""

MOST_CHARTS = 9
"""In sight where the grid fits itself to the screen."""
_SIZES = (
    (1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3), (4, 4), (5, 4), (5, 5), (6, 5), (6, 6),
)  # fmt: skip
"""Columns and rows that the keys go through."""


class ChartPages:
    """Pages of charts."""

    def __init__(self) -> None:
        """Show the first charts, as many as fit."""
        self._fitting = (1, 1)
        self._chosen: tuple[int, int] | None = None
        self._first = 0
        self._alone: str | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Columns and rows that there is room for."""
        return (1, 1) if self._alone is not None else self._chosen or self._fitting

    @property
    def is_alone(self) -> bool:
        """Whether one chart was chosen to fill the screen."""
        return self._alone is not None

    def fit(self, columns: int, rows: int) -> None:
        """Take what fits the screen, unless a size was chosen."""
        self._fitting = (columns, rows)

    def resize(self, by: int) -> str:
        """Show more or fewer charts at once; return what the size is called now."""
        columns, rows = self.shape
        near = [place for place, (c, r) in enumerate(_SIZES) if c * r <= columns * rows]
        place = min(max(near[-1] + by, 0), len(_SIZES) - 1)
        self._chosen, self._alone = _SIZES[place], None
        return "x".join(map(str, self._chosen))

    def turn(self, pages: int) -> None:
        """Show other charts; `place` keeps it within what there is."""
        columns, rows = self.shape
        self._first += pages * columns * rows

    def put_alone(self, title: str | None) -> None:
        """Let one chart fill the screen, or none."""
        self._alone, self._first = title, 0

    def begin(self) -> None:
        """Show the first charts."""
        self._first = 0

    def in_sight(self, groups: Sequence[Group]) -> Sequence[Group]:
        """Return those of all groups that are shown."""
        first, last = self._range(groups)
        return self._choice(groups)[first:last]

    def where(self, groups: Sequence[Group]) -> str:
        """Say which of how many charts are in sight; nothing where all are."""
        first, last = self._range(groups)
        whole = len(self._choice(groups))
        if last - first >= whole:
            return ""
        shown = f"{first + 1}" if last == first + 1 else f"{first + 1}-{last}"
        return tr(" {shown} of {whole}", shown=shown, whole=whole)

    def _choice(self, groups: Sequence[Group]) -> Sequence[Group]:
        alone = [group for group in groups if group[0] == self._alone]
        return alone or groups

    def _range(self, groups: Sequence[Group]) -> tuple[int, int]:
        columns, rows = self.shape
        room = columns * rows if self._chosen else min(MOST_CHARTS, columns * rows)
        whole = len(self._choice(groups))
        pages = max(1, -(-whole // room))
        self._first = self._first // room % pages * room
        return self._first, min(whole, self._first + room)
