"""Lines: as high as there are lines, whenever they come."""

import asyncio

from rich.style import Style
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.ui.screens import wait_for
from tuitrain.ui.widgets.lines import Lines, draw_strip
from tuitrain.view.spans import Span, SpanLine


class LinesApp(App[None]):
    """Lines above the rest of the screen."""

    CSS = "#rest { height: 1fr; }"
    span_styles: dict[str, object] = {}

    def compose(self) -> ComposeResult:
        yield Lines(id="note")
        yield Static("rest", id="rest")


def rows(count: int) -> list[SpanLine]:
    return [(Span(f"row {number}"),) for number in range(count)]


def test_lines_that_change_around_a_layout_all_find_room() -> None:
    async def run() -> None:
        app = LinesApp()
        async with app.run_test(size=(40, 12)) as pilot:
            note, rest = app.query_one(Lines), app.query_one("#rest")
            for count in (4, 2, 0, 5):
                note.show_lines(rows(1))
                app.screen._refresh_layout()
                note.show_lines(rows(count))
                await wait_for(
                    pilot, lambda n=count: (note.size.height, rest.region.y) == (n, n), f"{count}"
                )

    asyncio.run(run())


def test_blanks_go_on_in_the_style_before_them_only_where_that_looks_the_same() -> None:
    styles = {"quiet": Style(color="grey50"), "hot": Style(bgcolor="red")}
    for style, ends in (("quiet", ["ab   "]), ("hot", ["ab", "   "])):
        strip = draw_strip((Span("ab", style),), 5, styles, Style.null())
        assert [segment.text for segment in strip] == ends


def test_a_style_may_be_the_colours_themselves() -> None:
    (segment,) = draw_strip((Span("▀", "#ff0000 on #0000ff"),), 1, {}, Style.null())
    assert segment.style == Style(color="#ff0000", bgcolor="#0000ff")
