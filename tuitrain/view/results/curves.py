"""Charts of an evaluation of classes: ROC, precision over recall, calibration.

Knows curves and bins as numbers; the chart itself is drawn elsewhere.
"""

from collections.abc import Sequence

from tuitrain.analysis.statistics.score_curves import Curve, ScoreCurves
from tuitrain.lang import tr
from tuitrain.view.bars import progress_bar
from tuitrain.view.chart.figure import Chart, Line, TerminalStyle
from tuitrain.view.format import display_width, metric_value, pad, sanitise, shorten
from tuitrain.view.spans import Span, SpanLine

Bins = Sequence[Sequence[float]]
"""Mean confidence, accuracy and samples of each that has any."""

_WHOLE = (0.0, 1.0)
_POINTS = 65
"""Of a straight line: as many as keep it one in a wide chart."""
_BAR = 20


def roc_chart(curves: ScoreCurves | None) -> Chart:
    """Return the ROC curve, with that of a guess behind it."""
    lines = (_line(tr("model"), curves.roc, 0),) if curves is not None else ()
    return _chart((*lines, _straight(tr("guess"), 0.0, 1.0)))


def precision_chart(curves: ScoreCurves | None) -> Chart:
    """Return precision over recall, with that of a guess behind it."""
    if curves is None:
        return _chart(())
    guess = _straight(tr("guess"), curves.share, curves.share)
    return _chart((_line(tr("model"), curves.precision_recall, 0), guess))


def calibration_chart(bins: Bins) -> Chart:
    """Return accuracy over confidence, with that of a model as right as it is sure behind it."""
    x = tuple(row[0] for row in bins)
    y = tuple(row[1] for row in bins)
    return _chart((Line(tr("model"), x, y, y, y, 0), _straight(tr("as sure as right"), 0.0, 1.0)))


def _chart(lines: tuple[Line, ...]) -> Chart:
    # `epoch`: numbers that are no whole ones.
    return Chart("", lines, _WHOLE, y_range=_WHOLE, axis="epoch")


def _line(label: str, curve: Curve, slot: int) -> Line:
    return Line(label, curve.x, curve.low, curve.high, curve.mean, slot)


def _straight(label: str, first: float, last: float) -> Line:
    x = tuple(place / (_POINTS - 1) for place in range(_POINTS))
    y = tuple(first + (last - first) * share for share in x)
    return Line(label, x, y, y, y, 7, faint=True)


def area_head(width: int) -> SpanLine:
    """Return the heading of the list of classes beside the curves."""
    name = max(6, width - 15)
    return (Span(f" {pad(tr('CLASS'), name)}{'AUC':>6}  {'AP':>5}", "quiet"),)


def area_line(name: str, curves: ScoreCurves | None, width: int) -> SpanLine:
    """Return a class with the areas under its curves."""
    room = max(6, width - 15)
    label = shorten(sanitise(name), room - 1)
    label += " " * (room - display_width(label))
    if curves is None:
        return (Span(f" {label}"), Span(pad(tr("no samples"), 13, "right"), "quiet"))
    areas = f"{curves.roc.area:6.3f}  {curves.precision_recall.area:5.3f}"
    return (Span(f" {label}"), Span(areas))


def bin_lines(bins: Bins, look: TerminalStyle) -> list[SpanLine]:
    """Return a table of the bins: how sure, how often right, the difference, how many."""
    most = max((row[2] for row in bins), default=1)
    lines: list[SpanLine] = [(Span(_bin_head(), "quiet"),)]
    for confidence, accuracy, samples in bins:
        apart = accuracy - confidence
        bar = progress_bar(samples / most, _BAR, look).rstrip("░-")
        lines.append(
            (
                Span(f"{confidence:<7.3f} {accuracy:<7.3f} "),
                Span(f"{apart:+10.3f}", "bad" if apart < -0.05 else ""),
                Span(f"  {int(samples):>7,} "),
                Span(bar, "line0"),
            )
        )
    return lines


def _bin_head() -> str:
    right = (pad(tr("DIFFERENCE"), 10, "right"), pad(tr("SAMPLES"), 7, "right"))
    return f"{pad(tr('SURE'), 7)} {pad(tr('RIGHT'), 7)} {right[0]}  {right[1]}"


def curve_values(curves: ScoreCurves | None, kind: str) -> SpanLine:
    """Return the area of a curve for the title of its chart."""
    if curves is None:
        return (Span(tr("all samples are of one kind: there is no curve"), "quiet"),)
    if kind == "roc":
        return (Span(f"AUC {metric_value(curves.roc.area)}", "line0"),)
    return (Span(f"AP {metric_value(curves.precision_recall.area)}", "line0"),)
