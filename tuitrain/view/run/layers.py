"""The layers of a model as a table: each measure's last value, and a small curve of it.

Pure functions of what was measured; knows neither records nor widgets.
"""

import math

from tuitrain.analysis.layers import LayerRow, Layers
from tuitrain.lang import term, tr
from tuitrain.metric_names import LAYER_KINDS
from tuitrain.units import NOTHING, percent
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.chart.spark import sparkline
from tuitrain.view.format import display_width, metric_value, pad, sanitise
from tuitrain.view.spans import Span, SpanLine, fit_line

_VALUE = 10
_LEAST_NAME, _FAIR_NAME, _MOST_NAME = 12, 20, 40
_HEADS = {
    "activation": term("ACTIV"),
    "gradient": term("GRADIENT"),
    "weight": term("WEIGHT"),
    "dead": term("DEAD"),
}
"""The headings; the first is cut, as numbers stand close."""
_LEAST_SPARK, _FAIR_SPARK, _MOST_SPARK = 3, 10, 24
_SOME_DEAD, _MOST_DEAD = 0.5, 0.95
"""Shares of dead units from which on a layer stands out, and is as good as lost."""


def layers_table(layers: Layers, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return the layers, one a line below a heading, in `width` cells.

    Args:
        layers: what was measured.
        width: in cells; curves are left out where there is no room for them.
        look: what the terminal can show.
    """
    if not layers.rows:
        return []
    longest = max(display_width(sanitise(row.name)) for row in layers.rows)
    # A long name gives way to curves, the end of it last: it tells layers apart.
    kept = width - len(LAYER_KINDS) * (_VALUE + 1 + _FAIR_SPARK)
    room = min(max(_FAIR_NAME, kept), max(_LEAST_NAME, width - len(LAYER_KINDS) * _VALUE))
    name_width = min(max(longest, len("layer")), _MOST_NAME, room)
    spark = (width - name_width) // len(LAYER_KINDS) - _VALUE - 1
    spark = min(spark, _MOST_SPARK) if spark >= _LEAST_SPARK else 0
    cells = _VALUE + (spark + 1 if spark else 0)
    head = "".join(pad(pad(tr(_HEADS[kind]), _VALUE, "right"), cells) for kind in LAYER_KINDS)
    lines: list[SpanLine] = [
        fit_line((Span(f"{pad(tr('LAYER'), name_width)}{head}", "quiet"),), width)
    ]
    return lines + [_line(row, name_width, spark, width, look) for row in layers.rows]


def _line(row: LayerRow, name_width: int, spark: int, width: int, look: TerminalStyle) -> SpanLine:
    spans = [*fit_line((Span(_end_of(sanitise(row.name), name_width), "strong"),), name_width)]
    for slot, kind in enumerate(LAYER_KINDS):
        value = row.last.get(kind)
        spans.append(Span(f"{value_words(kind, value):>{_VALUE}}", _style(kind, value)))
        if spark:
            curve = sparkline(row.curves.get(kind, ()), spark, look)
            spans.append(Span(f" {curve}", f"line{slot}"))
    return fit_line(tuple(spans), width)


def _end_of(name: str, width: int) -> str:
    if display_width(name) <= width:
        return name
    while display_width(name) > width - 3:
        name = name[1:]
    return f"...{name}"


def value_words(kind: str, value: float | None) -> str:
    """Return a measure as it is shown."""
    if value is None:
        return NOTHING
    return percent(value, 1.0) if kind == "dead" and math.isfinite(value) else metric_value(value)


def _style(kind: str, value: float | None) -> str:
    if value is None:
        return "quiet"
    if not math.isfinite(value):
        return "bad"
    if kind == "dead" and value >= _SOME_DEAD:
        return "bad" if value >= _MOST_DEAD else "alert"
    # A gradient of nothing: the layer does not learn.
    return "alert" if kind == "gradient" and value == 0 else ""


def state_words(layers: Layers) -> str:
    """Say when was measured last, and when it will be."""
    when = tr("every {n:,} steps", n=layers.every) if layers.every else tr("not measured now")
    return tr("{when}, last at step {step:,}", when=when, step=layers.step) if layers.step else when
