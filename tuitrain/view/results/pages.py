"""Which pages an evaluation has, by what its targets are, and the line that names them."""

from collections.abc import Sequence
from typing import Literal

from tuitrain.lang import tr
from tuitrain.view.spans import Span, SpanLine, line_width

Page = Literal[
    "summary", "classes", "confusion", "curves", "calibration", "scatter", "residuals", "worst",
    "samples",
]  # fmt: skip

_OF_FAMILY: dict[str, tuple[Page, ...]] = {
    "classes": ("classes", "confusion", "curves", "calibration"),
    "numbers": ("scatter", "residuals"),
    "pixels": ("classes",),
}


def pages_of(family: str, *, counted: bool, sampled: bool) -> tuple[Page, ...]:
    """Return the pages of an evaluation, in their order.

    Args:
        family: what its targets are, as `tuitrain.analysis.evaluation` calls it.
        counted: whether there are counts by class.
        sampled: whether the run has recorded samples.
    """
    own = [page for page in _OF_FAMILY.get(family, ()) if counted or page not in ("classes",)]
    last: tuple[Page, ...] = ("worst", "samples") if sampled else ("worst",)
    return ("summary", *own, *last)


def page_bar(pages: Sequence[Page], current: Page, width: int) -> SpanLine:
    """Return the pages with their keys; where there is no room, the current one's name alone."""
    whole = _bar(pages, current, set(pages))
    return whole if line_width(whole) <= width else _bar(pages, current, {current})


def _bar(pages: Sequence[Page], current: Page, named: set[Page]) -> SpanLine:
    spans: list[Span] = []
    for number, page in enumerate(pages, 1):
        name = f" {tr(page)}" if page in named else ""
        if page == current:
            spans += [Span(f" {number}", "picked"), Span(f"{name} ", "picked")]
        else:
            spans += [Span(f" {number}", "key"), Span(f"{name} ", "quiet")]
    return tuple(spans)


def page_at(pages: Sequence[Page], current: Page, width: int, column: int) -> Page | None:
    """Return the page whose name is at a column of the line; None beside them."""
    spans = page_bar(pages, current, width)
    end = 0
    for place, page in enumerate(pages):
        end += line_width(spans[2 * place : 2 * place + 2])
        if column < end:
            return page
    return None
