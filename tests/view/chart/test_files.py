import csv
import io
import math
from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given, settings

from tests.view.chart.test_chart import CHARTS
from tuitrain.view.chart.figure import Chart, Line, Mark
from tuitrain.view.chart.files import chart_csv, chart_svg
from tuitrain.view.chart.smooth import smooth_line


def noisy() -> Line:
    x = tuple(float(place) for place in range(100))
    mean = tuple(2 - place / 80 + place % 2 for place in range(100))
    low, high = tuple(m - 0.5 for m in mean), tuple(m + 0.5 for m in mean)
    return Line("train", x, low, high, mean, 0, count=(7,) * 100)


def test_a_table_has_what_was_measured_beside_what_is_smoothed() -> None:
    val = Line("val", (10.0, 90.0), (1.0, math.nan), (1.0, math.nan), (1.0, math.nan), 1)
    chart = Chart("", (*smooth_line(noisy(), 0.9), val), (0.0, 99.0))
    rows = list(csv.DictReader(io.StringIO(chart_csv(chart))))
    assert len(rows) == 102
    first, last = rows[0], rows[-1]
    assert (first["series"], first["step"], first["count"]) == ("train", "0.0", "7")
    assert float(first["minimum"]) == 1.5 and float(first["mean"]) == 2.0
    assert float(first["smoothed"]) == 2.0 and float(rows[50]["smoothed"]) != 0
    assert (last["series"], last["smoothed"], last["mean"]) == ("val", "", "nan")


def test_a_picture_has_curves_bands_marks_and_what_they_are() -> None:
    chart = Chart("", (noisy(),), (0.0, 99.0), (Mark(50, "setting", "lr <3e-4>"),), log=True)
    text = chart_svg(chart, "loss & more")
    root = ElementTree.fromstring(text)
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert tags.count("polyline") == 1 and tags.count("polygon") == 1
    words = "".join(root.itertext())
    assert "loss & more" in words and "train" in words and "lr <3e-4>" in words


@settings(deadline=None, max_examples=60)
@given(CHARTS)
def test_any_chart_becomes_a_picture_and_a_table(chart: Chart) -> None:
    even = [replace(line, faint=False) for line in chart.lines]
    for each in (chart, replace(chart, lines=tuple(even))):
        ElementTree.fromstring(chart_svg(each, "title"))
        assert "inf" not in chart_svg(each, "").replace("font", "")
        list(csv.reader(io.StringIO(chart_csv(each))))
