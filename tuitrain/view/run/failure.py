"""Why a run failed, in words: for the command line, the run screen and the list of alerts.

Pure functions of failures; knows neither files nor widgets.
"""

from collections.abc import Sequence

from tuitrain.failures.explain import Failure
from tuitrain.lang import said, term, tr
from tuitrain.view.format import display_width, pad, sanitise, shorten
from tuitrain.view.spans import Span, SpanLine, plain_text, wrap_plain

_MOST_NOTE_LINES = 2
_NOTE_TAIL = term("  (A: what to do)")
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
    words = _words(failures[0])
    lines = wrap_plain(words, width - 2)
    *first, last = lines[:_MOST_NOTE_LINES]
    more = " ..." if len(lines) > _MOST_NOTE_LINES else ""
    tail = tr(_NOTE_TAIL)
    end = shorten(f"{plain_text(last)}{more}", width - 1 - display_width(tail))
    return [
        *((Span(" "), *line) for line in first),
        (Span(f" {end}"), Span(tail, "quiet")),
    ]


def failure_line(failure: Failure) -> SpanLine:
    """Return a failure as a line in the list of alerts."""
    return (
        Span(f" {pad(tr('end'), _CLOCK_WIDTH)} ", "quiet"),
        Span(f"{'':>9} "),
        Span(f"{pad(tr('why'), _KIND_WIDTH)} ", "bad"),
        Span(_sentence(failure)),
    )


def failure_details(failure: Failure, width: int) -> list[SpanLine]:
    """Return all there is to read of one: what it means, what gave it away, what to do."""
    lines: list[SpanLine] = [(Span(f" {sanitise(tr(failure.kind))}", "strong"),)]
    lines += _indented(_meaning(failure), width)
    lines.append(())
    for part in _origin(failure):
        lines += _indented(part, width)
    lines.append(())
    for advice in failure.advice:
        lines += _indented(f"{tr('try')} {said(advice)}", width)
    return lines


def _indented(text: str, width: int) -> list[SpanLine]:
    return [(Span(" "), *line) for line in wrap_plain(text, width - 2)]


def _sentence(failure: Failure) -> str:
    return sanitise(_words(failure) if failure.meaning else failure.line)


def _words(failure: Failure) -> str:
    return tr("{kind}: {words}", kind=tr(failure.kind), words=_meaning(failure))


def _meaning(failure: Failure) -> str:
    """Return what a failure means in the language that is spoken, sentence by sentence."""
    first = failure.meaning.removesuffix(" ".join(failure.figures)).rstrip()
    # A Chinese sentence ends in a wide stop, which has its blank within.
    return " ".join(map(said, (first, *failure.figures))).replace("。 ", "。")


def _origin(failure: Failure) -> list[str]:
    """Say what gave it away, and where in the user's code it was raised."""
    lines = [tr("seen in {line}", line=sanitise(failure.line))] if failure.meaning else []
    if failure.place is not None:
        code = f": {failure.place.code}" if failure.place.code else ""
        lines.append(tr("raised at {place}", place=sanitise(f"{failure.place}{code}")))
    return lines
