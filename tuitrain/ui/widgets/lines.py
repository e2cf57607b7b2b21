"""Widgets that show lines of spans and send the terminal only those that changed.

Textual repaints a widget whole when it is refreshed; here each changed line is refreshed by itself,
which is what keeps a live screen under a few KB/s.
"""

from collections.abc import Sequence
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.events import MouseEvent
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tuitrain.ui.shell import app_of
from tuitrain.view.spans import SpanLine, changed_cells, fit_line

_PLAIN = Style.null()
_REVERSED = Style(reverse=True)
_COLOURS = 1 << 14
"""Pairs of colours that are held: the cells of some pictures."""


def draw_strip(
    line: SpanLine, width: int, styles: dict[str, Style], base: Style, *, reverse: bool = False
) -> Strip:
    """Return a line as Textual's strip of exactly `width` cells.

    A reversed line is of one colour throughout: reversed, several would be a patchwork. A style
    that begins with `#` names colours of its own, as a picture's have them.
    """
    segments: list[tuple[str, Style]] = []
    for span in fit_line(line, width):
        style = base + (_REVERSED if reverse else _style_of(span.style, styles))
        if segments and _goes_on(segments[-1][1], style, span.text):
            segments[-1] = (segments[-1][0] + span.text, segments[-1][1])
        else:
            segments.append((span.text, style))
    return Strip([Segment(*segment) for segment in segments], width)


def _style_of(name: str, styles: dict[str, Style]) -> Style:
    return _coloured(name) if name.startswith("#") else styles.get(name, _PLAIN)


@lru_cache(maxsize=_COLOURS)
def _coloured(name: str) -> Style:
    return Style.parse(name)


def _goes_on(before: Style, style: Style, text: str) -> bool:
    """Say whether text looks the same in the style before it: each style costs 25 bytes."""
    if before == style:
        return True
    # Of a space one sees the background, and what underlines it.
    if before.bgcolor != style.bgcolor or before.reverse != style.reverse:
        return False
    return text.isspace() and not (before.underline or style.underline)


class Lines(Widget):
    """Lines of spans, as many as fit."""

    DEFAULT_CSS = "Lines { height: auto; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[SpanLine, ...] = ()
        self._base = _PLAIN

    @property
    def lines(self) -> tuple[SpanLine, ...]:
        """What is shown."""
        return self._lines

    def show_lines(self, lines: Sequence[SpanLine]) -> None:
        """Show other lines; only those that differ are drawn."""
        before, self._lines = self._lines, tuple(lines)
        if len(before) != len(self._lines):
            self._fit_height()
            return
        width = self.size.width
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                for first, end in changed_cells(old, new, width):
                    self.refresh(Region(first, y, end - first, 1))

    def _fit_height(self) -> None:
        """Be as high as there are lines, where the style sheet leaves the height open.

        Told as a style: Textual keeps a height that it asked for, and of two changes before its
        next idle moment it can miss the second.
        """
        height = self.styles.base.height
        if height is not None and height.is_auto:
            self.styles.height = len(self._lines) + self.styles.gutter.height
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines."""
        del container, viewport, width
        return len(self._lines)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw lines; the style they stand on is worked out once: it costs as much as a line."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width = self.size.width
        line = self._lines[y] if y < len(self._lines) else ()
        return draw_strip(line, width, app_of(self).span_styles, self._base)


class ScrollLines(ScrollView, can_focus=True, inherit_bindings=False):
    """Any number of lines, of which only those in sight are drawn."""

    DEFAULT_CSS = "ScrollLines { scrollbar-size: 0 0; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[SpanLine, ...] = ()
        self._base = _PLAIN

    @property
    def lines(self) -> tuple[SpanLine, ...]:
        """All lines."""
        return self._lines

    def show_lines(self, lines: Sequence[SpanLine]) -> None:
        """Show other lines; only those in sight that differ are drawn."""
        before, self._lines = self._lines, tuple(lines)
        if len(before) != len(self._lines):
            self.virtual_size = Size(self.size.width, len(self._lines))
            self.refresh()
            return
        top = self.scroll_offset.y
        for y in range(top, min(top + self.size.height, len(self._lines))):
            if before[y] != self._lines[y]:
                for first, end in changed_cells(before[y], self._lines[y], self.size.width):
                    self.refresh(Region(first, y - top, end - first, 1))

    def refresh_line(self, y: int) -> None:
        """Draw one line anew, if it is in sight."""
        place = y - self.scroll_offset.y
        if 0 <= place < self.size.height:
            self.refresh(Region(0, place, self.size.width, 1))

    def row_under(self, event: MouseEvent) -> int | None:
        """Return which of all lines the pointer is on; None where it is on none."""
        offset = event.get_content_offset(self)
        return None if offset is None else offset.y + int(self.scroll_offset.y)

    def line_at(self, y: int) -> SpanLine:
        """Return a line to draw; empty below the last one."""
        return self._lines[y] if y < len(self._lines) else ()

    def is_reversed(self, y: int) -> bool:
        """Say whether a line stands out, as the one under a cursor does."""
        del y
        return False

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw lines; the style they stand on is worked out once: it costs as much as a line."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw one line of those in sight."""
        row = y + self.scroll_offset.y
        return draw_strip(
            self.line_at(row),
            self.size.width,
            app_of(self).span_styles,
            self._base,
            reverse=self.is_reversed(row),
        )
