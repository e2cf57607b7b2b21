from hypothesis import given
from hypothesis import strategies as st

from tuitrain.analysis.compare import ComparedRun
from tuitrain.runs.rows import MetricRow
from tuitrain.view.compare import (
    compare_lines,
    flatten,
    metric_rows,
    noise_lines,
    place_lines,
    setting_rows,
    unique_labels,
)
from tuitrain.view.format import metric_value
from tuitrain.view.spans import line_width, plain_text


def run(label: str, **values: float | None) -> ComparedRun:
    metrics = {
        name: MetricRow(name, 0.5, 9, best, None if best is None else 3)
        for name, best in values.items()
    }
    return ComparedRun(label, "finished", "step 9/9", metrics, {"train.epochs": label})


def test_nested_settings_become_dotted_keys_with_values_as_in_toml() -> None:
    config = {"a": {"b": True, "c": [1, {"name": "x"}]}, "d": 0.1, "e": "\x1b[2J"}
    assert flatten(config) == {
        "a.b": "true",
        "a.c": '[1, {name = "x"}]',
        "d": "0.1",
        "e": '"\\u001b[2J"',
    }


def test_only_settings_that_differ_are_shown_and_a_missing_one_differs() -> None:
    runs = [
        ComparedRun("a", settings={"x": "1", "y\x1b": "2\x1b", "z": "3"}),
        ComparedRun("b", settings={"x": "1", "y\x1b": "3"}),
        ComparedRun("c"),
    ]
    assert [(row.heading, row.cells) for row in setting_rows(runs)] == [
        ("y\\x1b", ("2\\x1b", "3", "-")),
        ("z", ("3", "-", "-")),
    ]


def test_the_best_of_all_is_marked_whichever_way_is_better() -> None:
    rows = metric_rows([run("a", loss=0.1, accuracy=0.8), run("b", loss=0.2, accuracy=0.9)])
    assert [row.cells for row in rows] == [
        ("0.1000 @3*, 0.5000", "0.2000 @3, 0.5000"),
        ("0.8000 @3, 0.5000", "0.9000 @3*, 0.5000"),
    ]


def test_one_value_alone_is_not_best_of_all_and_none_is_no_crash() -> None:
    (row,) = metric_rows([run("a", loss=0.1), run("b", loss=None), run("c")])
    assert row.cells == ("0.1000 @3, 0.5000", "-, 0.5000", "-")


def test_runs_of_one_name_are_called_by_their_ids() -> None:
    assert unique_labels(["a", "b", "a"], ["1-a", "2-b", "3-a"]) == ["1-a", "b", "3-a"]


def test_places_are_told_where_they_differ_or_that_they_are_the_same() -> None:
    runs = [ComparedRun("a", place={"torch": "2.1"}), ComparedRun("b", place={"torch": "2.2"})]
    text = "\n".join(plain_text(line) for line in place_lines(runs, 80))
    assert "packages that differ" in text and "2.1" in text and "2.2" in text
    assert "are the same" in plain_text(place_lines([runs[0], runs[0]], 80)[-1])


def test_groups_of_seeds_are_held_against_the_best_one() -> None:
    groups = [("small x2", [0.90, 0.92]), ("large", [0.91]), ("bad", [0.2])]
    said = [plain_text(line) for line in noise_lines(groups, "val/accuracy", "max")]
    assert "0.9100 +-0.0141" in said[2] and said[2].endswith("best")
    assert "within the noise of seeds" in said[3]
    assert "beyond the noise of seeds" in said[4]
    assert noise_lines([("a", [0.1]), ("b", [0.2])], "val/accuracy", "max") == []


@given(
    st.lists(st.text(min_size=1, max_size=70), min_size=2, max_size=8),
    st.integers(60, 200),
)
def test_every_run_and_every_value_is_there_at_any_width(labels: list[str], width: int) -> None:
    runs = [run(f"run{slot}", loss=slot / 7) for slot, _ in enumerate(labels)]
    lines = compare_lines(runs, "loss", width)
    text = "\n".join("".join(span.text for span in line) for line in lines)
    assert all(line_width(line) <= width for line in lines)
    for slot, one in enumerate(runs):
        assert one.label in text
        assert f"{metric_value(slot / 7)} @3" in text
