"""Samples in a list and one of them beside it: its picture, text or values, and what was said.

Knows rows and forms as plain data; nothing of where they come from.
"""

import base64
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from tuitrain.analysis.mistakes import SampleRow
from tuitrain.lang import term, tr
from tuitrain.view.bars import percent_bar
from tuitrain.view.chart.figure import Size, TerminalStyle
from tuitrain.view.chart.spark import sparkline
from tuitrain.view.chart.ticks import short_number
from tuitrain.view.format import display_width, metric_value, pad, sanitise, shorten
from tuitrain.view.images.pixels import Image
from tuitrain.view.images.spans import picture_spans
from tuitrain.view.spans import Span, SpanLine, fit_line, line_width, wrap_plain

Form = Mapping[str, Any]
Likely = Sequence[tuple[str, float]]
"""Classes and their probabilities, the likeliest first."""

_LEAST_PICTURE = 3
"""Rows below which a picture is no picture."""
_HIGH, _WIDE = 14, 26
"""Rows below which, and columns from which, a picture has its words beside it."""
_GAP = 2
_MEASURES = {"loss": term("loss"), "iou": "IoU"}
_CURVE = 8
"""Numbers from which their course is drawn above them."""
_MOST_NUMBERS = 64
_MOST_CLASS = 16
_LABEL = 10


def row_lines(rows: Sequence[SampleRow]) -> list[SpanLine]:
    """Return samples of a list: how far off the model was, what it said, which one it is."""
    classes = [(_class(row.true), _class(row.predicted)) for row in rows]
    widths = [max(map(display_width, column), default=0) for column in zip(*classes, strict=True)]
    return [
        _row_line(row, [_padded(*each) for each in zip(names, widths, strict=True)])
        for row, names in zip(rows, classes, strict=True)
    ]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def _row_line(row: SampleRow, classes: Sequence[str]) -> SpanLine:
    name = f"#{row.number}" if row.name is None else f"#{row.number} {sanitise(row.name)}"
    if row.measure == "probability":
        said = tr(" as ").join(classes)
        spans = [Span(f"{100 * row.value:5.1f} %  ", "strong"), Span(f"{said}  ")]
    elif row.measure == "error":
        said = f"{row.true:>7}{tr(' as ')}{row.predicted:<7}"
        spans = [Span(f"{metric_value(row.value):>7}  ", "strong"), Span(f"{said}  ")]
    else:
        spans = [Span(f"{metric_value(row.value):>7}  ", "strong")]
    return (Span(" "), *spans, Span(name, "quiet"))


def _class(name: str) -> str:
    return shorten(sanitise(name), _MOST_CLASS)


def heading(what: str, number: int) -> str:
    """Return what a list of samples is of, and how many there are."""
    return f"{what}: {number:,}" if number else tr("{what}: none", what=what)


def sample_lines(
    row: SampleRow, form: Form | None, likely: Likely, note: str, size: Size, look: TerminalStyle
) -> list[SpanLine]:
    """Return one sample: what it looks like, then what was said of it.

    Args:
        row: of the list.
        form: what it looks like; None: not known.
        likely: what the model held it for.
        note: why its form is not known.
        size: of the room there is.
        look: what the terminal can show.
    """
    if form is not None and "image" in form and size.height < _HIGH and size.width >= _WIDE:
        return _beside(row, form, likely, size, look)
    said = _said(row, form, likely, size.width, look)
    room = max(_LEAST_PICTURE, size.height - len(said))
    if form is None:
        seen = wrap_plain(note, size.width, "quiet") if note else []
    else:
        seen = form_lines(form, Size(size.width, room), look)
    return [*seen, *said]


def _beside(
    row: SampleRow, form: Form, likely: Likely, size: Size, look: TerminalStyle
) -> list[SpanLine]:
    """Return a picture with the words beside it: below it there would be room for neither."""
    picture = form_lines(form, Size(size.width // 2, size.height), look)
    left = max(map(line_width, picture), default=0) + _GAP
    said = _said(row, form, likely, size.width - left, look)
    return [
        (*fit_line(seen, left), *words) for seen, words in zip_longest(picture, said, fillvalue=())
    ]


def form_lines(form: Form, size: Size, look: TerminalStyle) -> list[SpanLine]:
    """Return what a sample looks like."""
    if "image" in form:
        return picture_spans(_image(form["image"]), size.width, size.height, look)
    if form.get("text") is not None:
        return _text_lines(form, size.width)
    if "tokens" in form:
        return wrap_plain(" ".join(map(str, form["tokens"])), size.width)
    if form.get("columns"):
        return _cells(form["columns"], size.width)
    return _values(form["values"], size, look)


def _image(found: Mapping[str, Any]) -> Image:
    data = base64.b64decode(found["data"])
    return Image(found["width"], found["height"], found["channels"], data)


def _text_lines(form: Form, width: int) -> list[SpanLine]:
    lines = wrap_plain(visible(form["text"]), width)
    if form.get("target_text") is not None:
        lines += wrap_plain(tr("wanted: {text}", text=visible(form["target_text"])), width, "quiet")
    return lines


def visible(text: str) -> str:
    """Return a text with its line ends and tabs as one sees them in source."""
    return text.replace("\n", "\\n").replace("\t", "\\t")


def _cells(columns: Mapping[str, str], width: int) -> list[SpanLine]:
    names = [sanitise(name) for name in columns]
    longest = min(max(map(display_width, names), default=0), max(8, width * 2 // 3))
    lines: list[SpanLine] = []
    for name, cell in zip(names, columns.values(), strict=True):
        label = shorten(name, longest)
        gap = " " * (longest - display_width(label) + 1)
        lines.append((Span(f"{label}{gap}", "label"), Span(sanitise(cell))))
    return lines


def _values(values: Sequence[float], size: Size, look: TerminalStyle) -> list[SpanLine]:
    """Return numbers, above them their course."""
    shown = values[:_MOST_NUMBERS]
    words = " ".join(short_number(float(value)) for value in shown)
    more = " ..." if len(values) > len(shown) else ""
    curve = [(Span(sparkline(shown, min(len(shown), size.width), look), "line0"),)]
    return [*(curve if len(shown) >= _CURVE else []), *wrap_plain(words + more, size.width)]


def _said(
    row: SampleRow, form: Form | None, likely: Likely, width: int, look: TerminalStyle
) -> list[SpanLine]:
    name = "" if row.name is None else f" {row.name}"
    lines = wrap_plain(f"#{row.number}{name}", width, "quiet")[:2]
    if row.measure == "probability":
        lines.append((Span(f"{tr('true')} ", "label"), Span(_class(row.true), "strong")))
        return [*lines, *likely_lines(likely, row.true, width, look)]
    if row.measure == "error":
        lines += [
            (Span(pad(tr("true"), _LABEL), "label"), Span(row.true, "strong")),
            (Span(pad(tr("predicted"), _LABEL), "label"), Span(row.predicted)),
        ]
    elif form is not None and isinstance(form.get("target"), str):
        lines.append((Span(f"{tr('true')} ", "label"), Span(_class(form["target"]), "strong")))
    if row.measure == "error":
        measure = pad(tr("error"), _LABEL)
    else:
        measure = f"{tr(_MEASURES[row.measure])} "
    return [*lines, (Span(measure, "label"), Span(metric_value(row.value)))]


def likely_lines(likely: Likely, true: str, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return the likeliest classes with bars; the true one stands out."""
    names = [_class(name) for name, _share in likely]
    longest = max(map(display_width, names), default=0)
    lines: list[SpanLine] = []
    for name, (whole, share) in zip(names, likely, strict=True):
        gap = " " * (longest - display_width(name) + 1)
        style = "good" if whole == true else ""
        bar = percent_bar(share, max(6, width - longest - 1), look)
        lines.append((Span(f"{name}{gap}", style or "label"), Span(bar, style or "line1")))
    return lines
