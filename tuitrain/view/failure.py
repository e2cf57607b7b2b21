"""Why a run failed, in words: for the command line, the run screen and the list of alerts.

Pure functions of failures; knows neither files nor widgets.
"""

from collections.abc import Sequence

from tuitrain.failures.explain import Failure
from tuitrain.view.format import sanitise, shorten
from tuitrain.view.spans import Span, SpanLine, plain_text, wrap_plain

_MOST_NOTE_LINES = 2
_NOTE_TAIL = "  (A: what to do)"
_KIND_WIDTH = 10
_CLOCK_WIDTH = 8


def failure_block(failures: Sequence[Failure]) -> str:
    """Return failures as indented lines: all about the first, the others in short."""
    if not failures:
        return ""
    first, *others = failures
    lines = [f"  {_sentence(first)}", *(f"    {line}" for line in _origin(first))]
    lines += [f"    try {sanitise(advice)}" for advice in first.advice]
    lines += [f"  also {sanitise(each.kind)}: {sanitise(each.line)}" for each in others]
    return "\n".join(["WHY IT FAILED", *lines])


def failure_note(failures: Sequence[Failure], width: int) -> list[SpanLine]:
    """Return a line or two for the run screen of what the likeliest cause means."""
    if not failures:
        return []
    words = f"{failures[0].kind}: {failures[0].meaning}"
    lines = wrap_plain(words, width - 2)
    *first, last = lines[:_MOST_NOTE_LINES]
    more = " ..." if len(lines) > _MOST_NOTE_LINES else ""
    end = shorten(f"{plain_text(last)}{more}", width - 1 - len(_NOTE_TAIL))
    return [
        *((Span(" "), *line) for line in first),
        (Span(f" {end}"), Span(_NOTE_TAIL, "quiet")),
    ]


def failure_line(failure: Failure) -> SpanLine:
    """Return a failure as a line in the list of alerts."""
    return (
        Span(f" {'end':<{_CLOCK_WIDTH}} ", "quiet"),
        Span(f"{'':>9} "),
        Span(f"{'why':{_KIND_WIDTH}} ", "bad"),
        Span(_sentence(failure)),
    )


def failure_details(failure: Failure, width: int) -> list[SpanLine]:
    """Return all there is to read of one: what it means, what gave it away, what to do."""
    lines: list[SpanLine] = [(Span(f" {sanitise(failure.kind)}", "strong"),)]
    lines += _indented(failure.meaning, width)
    lines.append(())
    for part in _origin(failure):
        lines += _indented(part, width)
    lines.append(())
    for advice in failure.advice:
        lines += _indented(f"try {advice}", width)
    return lines


def _indented(text: str, width: int) -> list[SpanLine]:
    return [(Span(" "), *line) for line in wrap_plain(text, width - 2)]


def _sentence(failure: Failure) -> str:
    return sanitise(f"{failure.kind}: {failure.meaning}" if failure.meaning else failure.line)


def _origin(failure: Failure) -> list[str]:
    """Say what gave it away, and where in the user's code it was raised."""
    lines = [f"seen in {sanitise(failure.line)}"] if failure.meaning else []
    if failure.place is not None:
        code = f": {failure.place.code}" if failure.place.code else ""
        lines.append(f"raised at {sanitise(f'{failure.place}{code}')}")
    return lines
