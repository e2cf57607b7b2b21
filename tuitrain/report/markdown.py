"""A report as Markdown: curves as text charts, images as addresses that hold all of them.

Everything of a run is escaped here, so that no name is read as markup.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tuitrain.plots.page.charts import data_address
from tuitrain.plots.panels import LinePanel, MatrixPanel, Picture, PicturePanel, Trace
from tuitrain.report.blocks import (
    Block,
    Charts,
    Code,
    Document,
    Facts,
    Folded,
    Pictures,
    Shares,
    Table,
    Text,
)
from tuitrain.units import share_text
from tuitrain.view.chart.chart import Chart, Line, Size, TerminalStyle, draw_chart
from tuitrain.view.format import metric_value, sanitise, sanitise_lines
from tuitrain.view.images.png import to_png
from tuitrain.view.palette import SLOTS, marker_of
from tuitrain.view.spans import plain_text

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!$&])")
_SIZE = Size(78, 15)
_LEADING = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))(?=[.)\s])")
"""What would begin a list, or underline what stands before, at the beginning of a paragraph."""


def markdown_report(document: Document) -> str:
    """Return the text."""
    parts = [f"# {_text(document.title)}", _text(document.subtitle)]
    for section in document.sections:
        parts.append(f"## {_text(section.title)}")
        parts += [text for block in section.blocks for text in _written(block)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _text(text: str) -> str:
    r"""Return text on one line in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", sanitise(text))


def _written(block: Block) -> Iterator[str]:
    yield from _WRITERS[type(block)](block)


def _paragraph(block: Text) -> Iterator[str]:
    text = _LEADING.sub(_harmless_beginning, _text(block.text))
    yield {"note": f"*{text}*", "bad": f"**{text}**"}.get(block.tone, text) if text else ""


def _harmless_beginning(found: re.Match[str]) -> str:
    space, begin = found.groups()
    # Of a number it is the dot behind it that makes a list.
    return f"{space}{begin}\\" if begin.isdigit() else f"{space}\\{begin}"


def _facts(block: Facts) -> Iterator[str]:
    yield _rows(("", ""), [(name, value) for name, value in block.rows], frozenset())


def _table(block: Table) -> Iterator[str]:
    rows = [
        [
            f"**{_text(cell)}**" if cell and (n in block.marked or (n, m) in block.best)
            else _text(cell)
            for m, cell in enumerate(row)
        ]
        for n, row in enumerate(block.rows)
    ]  # fmt: skip
    yield _rows(block.headings, rows, block.right, escaped=True)


def _rows(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: frozenset[int],
    *,
    escaped: bool = False,
) -> str:
    sides = ["---:" if n in right else "---" for n in range(len(headings))]
    lines = [[_text(name) for name in headings], sides]
    lines += [list(row) if escaped else [_text(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(block: Code) -> Iterator[str]:
    yield _fenced(sanitise_lines(block.text))


def _fenced(text: str) -> str:
    """Return lines as they are, in a fence longer than any within them."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _shares(block: Shares) -> Iterator[str]:
    rows = [(name, said, share_text(share)) for name, said, share in block.parts]
    yield _rows(("part", "", "share"), rows, frozenset({1, 2}))


def _folded(block: Folded) -> Iterator[str]:
    yield f"<details><summary>{_html(block.title)}</summary>"
    for inner in block.blocks:
        yield from _written(inner)
    yield "</details>"


def _html(text: str) -> str:
    from html import escape

    return escape(sanitise(text))


# --- pictures -----------------------------------------------------------------------------------


def _charts(block: Charts) -> Iterator[str]:
    if block.drawn_only:
        return
    if any(trace.faint for panel in block.figure.panels if isinstance(panel, LinePanel)
           for trace in panel.traces):  # fmt: skip
        yield "*noisy curves are smoothed*"
    for panel in block.figure.panels:
        if isinstance(panel, LinePanel):
            yield _chart(panel, block.figure.legend)
        elif isinstance(panel, MatrixPanel):
            yield from _matrix(panel)
        else:
            yield from _pictures(Pictures(panel))


def _chart(panel: LinePanel, legend: Sequence[tuple[str, int]]) -> str:
    """Return a chart of characters; as many lines a chart as markers tell apart."""
    traces = [trace for trace in panel.traces if not trace.faint and trace.x]
    parts = [traces[first : first + SLOTS] for first in range(0, len(traces), SLOTS)]
    if not parts:
        return f"**{_text(panel.title)}**: nothing to draw"
    names = {style: label for label, style in legend}
    drawn = [_fenced(sanitise_lines(_drawn(panel, part, names))) for part in parts]
    return "\n\n".join([f"**{_text(panel.title)}**", *drawn])


def _drawn(panel: LinePanel, traces: Sequence[Trace], names: dict[int, str]) -> str:
    """Return some lines of a chart, with what each is and where it ended below."""
    ends = [place for trace in panel.traces for place in trace.x]
    first, last = min(ends), max(ends)
    if first == last:
        first, last = first - 0.5, last + 0.5
    lines = tuple(_line(trace, slot) for slot, trace in enumerate(traces))
    chart = Chart("", lines, (first, last), axis=panel.axis or "step", log=panel.log)
    drawn = draw_chart(chart, _SIZE, TerminalStyle(ascii=False, colour=False))
    told = [
        f"{marker_of(slot)} {_called(trace, names)}, last {_last(trace)}"
        for slot, trace in enumerate(traces)
    ]
    return "\n".join([*map(plain_text, drawn.lines), *told])


def _called(trace: Trace, legend: dict[int, str]) -> str:
    return trace.label or legend.get(trace.style, "")


def _last(trace: Trace) -> str:
    known = [value for value in trace.y if math.isfinite(value)]
    return metric_value(known[-1] if known else None)


def _line(trace: Trace, slot: int) -> Line:
    return Line(
        # Labels stand below it: there are as many as there are lines, however long.
        label="", x=trace.x, low=trace.low or trace.y, high=trace.high or trace.y, mean=trace.y,
        slot=slot,
    )  # fmt: skip


def _matrix(panel: MatrixPanel) -> Iterator[str]:
    rows = [
        (name, *(f"{count:,}" if count else "" for count in counts))
        for name, counts in zip(panel.names, panel.counts, strict=True)
    ]
    columns = frozenset(range(1, len(panel.names) + 1))
    yield _rows(("true \\ predicted", *panel.names), rows, columns)
    if panel.note:
        yield f"*{_text(panel.note)}*"


def _pictures(block: Pictures) -> Iterator[str]:
    panel: PicturePanel = block.panel
    if panel.title:
        yield f"**{_text(panel.title)}**: {_text(panel.note)}"
    rows = [(_shown(picture), _said(picture)) for picture in panel.pictures]
    yield _rows(("sample", ""), rows, frozenset(), escaped=True)


def _said(picture: Picture) -> str:
    said = "<br>".join(_text(line) for line in picture.caption)
    return f"**wrong**<br>{said}" if picture.wrong else said


def _shown(picture: Picture) -> str:
    if picture.image is not None:
        return f"![sample]({data_address(to_png(picture.image))})"
    if picture.values:
        return _text(" ".join(metric_value(value) for value in picture.values))
    return _text(picture.text.replace("\n", " "))


_WRITERS: dict[type, Callable[[Any], Iterator[str]]] = {
    Text: _paragraph,
    Facts: _facts,
    Table: _table,
    Code: _code,
    Shares: _shares,
    Charts: _charts,
    Pictures: _pictures,
    Folded: _folded,
}
