"""What a command wrote, and how it ended, as lines to read."""

import signal
from collections.abc import Iterable

from tuitrain.lang import tr
from tuitrain.units import duration
from tuitrain.view.format import display_width, sanitise_lines
from tuitrain.view.spans import Span, SpanLine, wrap_plain


def output_lines(output: Iterable[str], width: int) -> list[SpanLine]:
    """Return what was written, on as many lines as it takes."""
    lines: list[SpanLine] = []
    for text in output:
        for each in sanitise_lines(text).split("\n"):
            # As it is where it fits: a table keeps its columns.
            fits = display_width(each) <= width
            lines += [(Span(each),)] if fits else wrap_plain(each, width)
    return lines


def ending_line(code: int | None, duration_s: float, fault: str, width: int) -> list[SpanLine]:
    """Return whether a command runs, or how it ended."""
    if fault:
        return wrap_plain(fault, width, "bad")
    if code is None:
        return wrap_plain(tr("running ..."), width, "live")
    took = tr("after {duration_s}", duration_s=duration(duration_s))
    if code == 0:
        return wrap_plain(tr("done {took}", took=took), width, "good")
    if code < 0:
        name = signal.strsignal(-code) or str(-code)
        return wrap_plain(
            tr("ended by signal {took}: {name}", took=took, name=name), width, "alert"
        )
    return wrap_plain(tr("ended {took} with exit code {code}", took=took, code=code), width, "bad")
