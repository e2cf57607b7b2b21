"""Which rows of a log are in sight: a window of its lines, wrapped or not, in the room there is.

Knows lines and cells; nothing of keys, files or colours.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from tuitrain.ui.feeds.log import LogWindow
from tuitrain.view.logtext import wrap_starts

Place = tuple[int, int]
"""Which line of the window, and which of its wrapped rows."""


class LogRow(NamedTuple):
    """One row in sight."""

    line: int
    place: int
    """Where its line begins in the file."""
    first: bool
    """Whether it is its line's first row."""
    text: str


class LogRows:
    """The rows in sight, and where in the log they are."""

    def __init__(self) -> None:
        """Show the end of a log that has no lines yet."""
        self.window = LogWindow()
        """The lines in memory."""
        self.following = True
        """The end is in sight and stays there as the log grows."""
        self.in_sight: list[LogRow] = []
        self.wrapped = False
        """Whether long lines go on in the next row."""
        self._at_start = False
        """The first line was asked for, though it may still have to be read."""
        self._top: Place = (0, 0)
        self._width = self._height = 1

    @property
    def first_place(self) -> int:
        """Where in the file the first line in sight begins."""
        return self.place_of(self._top[0])

    def place_of(self, line: int) -> int:
        """Return where in the file a line of the window begins."""
        starts = self.window.starts
        return starts[line] if line < len(starts) else self.window.seen

    # --- moving: each arranges the rows, and returns whether they are others than before --------

    def fit(self, width: int, height: int) -> bool:
        """Take so many cells and rows; the end stays in sight, or what was."""
        self._width, self._height = max(1, width), max(1, height)
        return self._arrange(self._bottom() if self.following else self._top)

    def wrap(self, wrapped: bool) -> bool:
        """Wrap long lines, or let them go beyond the edge."""
        self.wrapped = wrapped
        return self._arrange(self._bottom() if self.following else (self._top[0], 0))

    def take(self, window: LogWindow) -> bool:
        """Have another window; what is in sight stays, or the end does."""
        place, part = self.first_place, self._top[1]
        self.window = window
        if self.following:
            return self._arrange(self._bottom())
        return self._arrange((0, 0) if self._at_start else (window.line_at(place), part))

    def go_to_end(self) -> bool:
        """Show the last lines, and go on doing so."""
        self.following, self._at_start = True, False
        return self._arrange(self._bottom())

    def go_to_start(self) -> bool:
        """Show the first lines."""
        self.following, self._at_start = False, True
        return self._arrange((0, 0))

    def go_to(self, place: int) -> bool:
        """Bring the line that begins at `place` into sight."""
        self.following = self._at_start = False
        line = self.window.line_at(place)
        if line in {row.line for row in self.in_sight}:
            return self._arrange(self._top)
        return self._arrange(self._moved((line, 0), -(self._height // 3)))

    def scroll(self, by: int, *, stay: bool) -> bool:
        """Scroll by rows; to `stay` at the end does not mean to follow it."""
        self._at_start = False
        goal, bottom = self._moved(self._top, by), self._bottom()
        self.following = goal >= bottom and self.window.at_end and not stay
        return self._arrange(min(goal, bottom))

    def is_at_edge(self, upwards: bool) -> bool:
        """Return whether nothing more in memory lies beyond the rows in sight, but in the log."""
        if upwards:
            return self._top == (0, 0) and self.window.start > 0
        return self._top >= self._bottom() and not self.window.at_end

    # --- rows -----------------------------------------------------------------------------------

    def _starts(self, line: int) -> list[int]:
        return wrap_starts(self.window.texts[line], self._width) if self.wrapped else [0]

    def _moved(self, place: Place, by: int) -> Place:
        """Return the place so many rows further down, or up; never above the first row."""
        line, part = place
        count = len(self.window.texts)
        while by > 0 and line < count:
            left = len(self._starts(line)) - part
            if by < left:
                return line, part + by
            line, part, by = line + 1, 0, by - left
        while by < 0:
            if -by <= part:
                return line, part + by
            if line == 0:
                return 0, 0
            by += part + 1
            line -= 1
            part = len(self._starts(line)) - 1
        return line, part

    def _bottom(self) -> Place:
        """Return the first row in sight when the last one is at the bottom."""
        return self._moved((len(self.window.texts), 0), -self._height)

    def _arrange(self, top: Place) -> bool:
        """Find the rows in sight from one on."""
        line, part = top
        if line < len(self.window.texts):
            part = min(part, len(self._starts(line)) - 1)
        self._top = min((line, part), self._bottom())
        before, self.in_sight = self.in_sight, list(islice(self._rows_below(), self._height))
        return [row[1:] for row in before] != [row[1:] for row in self.in_sight]

    def _rows_below(self) -> Iterator[LogRow]:
        skipped = self._top[1]
        for line in range(self._top[0], len(self.window.texts)):
            starts, text = self._starts(line), self.window.texts[line]
            ends = [*starts[1:], len(text)]
            for start, end in list(zip(starts, ends, strict=True))[skipped:]:
                yield LogRow(line, self.place_of(line), start == 0, text[start:end])
            skipped = 0
