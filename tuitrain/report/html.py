"""A report as one page: everything of a run is escaped here, and nothing is fetched."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from tuitrain.plots.page.charts import ChartData, panels_markup, pictures_markup
from tuitrain.plots.page.write import page
from tuitrain.report.blocks import (
    Block,
    Charts,
    Code,
    Document,
    Facts,
    Folded,
    Pictures,
    Section,
    Shares,
    Table,
    Text,
)
from tuitrain.units import share_text
from tuitrain.view.format import sanitise, sanitise_lines

_COLOURS = 7


def html_report(document: Document) -> str:
    """Return the page."""
    charts = ChartData()
    charts.share_legend(document.legend)
    links = "".join(
        f'<a href="#s{number}">{_text(section.title)}</a>'
        for number, section in enumerate(document.sections)
    )
    sections = "".join(
        _section(number, section, document, charts)
        for number, section in enumerate(document.sections)
    )
    head = (
        f"<h1>{_text(document.title)}</h1>"
        f'<p class="quiet">{_text(document.subtitle)}</p><nav>{links}</nav>'
    )
    return page(sanitise(document.title), head + sections, charts)


def _text(text: str) -> str:
    return escape(sanitise(text))


def _section(number: int, section: Section, document: Document, charts: ChartData) -> str:
    blocks = "".join(_block(block, charts) for block in section.blocks)
    legend = '<div class="legend" id="legend"></div>' if _is_overlaid(section, document) else ""
    return f'<section><h2 id="s{number}">{_text(section.title)}</h2>{legend}{blocks}</section>'


def _is_overlaid(section: Section, document: Document) -> bool:
    """Return whether a section is the one with the curves of several runs."""
    return bool(document.legend) and section.title == "Curves"


def _block(block: Block, charts: ChartData) -> str:
    return _WRITERS[type(block)](block, charts)


def _paragraph(block: Text, _charts: ChartData) -> str:
    kind = f' class="{block.tone}"' if block.tone else ""
    return f"<p{kind}>{_text(block.text)}</p>"


def _facts(block: Facts, _charts: ChartData) -> str:
    rows = "".join(
        f"<tr><td>{_text(name)}</td><td>{_text(value)}</td></tr>" for name, value in block.rows
    )
    return f'<div class="wide"><table class="facts">{rows}</table></div>'


def _table(block: Table, _charts: ChartData) -> str:
    def side(column: int) -> str:
        return ' class="right"' if column in block.right else ""

    head = "".join(f"<th{side(n)}>{_text(name)}</th>" for n, name in enumerate(block.headings))
    rows = []
    for number, row in enumerate(block.rows):
        kind = ' class="marked"' if number in block.marked else ""
        cells = (
            f"<td{side(n)}>{_strong(cell, (number, n) in block.best)}</td>"
            for n, cell in enumerate(row)
        )
        rows.append(f"<tr{kind}>{''.join(cells)}</tr>")
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _strong(cell: str, best: bool) -> str:
    return f'<strong class="good">{_text(cell)}</strong>' if best else _text(cell)


def _code(block: Code, _charts: ChartData) -> str:
    return f"<pre>{escape(sanitise_lines(block.text))}</pre>"


def _shares(block: Shares, _charts: ChartData) -> str:
    bar = "".join(
        f'<span class="f{n % _COLOURS}" style="width:{100 * share:.2f}%"></span>'
        for n, (_name, _said, share) in enumerate(block.parts)
    )
    rows = "".join(
        f'<tr><td><span class="share-key f{n % _COLOURS}"></span> {_text(name)}</td>'
        f'<td class="right">{_text(said)}</td><td class="right">{share_text(share)}</td></tr>'
        for n, (name, said, share) in enumerate(block.parts)
    )
    return f'<div class="share">{bar}</div><div class="wide"><table>{rows}</table></div>'


def _charts_markup(block: Charts, charts: ChartData) -> str:
    title = f"<h3>{_text(block.figure.title)}</h3>" if block.figure.title else ""
    notes = "".join(f'<p class="note">{_text(note)}</p>' for note in block.figure.notes)
    return title + panels_markup(block.figure.panels, charts) + notes


def _pictures(block: Pictures, _charts: ChartData) -> str:
    return pictures_markup(block.panel)


def _folded(block: Folded, charts: ChartData) -> str:
    inner: Sequence[str] = [_block(one, charts) for one in block.blocks]
    return f"<details><summary>{_text(block.title)}</summary>{''.join(inner)}</details>"


_WRITERS: dict[type, Callable[[Any, ChartData], str]] = {
    Text: _paragraph,
    Facts: _facts,
    Table: _table,
    Code: _code,
    Shares: _shares,
    Charts: _charts_markup,
    Pictures: _pictures,
    Folded: _folded,
}
