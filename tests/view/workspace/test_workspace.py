"""Lines, entries and legend of many runs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.analysis.seeds import seed_groups, spread_of
from tuitrain.runs.series import Column, Series
from tuitrain.view.chart.scale import Ruler
from tuitrain.view.spans import line_width, plain_text
from tuitrain.view.workspace.entries import Named, legend_of
from tuitrain.view.workspace.legend import Shown, legend_lines
from tuitrain.view.workspace.lines import Band, Measured, band_line, run_lines

STEPS = Ruler("step")


def measured(*values: float, first: int = 0) -> Measured:
    columns = tuple(
        Column(place, place + 1, place + 1, 1, value, value, value, 0)
        for place, value in enumerate(values, start=first)
    )
    return Measured(Series("train/loss", 1, 3, 3, columns), STEPS)


def named(name: str, lr: str, seed: str, **more: str) -> Named:
    settings = {"name": name, "optimizer.lr": lr, "train.seed": seed, **more}
    return Named(f"id-{name}", name, "finished", settings)


RUNS = [named("small-s1", "1", "1"), named("large", "2", "1"), named("small-s2", "1", "2")]


def test_runs_equal_in_all_but_name_and_seed_are_one_group_in_the_place_of_the_first() -> None:
    assert seed_groups([run.settings for run in RUNS]) == [(0, 2), (1,)]
    assert seed_groups([None, None]) == [(0,), (1,)], "what is not known is equal to nothing"


@pytest.mark.parametrize(
    ("band", "ends"), [("range", (1, 4)), ("std", (2 - math.sqrt(3), 2 + math.sqrt(3)))]
)
def test_the_band_of_seeds_is_their_reach_or_their_deviation(
    band: Band, ends: tuple[float, float]
) -> None:
    group = [measured(1.0, 5.0), measured(1.0), measured(4.0, math.nan)]
    (line,) = band_line(group, "small", 3, 0.0, band)
    assert line.mean == (2.0, 5.0), "only runs with a value in the column count"
    assert (line.low[0], line.high[0]) == pytest.approx(ends)
    assert (line.low[1], line.high[1]) == (5.0, 5.0)


def test_a_run_that_was_read_over_other_steps_is_left_out_of_a_band() -> None:
    other = Measured(Series("train/loss", 1, 9, 3, measured(9.0).series.columns), STEPS)
    (line,) = band_line([measured(1.0), other], "small", 0, 0.0, "range")
    assert line.mean == (1.0,)
    assert band_line([], "small", 0, 0.0, "range") == []


def test_among_many_curves_a_spike_stays_and_the_band_goes() -> None:
    columns = tuple(
        Column(i, i + 1, i + 1, 8, 0.9, 9.0 if i == 20 else 1.1, 1.0, 0) for i in range(40)
    )
    each = Measured(Series("loss", 1, 40, 40, columns), STEPS)
    (slim,) = run_lines(each, "a", 0, 0.0, slim=True)
    assert slim.high[20] == 9.0 and slim.high[3] == slim.low[3] == 1.0
    (whole,) = run_lines(each, "a", 0, 0.0, slim=False)
    assert whole.high[3] == 1.1


def test_the_legend_names_groups_and_only_the_settings_that_differ() -> None:
    together = legend_of(RUNS, grouped=True)
    assert together.headings == ("lr",)
    assert [(e.label, e.members, e.settings) for e in together.entries] == [
        ("small x2", ("id-small-s1", "id-small-s2"), ("1",)),
        ("large", ("id-large",), ("2",)),
    ]
    apart = legend_of(RUNS, grouped=False)
    assert apart.headings == ("lr", "seed") and len(apart.entries) == 3


def test_settings_of_one_name_are_told_by_their_whole_key() -> None:
    runs = [
        named("a", "1", "1", **{"model.name": "x", "data.name": "u"}),
        named("b", "1", "1", **{"model.name": "y", "data.name": "v"}),
    ]
    assert legend_of(runs, grouped=False).headings == ("model.name", "data.name")


def test_hidden_runs_and_the_one_on_top_are_told() -> None:
    legend = legend_of(RUNS, grouped=True)
    keys = [entry.key for entry in legend.entries]
    values = {keys[0]: "0.5", keys[1]: "0.25"}
    shown = Shown(frozenset({keys[0]}), keys[1])
    heading, lines = legend_lines(legend, values, "loss last", 60, shown)
    assert plain_text(heading).endswith("loss last")
    assert "hidden" in plain_text(lines[0]) and "0.5" not in plain_text(lines[0])
    assert plain_text(lines[1]).startswith("+^large") and plain_text(lines[1]).endswith("0.25")


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8), st.integers(10, 200))
def test_a_legend_is_never_wider_than_its_room(names: list[str], width: int) -> None:
    runs = [
        Named(f"{n}", name, "running", {"a.b": name, "c.d": str(n)}) for n, name in enumerate(names)
    ]
    legend = legend_of(runs, grouped=False)
    values = {entry.key: "0.1234" for entry in legend.entries}
    heading, lines = legend_lines(legend, values, "train/loss", width)
    assert len(lines) == len(names)
    assert all(line_width(line) == width for line in (heading, *lines))


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20))
def test_a_spread_is_of_what_is_finite(values: list[float]) -> None:
    found, finite = spread_of(values), [value for value in values if math.isfinite(value)]
    assert (found is None) == (not finite)
    if found is not None:
        assert found.count == len(finite) and found.low <= found.high
