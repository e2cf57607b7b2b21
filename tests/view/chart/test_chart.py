import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuitrain.view.chart.annotate import MARK_SYMBOLS
from tuitrain.view.chart.chart import Reading, draw_chart, notes, values_at, with_shared_gutter
from tuitrain.view.chart.figure import Chart, Line, Mark, Size, TerminalStyle
from tuitrain.view.chart.limits import value_range
from tuitrain.view.format import display_width
from tuitrain.view.palette import MARKERS
from tuitrain.view.spans import SpanLine, line_width

BRAILLE, ASCII, MONO = TerminalStyle(), TerminalStyle(ascii=True), TerminalStyle(colour=False)
WIDE = ("训练集-甲", "验证集-乙")
STYLES = {"", "axis", "label", "title", "mark", "alert", "cursor"}
STYLES |= {f"{kind}{slot}" for kind in ("line", "faint") for slot in range(8)}

GAP = """\
2+***************          20 not finite
 |
 |
 |
 |
 |
1+                      ****************
 ++--------------!!!!!!!!--------------+
  0                50               100"""

LOSS_ASCII = """\
loss
 |***
 | +***
2+    ****
 |       ****++
 |          ******++
1+               ******++++++                                val
 |                    *******+++++++++++++++               train
 |                          ************   +++++++++++++++++++++
 |                  lr 3e-4            *************************
 ++-----------+-----v-----+------------c-----------+-----------+
  0          20          40           60          80        100"""

LOSS_SMALL = """\
 │⠓⢦⡀     v       c
2┤  ⠉⠓⢦⣀  lr 3e-4
1┤     ⠈⠙⠒⠦⣄⣀⣀
 │           ⠈⠉⠓⠒⠒⠒⠦⠤⠤⠤⠤⣄⣀⣀⣀⣀⣀
  0            50         100"""

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
LOOKS = st.builds(TerminalStyle, ascii=st.booleans(), colour=st.booleans())
SIZES = st.builds(Size, width=st.integers(1, 100), height=st.integers(1, 30))
KINDS = ("setting", "batch", "pause", "continue", "resume", "checkpoint", "best", "alert")
MARKS = st.builds(Mark, x=ANY_FLOAT, kind=st.sampled_from(KINDS), text=st.text(max_size=12))


@st.composite
def lines(draw: st.DrawFn) -> Line:
    columns = draw(st.lists(st.tuples(ANY_FLOAT, ANY_FLOAT, ANY_FLOAT, ANY_FLOAT), max_size=25))
    x, low, high, mean = zip(*columns, strict=True) if columns else ((), (), (), ())
    slot, faint = draw(st.integers(0, 7)), draw(st.booleans())
    return Line(draw(st.text(max_size=12)), x, low, high, mean, slot, faint)


CHARTS = st.builds(
    Chart,
    title=st.text(max_size=20),
    lines=st.lists(lines(), max_size=4).map(tuple),
    x_range=st.tuples(ANY_FLOAT, ANY_FLOAT),
    marks=st.lists(MARKS, max_size=4).map(tuple),
    y_range=st.none() | st.tuples(ANY_FLOAT, ANY_FLOAT),
    axis=st.sampled_from(("step", "epoch", "time")),
    log=st.booleans(),
    cursor=st.none() | ANY_FLOAT,
    clip=st.booleans(),
    gutter=st.integers(0, 12),
)


def line_of(values: list[float], slot: int = 0, label: str = "train") -> Line:
    numbers = tuple(values)
    x = tuple(float(place) for place in range(len(numbers)))
    return Line(label, x, numbers, numbers, numbers, slot)


def chart_of(*curves: Line, last: float = 100.0, title: str = "") -> Chart:
    return Chart(title, curves, (0.0, last))


def text_of(drawn: tuple[SpanLine, ...]) -> list[str]:
    return ["".join(span.text for span in line) for line in drawn]


def picture(chart: Chart, size: Size, look: TerminalStyle = ASCII) -> str:
    return "\n".join(line.rstrip() for line in text_of(draw(chart, size, look)))


def draw(chart: Chart, size: Size, look: TerminalStyle) -> tuple[SpanLine, ...]:
    return draw_chart(chart, size, look).lines


def left_labels(chart: Chart) -> list[str]:
    drawn = draw(chart, Size(40, 10), ASCII)[:-1]
    return [line[0].text.strip() for line in drawn if line[0].style == "label"]


@settings(deadline=None, max_examples=150)
@given(CHARTS, SIZES, LOOKS)
def test_any_data_fills_any_size_exactly_and_can_not_act_on_the_terminal(
    chart: Chart, size: Size, look: TerminalStyle
) -> None:
    drawn = draw(chart, size, look)
    assert len(drawn) == size.height
    assert {line_width(line) for line in drawn} == {size.width}
    spans = [span for line in drawn for span in line]
    assert all(span.text.isprintable() for span in spans)
    assert {span.style for span in spans} <= STYLES
    if look.ascii:
        assert all(max(span.text) <= "~" for span in spans if span.text)


MAGNITUDES = st.builds(
    lambda sign, power: sign * 10.0**power,
    st.sampled_from([-1.0, 0.0, 1.0]),
    st.floats(-300, 300) | st.floats(-1e-15, 1e-15),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(MAGNITUDES, min_size=1, max_size=12), st.booleans(), st.integers(3, 30))
def test_values_of_any_magnitude_have_as_many_ticks_as_there_is_room_for(
    values: list[float], log: bool, height: int
) -> None:
    chart = replace(chart_of(line_of(values), last=12.0), log=log)
    drawn = draw(chart, Size(60, height), ASCII)
    labelled = [row for row in drawn[: height - 2] if row[0].style == "label"]
    assert len(drawn) == height
    assert len(labelled) <= max(2, (height + 1) // 3) + 1


@settings(deadline=None)
@given(
    st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300)),
    SIZES,
    st.lists(MAGNITUDES, max_size=3),
    st.booleans(),
)
def test_a_cell_shows_the_place_on_the_axis_that_is_drawn_there(
    x_range: tuple[float, float], size: Size, values: list[float], log: bool
) -> None:
    drawing = draw_chart(Chart("", (line_of(values),), x_range, log=log), size, BRAILLE)
    cells = range(size.width - drawing.left)
    places = [drawing.column_of(drawing.x_at(drawing.left + cell)) for cell in cells]
    assert places == list(cells)
    assert drawing.x_at(-5) == drawing.x_at(drawing.left)


def test_a_large_screen_is_filled_and_one_of_no_cells_gives_nothing() -> None:
    chart = chart_of(line_of([float(step) for step in range(101)]))
    drawn = draw(chart, Size(400, 100), BRAILLE)
    assert [line_width(line) for line in drawn] == [400] * 100
    assert draw(chart, Size(0, 10), BRAILLE) == ()
    assert draw(chart, Size(10, 0), BRAILLE) == ()


@settings(deadline=None)
@given(st.integers(0, 99), st.sampled_from([BRAILLE, ASCII, MONO]))
def test_one_spike_among_a_million_steps_is_seen(column: int, look: TerminalStyle) -> None:
    flat = tuple([1.0] * 100)
    high = tuple(50.0 if place == column else 1.0 for place in range(100))
    mean = tuple(1.0 + (49 / 10_000 if place == column else 0) for place in range(100))
    line = Line("loss", tuple((i + 0.5) * 1e4 for i in range(100)), flat, high, mean, 0)
    drawn = draw(chart_of(line, last=1e6), Size(80, 20), look)
    rows = [any(span.style == "line0" for span in row) for row in drawn]
    assert all(rows[:18])


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30),
    st.lists(st.sampled_from([math.nan, math.inf, -math.inf]), min_size=1, max_size=5),
)
def test_what_is_not_finite_never_moves_the_axis(finite: list[float], broken: list[float]) -> None:
    assert left_labels(chart_of(line_of(finite))) == left_labels(chart_of(line_of(finite + broken)))


def test_a_nan_is_a_gap_with_a_sign_below_it_and_a_note() -> None:
    values = [2.0] * 40 + [math.nan] * 20 + [1.0] * 41
    chart = chart_of(line_of(values))
    assert notes(chart) == ("20 not finite",)
    assert picture(chart, Size(40, 9)) == GAP


def test_a_falling_loss_reads_like_this() -> None:
    train = line_of([2.5 * math.exp(-place / 30) + 0.1 for place in range(101)])
    val = line_of([1.9 * math.exp(-place / 30) + 0.5 for place in range(101)], 1, "val")
    marks = (Mark(30, "setting", "lr 3e-4"), Mark(60, "checkpoint"))
    chart = Chart("loss", (train, val), (0.0, 100.0), marks)
    assert picture(chart, Size(64, 12)) == LOSS_ASCII
    small = replace(chart, title="", lines=(train,))
    assert picture(small, Size(30, 5), BRAILLE) == LOSS_SMALL


def test_points_left_out_of_a_logarithmic_axis_are_said() -> None:
    chart = replace(chart_of(line_of([1.0, -1.0, 0.0, 100.0])), log=True)
    assert notes(chart) == ("2 not above 0",)
    assert "2 not above 0" in picture(chart, Size(60, 12))


def test_a_chart_without_anything_to_draw_says_so() -> None:
    assert "no points yet" in picture(chart_of(), Size(40, 8))
    assert "nothing to draw here" in picture(chart_of(line_of([math.nan] * 3)), Size(40, 8))


def test_a_single_point_is_drawn_as_its_marker() -> None:
    drawn = draw(chart_of(line_of([5.0], slot=2)), Size(40, 8), BRAILLE)
    assert [span.text for row in drawn for span in row if span.style == "line2"] == [MARKERS[2]]


@settings(deadline=None)
@given(st.sampled_from([0.0, 1e-30, -1e-30, 1.0, 0.3, -7.0, 1e30, -1e30, 5e-324, 1e306]))
def test_a_constant_curve_of_any_size_crosses_the_chart(value: float) -> None:
    drawn = draw(chart_of(line_of([value] * 101)), Size(40, 9), ASCII)
    rows = ["".join(span.text for span in row if span.style == "line0") for row in drawn]
    assert [row for row in rows if row] == ["*" * max(map(len, rows))]


def test_several_curves_differ_by_label_and_by_marker_where_there_are_no_colours() -> None:
    train = line_of([4.0 - place / 30 for place in range(101)], 0, "train")
    val = line_of([9.0 - place / 30 for place in range(101)], 1, "val")
    for look in (BRAILLE, ASCII, MONO):
        drawn = draw(chart_of(train, val), Size(60, 16), look)
        shown = ["".join(s.text for r in drawn for s in r if s.style == f"line{n}") for n in (0, 1)]
        marked = look is not BRAILLE
        assert ("*" in shown[0]) is marked and "+" not in shown[0] and "train" in shown[0]
        assert ("+" in shown[1]) is marked and "*" not in shown[1] and "val" in shown[1]


@pytest.mark.parametrize("look", [BRAILLE, ASCII, MONO])
def test_the_mean_of_many_points_is_a_line_over_a_thin_band(look: TerminalStyle) -> None:
    places = tuple(float(place) for place in range(160))
    flat = Line("loss", places, (0.0,) * 160, (2.0,) * 160, (1.0,) * 160, 0, count=(1000,) * 160)
    drawn = draw(Chart("", (flat,), (0.0, 159.0)), Size(80, 14), look)
    rows = ["".join(s.text for s in row if s.style == "line0") for row in drawn]
    behind = ["".join(s.text for s in row if s.style == "faint0") for row in drawn]
    assert sum(map(bool, rows)) == 1, "the mean is one line"
    assert len(max(rows, key=len)) >= 78, "and unbroken"
    assert sum(map(bool, behind)) >= 10
    dots = [(ord(cell) - 0x2800).bit_count() for cell in "".join(behind) if cell > "⠀"]
    assert max(dots, default=0) <= 4, "no slab"


@pytest.mark.parametrize("look", [BRAILLE, ASCII, MONO])
@pytest.mark.parametrize("log", [False, True])
def test_few_values_far_away_do_not_flatten_the_rest_and_are_told_at_the_edge(
    look: TerminalStyle, log: bool
) -> None:
    values = [1.0 + 0.01 * place for place in range(100)]
    values[0], values[60] = 1e3, 5e7
    chart = replace(chart_of(line_of(values)), clip=True, log=log)
    text = text_of(draw(chart, Size(70, 14), look))
    assert ("50M" in text[0]) and ("1k" in text[0] or "1000" in text[0] or "1e3" in text[0])
    assert text[0].count("^" if look.ascii else "▲") == 2
    rows = [any(s.style == "line0" for s in row) for row in draw(chart, Size(70, 14), look)]
    assert all(rows[1:11]), "the rest has the height of the chart"
    whole = text_of(draw(replace(chart, clip=False), Size(70, 14), look))
    assert not any("▲" in row or "^" in row for row in whole)


def test_values_below_a_fixed_range_are_told_at_the_lower_edge() -> None:
    values = [2.0] * 50 + [-30.0] + [2.0] * 50
    text = text_of(
        draw(replace(chart_of(line_of(values)), y_range=(0.0, 3.0)), Size(60, 12), ASCII)
    )
    assert "v*" in text[9] and " -30 " in text[9]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=19))
def test_of_few_columns_none_is_left_out(values: list[float]) -> None:
    chart = chart_of(line_of(values))
    assert draw(chart, Size(40, 9), ASCII) == draw(replace(chart, clip=True), Size(40, 9), ASCII)


def test_a_first_loss_that_falls_over_many_columns_stays_in_sight() -> None:
    line = line_of([10.0 * math.exp(-place / 8) for place in range(101)])
    assert value_range((line,), (0.0, 100.0), clip=True) == (line.low[-1], 10.0)


@settings(deadline=None)
@given(
    st.lists(st.lists(MAGNITUDES, min_size=1, max_size=5), min_size=2, max_size=4), st.booleans()
)
def test_charts_above_each_other_share_their_left_edge(
    values: list[list[float]], log: bool
) -> None:
    charts = [replace(chart_of(line_of(each), last=5.0), log=log) for each in values]
    sizes = [Size(60, 10)] * len(charts)
    shared = with_shared_gutter(charts, sizes)
    drawings = [draw_chart(c, s, BRAILLE) for c, s in zip(shared, sizes, strict=True)]
    assert len({drawing.left for drawing in drawings}) == 1
    assert len({drawing.x_at(30) for drawing in drawings}) == 1


def test_marks_of_events_are_no_markers_of_curves() -> None:
    assert not set(MARK_SYMBOLS.values()) & set(MARKERS)


def test_text_may_cover_a_band_but_no_curve() -> None:
    places = tuple(float(place) for place in range(101))
    noisy = Line("train", places, (0.0,) * 101, (2.0,) * 101, (1.0,) * 101, 0, count=(9,) * 101)
    val = Line("val", (10.0, 99.0), (1.8, 1.8), (1.8, 1.8), (1.8, 1.8), 1, count=(1, 1))
    text = text_of(draw(chart_of(noisy, val), Size(60, 12), BRAILLE))
    near = [row for row, line in enumerate(text) if "train" in line or "val" in line]
    assert len(near) == 2
    assert all(set(line.split("│")[-1]) - set("trainvl ") for line in text[:9])


@pytest.mark.parametrize("look", [BRAILLE, ASCII, MONO])
def test_a_curve_of_few_points_goes_unbroken_through_one_of_many(look: TerminalStyle) -> None:
    places = tuple(float(place) for place in range(200))
    low, high = tuple([0.0] * 200), tuple([2.0] * 200)
    train = Line("train", places, low, high, tuple([1.0] * 200), 0, count=(50,) * 200)
    val = Line("val", (5.0, 95.0), (1.8, 0.3), (1.8, 0.3), (1.8, 0.3), 1, count=(1, 1))
    drawn = draw(chart_of(train, val), Size(60, 12), look)
    rows = [[(cell, s.style) for s in row for cell in s.text] for row in drawn[:-2]]
    seen = [
        [row[column][0] for row in rows if row[column][1] == "line1"] for column in range(6, 54)
    ]
    assert all(seen), "it passes through every column between its points"
    full = "*" if look.ascii else "⣿"
    assert not any(cell == full for column in seen for cell in column), "it can be seen in them"


def test_a_raw_curve_lies_behind_its_smoothed_one() -> None:
    raw = replace(line_of([1.0, 3.0] * 50), faint=True)
    front = line_of([2.0] * 100)
    for look in (BRAILLE, ASCII, MONO):
        drawn = draw(chart_of(raw, front), Size(40, 9), look)
        styles = [{span.style for span in row} for row in drawn]
        assert sum("line0" in each for each in styles) == 1
        assert sum("faint0" in each for each in styles) >= 6


def test_marks_stand_on_the_axis_with_their_text_and_cover_no_curve() -> None:
    chart = chart_of(line_of([2.0] * 101))
    marks = (Mark(30, "setting", "lr 3e-4"), Mark(60, "checkpoint"), Mark(80, "alert", "spike"))
    without, drawn = (draw(c, Size(40, 9), ASCII) for c in (chart, replace(chart, marks=marks)))
    text = text_of(drawn)
    assert [text[-2].count(symbol) for symbol in "vc!"] == [1, 1, 1]
    assert "lr 3e-4" in text[-3] and "spike" in text[-3]
    curves = [
        ["".join(span.text for span in row if span.style == "line0") for row in each]
        for each in (without, drawn)
    ]
    assert curves[0] == curves[1]


def test_words_of_marks_are_few_and_stand_once() -> None:
    often = [Mark(10.0 * number, "alert", "plateau") for number in range(1, 10)]
    others = [Mark(10.0 * number + 4, "setting", f"lr {number}") for number in range(1, 9)]
    chart = replace(chart_of(line_of([2.0, 1.0])), marks=(*often, *others))
    text = picture(chart, Size(72, 12))
    assert text.count("plateau") == 1
    assert text.count("lr ") <= 3
    assert text.splitlines()[-2].count("!") == 9 and text.splitlines()[-2].count("v") == 8


def test_an_alert_is_seen_before_other_marks_of_its_column() -> None:
    marks = (Mark(50, "alert", "nan"), Mark(50, "checkpoint"), Mark(50, "setting", "lr 1"))
    text = picture(replace(chart_of(line_of([1.0, 2.0])), marks=marks), Size(40, 9))
    assert "!" in text and "nan" in text and "lr 1" not in text


def test_the_cursor_covers_no_curve_and_reads_every_series() -> None:
    train = line_of([float(place) for place in range(101)], 0)
    val = Line("val", (10.0, 60.0), (7.0, 8.0), (7.0, 8.0), (7.0, math.nan), 1)
    chart = replace(chart_of(train, val), cursor=40.0)
    drawn = draw(chart, Size(60, 12), BRAILLE)
    assert sum(span.style == "cursor" for row in drawn for span in row) >= 8
    values = values_at(chart, 20.2)
    assert values == [Reading("train", 0, 20.0, 20.0), Reading("val", 1, 10.0, 7.0)]
    assert math.isnan(values_at(chart, 50)[1].value)
    assert math.isnan(values_at(chart_of(line_of([])), 3)[0].value)
    smoothed = replace(chart, lines=(replace(train, faint=True), line_of([0.5] * 101), val))
    assert values_at(smoothed, 20.2)[0] == Reading("train", 0, 20.0, 0.5, raw=20.0)


def test_zooming_in_keeps_the_curve_that_leads_out_of_the_window() -> None:
    chart = Chart("", (line_of([0.0, 100.0]),), (0.4, 0.6), y_range=(0.0, 100.0))
    drawn = draw(chart, Size(40, 12), ASCII)
    assert sum("*" * 3 in row for row in text_of(drawn)) >= 2


def test_foreign_titles_and_labels_become_harmless() -> None:
    chart = chart_of(
        line_of([1.0, 2.0], 0, "数\x1b[31m"), line_of([3.0], 1, "b"), title="\x1b]0;x\x07数"
    )
    for look in (BRAILLE, ASCII):
        drawn = draw(chart, Size(50, 10), look)
        assert "\x1b" not in "".join(text_of(drawn))
        assert {display_width(line) for line in text_of(drawn)} == {50}


def test_labels_of_wide_characters_are_whole_and_leave_the_rest_in_its_cells() -> None:
    lines = tuple(
        Line(label, (0.0, 50.0, 100.0), values, values, values, slot)
        for slot, (label, values) in enumerate(
            zip(WIDE, ((3.0, 2.0, 1.0), (1.0, 2.0, 3.0)), strict=True)
        )
    )
    for look in (BRAILLE, MONO):
        drawn = draw_chart(Chart("", lines, (0.0, 100.0)), Size(60, 12), look)
        text = "\n".join("".join(span.text for span in line) for line in drawn.lines)
        assert all(label in text for label in WIDE)
        assert {line_width(line) for line in drawn.lines} == {60}
    ascii_only = draw_chart(Chart("", lines, (0.0, 100.0)), Size(60, 12), ASCII)
    assert {line_width(line) for line in ascii_only.lines} == {60}
