"""Panels as parts of a page: charts as JSON that the page's script draws, the rest as markup.

Everything that comes from a run is escaped here; knows nothing of where panels come from.
"""

import base64
import json
import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from tuitrain.plots.panels import (
    LinePanel,
    MatrixPanel,
    Panel,
    Picture,
    PicturePanel,
    Rulers,
    Trace,
)
from tuitrain.view.format import sanitise, sanitise_lines
from tuitrain.view.images.png import to_png

_DIGITS = 7
"""That a number of a chart has: no screen shows a difference below."""


class ChartData:
    """Gathers the charts of a page, for the one block of JSON that its script reads."""

    def __init__(self) -> None:
        """Begin a page without charts."""
        self._panels: list[dict[str, Any]] = []
        self._rulers: list[Rulers] = []
        self._legend: tuple[tuple[str, int], ...] = ()

    def add(self, panel: LinePanel) -> int:
        """Return the number under which the page finds a chart."""
        self._panels.append(self._plain(panel))
        return len(self._panels) - 1

    def share_legend(self, legend: Sequence[tuple[str, int]]) -> None:
        """Let all charts have one legend."""
        self._legend = tuple(legend)

    def to_json(self) -> str:
        """Return all charts as JSON that no markup can end: no `<` is left in it."""
        data = {
            "panels": self._panels,
            "rulers": [
                {
                    kind: [_numbers(one.steps), _numbers(one.values)]
                    for kind, one in (("epoch", both.epoch), ("time", both.time))
                }
                for both in self._rulers
            ],
            "legend": [[sanitise(label), style] for label, style in self._legend],
        }
        text = json.dumps(data, separators=(",", ":"), allow_nan=False)
        return text.replace("<", "\\u003c")

    def _plain(self, panel: LinePanel) -> dict[str, Any]:
        return {
            "title": sanitise(panel.title), "xLabel": sanitise(panel.x_label),
            "yLabel": sanitise(panel.y_label),
            "axis": panel.axis, "log": panel.log, "xRange": panel.x_range, "yRange": panel.y_range,
            "diagonal": panel.diagonal, "square": panel.square, "note": sanitise(panel.note),
            "events": [
                {"step": event.step, "text": sanitise(event.text),
                 "ruler": self._place(event.ruler)}
                for event in panel.events
            ],
            "traces": [self._plain_trace(trace) for trace in panel.traces],
        }  # fmt: skip

    def _plain_trace(self, trace: Trace) -> dict[str, Any]:
        return {
            "label": sanitise(trace.label), "style": trace.style, "form": trace.form,
            "faint": trace.faint, "thin": trace.thin, "marked": trace.marked,
            "x": _numbers(trace.x), "y": _numbers(trace.y),
            "low": _numbers(trace.low), "high": _numbers(trace.high),
            "lost": _numbers(trace.lost), "ruler": self._place(trace.ruler),
        }  # fmt: skip

    def _place(self, ruler: Rulers | None) -> int | None:
        if ruler is None:
            return None
        if ruler not in self._rulers:
            self._rulers.append(ruler)
        return self._rulers.index(ruler)


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [_short(value) if math.isfinite(value) else None for value in values]


def _short(value: float) -> float:
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short


def _text(text: str) -> str:
    return escape(sanitise(text))


def panels_markup(panels: Sequence[Panel], data: ChartData) -> str:
    """Return panels as markup, charts side by side."""
    return '<div class="charts">' + "".join(_markup(panel, data) for panel in panels) + "</div>"


def _markup(panel: Panel, data: ChartData) -> str:
    if isinstance(panel, LinePanel):
        return f'<figure class="chart" data-chart="{data.add(panel)}"></figure>'
    if isinstance(panel, MatrixPanel):
        return matrix_markup(panel)
    return f'</div>{pictures_markup(panel)}<div class="charts">'


def matrix_markup(panel: MatrixPanel) -> str:
    """Return a table of counts; how strong a cell's colour is is its share of the row."""
    heads = "".join(f"<th>{_text(name)}</th>" for name in panel.names)
    rows = "".join(
        f'<tr><th class="row">{_text(name)}</th>{_cells(row)}</tr>'
        for name, row in zip(panel.names, panel.counts, strict=True)
    )
    title = f"<strong>{_text(panel.title)}</strong>" if panel.title else ""
    note = f"; {_text(panel.note)}" if panel.note else ""
    return (
        f'<div>{title}<div class="wide"><table class="matrix"><tr><th>true \\ predicted</th>'
        f'{heads}</tr>{rows}</table></div><p class="note">rows are true classes, columns predicted '
        f"ones{note}</p></div>"
    )


def _cells(row: Sequence[int]) -> str:
    whole = max(1, sum(row))
    # At the most 0.55: ink stays legible on it, in the light and in the dark.
    return "".join(
        f'<td style="background:rgba(var(--heat),{0.55 * count / whole:.2f})">'
        f"{f'{count:,}' if count else ''}</td>"
        for count in row
    )


def pictures_markup(panel: PicturePanel) -> str:
    """Return samples in a grid."""
    title = f"<h3>{_text(panel.title)}</h3>" if panel.title else ""
    note = f'<p class="note">{_text(panel.note)}</p>' if panel.note else ""
    figures = "".join(_picture(picture) for picture in panel.pictures)
    return f'{title}<div class="pictures">{figures}</div>{note}'


def _picture(picture: Picture) -> str:
    said = "<br>".join(_text(line) for line in picture.caption)
    kind = ' class="wrong"' if picture.wrong else ""
    wrong = "wrong: " if picture.wrong else ""
    return f"<figure{kind}>{_content(picture)}<figcaption>{wrong}{said}</figcaption></figure>"


def _content(picture: Picture) -> str:
    if picture.image is not None:
        alt = _text(", ".join(picture.caption))
        return f'<img alt="{alt}" src="{data_address(to_png(picture.image))}">'
    if picture.words:
        return f"<pre>{escape(sanitise_lines(picture.words))}</pre>"
    return _spark(picture.values)


def data_address(png: bytes) -> str:
    """Return an image as an address that holds all of it."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _spark(values: Sequence[float]) -> str:
    """Return numbers as a small line."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    spread = (high - low) or 1.0
    places = [
        f"{4 + 122 * at / max(1, len(values) - 1):.1f},{56 - 48 * (value - low) / spread:.1f}"
        for at, value in enumerate(values)
        if math.isfinite(value)
    ]
    return (
        '<svg width="100%" viewBox="0 0 130 64"><polyline class="c0 line" '
        f'points="{" ".join(places)}"/></svg>'
    )
