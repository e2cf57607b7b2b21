import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.makers import new_run
from tests.ui.run_makers import begin, one_metric, steps, training, write
from tuitrain.errors import UsageError
from tuitrain.runs.reader import RunReader
from tuitrain.ui.charting import Overlay, axes_of, build_chart, request_for, whole_window
from tuitrain.ui.curve_choices import (
    ChartSettings,
    Choices,
    clean_settings,
    group_metrics,
    parse_across,
    parse_limits,
)
from tuitrain.ui.feeds.run import read_snapshot
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.ui.preferences import Preferences
from tuitrain.view.chart.chart import draw_chart, values_at
from tuitrain.view.chart.figure import Size, TerminalStyle
from tuitrain.view.chart.files import chart_csv
from tuitrain.view.chart.scale import Window, roomy_end

NAMES = ("lr", "val/loss", "train/accuracy", "train/loss", "val/accuracy", "own/thing")


@pytest.fixture
def snapshot(tmp_path: Path) -> RunSnapshot:
    with RunReader(training(tmp_path)) as reader:
        return read_snapshot(reader, Request(columns=40))


def test_train_and_validation_of_one_metric_share_a_chart_and_loss_comes_first() -> None:
    assert group_metrics(NAMES, Choices()) == [
        ("loss", ("val/loss", "train/loss")),
        ("accuracy", ("train/accuracy", "val/accuracy")),
        ("lr", ("lr",)),
        ("thing", ("own/thing",)),
    ]


@pytest.mark.parametrize(
    ("pattern", "titles"),
    [("loss", ["loss"]), ("^val/", ["loss", "accuracy"]), ("(", []), ("LR", ["lr"])],
)
def test_a_filter_is_part_of_a_name_or_a_regular_expression(
    pattern: str, titles: list[str]
) -> None:
    found = group_metrics(NAMES, Choices(pattern=pattern))
    assert [title for title, _ in found] == titles


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=5))
def test_no_filter_is_a_crash(pattern: str, names: list[str]) -> None:
    group_metrics(names, Choices(pattern=pattern))


def test_every_kind_of_event_is_a_mark_in_its_place(snapshot: RunSnapshot) -> None:
    chart = build_chart(snapshot, [], ["train/loss"], Choices())
    kinds = {mark.kind for mark in chart.marks}
    assert kinds == {"setting", "pause", "continue", "checkpoint", "best", "alert"}
    [setting] = [mark for mark in chart.marks if mark.kind == "setting"]
    assert (setting.x, setting.text) == (120, "lr 3.000e-04")


def test_marks_outside_the_window_are_left_out(snapshot: RunSnapshot) -> None:
    chart = build_chart(snapshot, [], ["train/loss"], Choices(window=Window(70, 110)))
    assert {mark.kind for mark in chart.marks} == {"checkpoint"}
    assert chart.x_range == (70, 110)


@pytest.mark.parametrize(("axis", "end"), [("step", 160.0), ("epoch", 8.0), ("time", 16.0)])
def test_the_axis_ends_where_the_run_does_in_steps_epochs_or_seconds(
    snapshot: RunSnapshot, axis: str, end: float
) -> None:
    chart = build_chart(snapshot, [], ["train/loss"], replace(Choices(), axis=axis))
    assert chart.x_range[1] == pytest.approx(end)
    assert chart.lines[0].x[-1] == pytest.approx(end, rel=0.05)


def test_the_steps_to_come_have_room_on_every_axis(snapshot: RunSnapshot) -> None:
    growing = replace(snapshot, end_step=200)
    ends = {
        axis: build_chart(growing, [], ["train/loss"], replace(Choices(), axis=axis)).x_range[1]
        for axis in ("step", "epoch", "time")
    }
    assert ends == {"step": 200, "epoch": pytest.approx(10), "time": pytest.approx(20)}


def test_smoothing_keeps_the_raw_curve_behind(snapshot: RunSnapshot) -> None:
    lines = build_chart(snapshot, [], ["train/loss"], Choices(), ChartSettings(smoothing=0.9)).lines
    assert [line.faint for line in lines] == [True, False]
    assert max(lines[0].high) == pytest.approx(2.33, abs=0.1)


def test_a_spike_of_one_step_stays_in_sight(snapshot: RunSnapshot) -> None:
    [line] = build_chart(snapshot, [], ["train/loss"], Choices()).lines
    assert any(high == 1.9 for high in line.high)


def test_an_overlaid_run_has_its_name_and_another_slot(
    snapshot: RunSnapshot, tmp_path: Path
) -> None:
    with RunReader(one_metric(tmp_path, "older", [1.0, math.nan, 0.5])) as reader:
        other = Overlay("older", read_snapshot(reader, Request(columns=40)))
    one, two = build_chart(snapshot, [other], ["train/loss"], Choices()).lines
    assert (one.label, two.label) == ("train", "older train")
    assert one.slot != two.slot


def test_metrics_of_many_parts_are_called_by_those_that_differ(tmp_path: Path) -> None:
    names = [f"train/layers/conv{number}/grad" for number in (1, 2)]
    run = new_run(tmp_path, "deep")
    begin(run)
    write(run, steps(1, {name: [1.0, 2.0] for name in names}), sequence=3)
    with RunReader(run) as reader:
        deep = read_snapshot(reader, Request(columns=40))
    assert group_metrics(deep.metric_names, Choices()) == [("grad", tuple(names))]
    assert [line.label for line in build_chart(deep, [], names, Choices()).lines] == [
        "conv1", "conv2",
    ]  # fmt: skip


def test_words_of_marks_can_be_left_to_another_chart(snapshot: RunSnapshot) -> None:
    chart = build_chart(snapshot, [], ["train/loss"], Choices(), with_words=False)
    assert chart.marks and not any(mark.text for mark in chart.marks)


def test_what_is_read_follows_the_window_and_the_width() -> None:
    assert request_for(Choices(), 50) == Request(columns=100, times=False)
    assert request_for(Choices(axis="time"), 50) == Request(columns=100, times=True)
    assert request_for(Choices(cursor=3.0), 50) == Request(columns=100, times=True)
    powers = request_for(Choices(axis="power"), 50)
    assert powers == Request(columns=100, times=False, by_powers=True)
    zoomed = request_for(Choices(window=Window(10.4, 20.6)), 50)
    assert (zoomed.first_step, zoomed.last_step) == (10, 21)


@given(
    st.integers(0, 10**12),
    st.one_of(st.none(), st.floats(0, 1e6)),
    st.one_of(st.none(), st.integers(1, 10**12)),
)
def test_the_right_edge_is_never_before_the_last_step_nor_far_beyond_it(
    step: int, per_s: float | None, total: int | None
) -> None:
    end = roomy_end(step, per_s, total)
    assert end >= step
    assert end <= step + 2 * max(step / 16, 3 * (per_s or 0), 1) + 1
    assert total is None or end <= max(step, total)


def test_the_right_edge_stays_while_the_run_grows() -> None:
    edges = {roomy_end(step, 500.0, None) for step in range(100_000, 108_000, 250)}
    assert len(edges) <= 2


def test_a_run_without_a_step_has_a_window_all_the_same() -> None:
    assert whole_window(RunSnapshot("new")) == Window(1, 2)


@pytest.mark.parametrize("text", ["", "1", "a b", "1 2 3", "2 1", "1 1", "nan 1", "0 inf"])
def test_a_typed_range_that_will_not_do_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="number"):
        parse_limits(text)
    assert parse_limits("0, 2.5") == (0.0, 2.5)


def test_charts_are_remembered_by_preset_and_a_damaged_file_is_none(tmp_path: Path) -> None:
    own = {"loss": ChartSettings(log=True, smoothing=0.9, limits=(0.0, 2.0), pinned=True)}
    Preferences(tmp_path / "own" / "interface.toml").remember_charts("a", own)
    again = Preferences(tmp_path / "own" / "interface.toml")
    again.remember_charts("b", {"lr": ChartSettings(hidden=True)})
    assert again.charts_of("a") == own and again.charts_of("c") == {}
    again.remember_charts("a", {})
    assert again.charts_of("a") == {} and again.charts_of("b")
    (tmp_path / "own" / "charts.json").write_text("{", encoding="utf-8")
    assert again.charts_of("b") == {}


@given(st.dictionaries(st.sampled_from(["log", "smoothing", "limits", "hidden", "x"]),
                       st.none() | st.booleans() | st.floats() | st.text(max_size=3)
                       | st.lists(st.floats() | st.text(max_size=2), max_size=3)))  # fmt: skip
def test_settings_of_a_file_that_was_edited_are_never_a_crash(known: dict[str, object]) -> None:
    settings = clean_settings(known)
    assert settings.limits in ("all", "automatic") or settings.limits[0] < settings.limits[1]
    assert isinstance(settings.describe(), str)


def test_samples_are_an_axis_where_their_number_is_known(snapshot: RunSnapshot) -> None:
    assert "samples" not in axes_of(snapshot)
    environment = replace(snapshot.facts.environment, train_samples=640)
    known = replace(snapshot, facts=replace(snapshot.facts, environment=environment))
    assert "samples" in axes_of(known)
    chart = build_chart(known, [], ["train/loss"], Choices(axis="samples"))
    assert chart.x_range[1] == 8 * 640


def test_on_an_axis_of_powers_the_first_steps_of_a_long_run_have_their_room(tmp_path: Path) -> None:
    run = one_metric(tmp_path, "long", [float(step) for step in range(1, 20_001)])
    with RunReader(run) as reader:
        even = read_snapshot(reader, Request(columns=140)).series["train/loss"]
        powers = read_snapshot(reader, Request(columns=140, by_powers=True))
        series = powers.series["train/loss"]
    assert even.columns[0].last_step > 100
    assert [column.last_step for column in series.columns[:4]] == [1, 2, 3, 4]
    assert sum(column.count for column in series.columns) == 20_000, "each point once"
    assert len(series.columns) <= series.width
    chart = build_chart(powers, [], ["train/loss"], Choices(axis="power"))
    assert chart.x_range[0] == 0 and chart.lines[-1].x[3] == pytest.approx(math.log10(4))


def test_a_metric_lies_along_x_and_each_point_has_its_value_at_the_nearest_step(
    tmp_path: Path,
) -> None:
    run = new_run(tmp_path, "rates")
    begin(run)
    rates = [0.1, 0.2, 0.2, 0.1]
    write(run, steps(1, {"train/loss": [4.0, 3.0, 2.0, 1.0], "lr": rates}), sequence=3)
    settings = ChartSettings(across="lr", smoothing=0.0)
    with RunReader(run) as reader:
        read = read_snapshot(reader, Request(columns=40))
    seen = Choices(cursor=4.0, charts={"loss": settings})
    chart = build_chart(read, [], ["train/loss"], seen, settings)
    assert (chart.axis, chart.across, chart.x_range) == ("value", "lr", (0.1, 0.2))
    assert chart.lines[0].x == tuple(rates)
    assert not chart.marks
    (reading,) = values_at(chart, chart.cursor or 0.0)
    assert (reading.x, reading.value) == (0.1, 1.0), "of the step, not of the first with its rate"
    assert settings.describe() == " (by lr at the nearest step, raw)"
    assert chart_csv(chart).startswith("series,lr,")
    none = build_chart(read, [], ["train/loss"], Choices(cursor=2.0), ChartSettings(across="gone"))
    assert len(draw_chart(none, Size(60, 12), TerminalStyle()).lines) == 12
    by_time = build_chart(read, [], ["train/loss"], Choices(), ChartSettings(across="time"))
    assert by_time.axis == "time"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("", ""), ("lr", "lr"), (" val/loss ", "val/loss"), ("own/thing", "own/thing"),
     ("thing", "own/thing"), ("time", "time"), ("log step", "power")],
)  # fmt: skip
def test_what_lies_along_x_is_a_metric_or_an_axis(typed: str, meant: str) -> None:
    assert parse_across(typed, NAMES, ("step", "time", "power")) == meant


@pytest.mark.parametrize("typed", ["loss", "samples", "gone"])
def test_what_is_no_single_metric_and_no_axis_is_refused_with_what_there_is(typed: str) -> None:
    with pytest.raises(UsageError, match=r"it may be one of step, .*(val|own)"):
        parse_across(typed, NAMES, ("step", "time"))
