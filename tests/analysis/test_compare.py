from tuitrain.analysis.compare import (
    ComparedRun,
    compare_metrics,
    differing_settings,
    flat_settings,
)
from tuitrain.runs.rows import MetricRow


def run(monitor: str = "", mode: str = "", **best: float | None) -> ComparedRun:
    metrics = {name: MetricRow(name, 0.5, 9, value, 3) for name, value in best.items()}
    return ComparedRun("a", metrics=metrics, monitor=monitor, mode=mode)


def test_settings_are_compared_flat_and_a_missing_one_differs() -> None:
    one = flat_settings({"train": {"epochs": 3, "seed": 1}, "task": "classification"})
    assert one == {"train.epochs": "3", "train.seed": "1", "task": '"classification"'}
    runs = [
        ComparedRun("a", settings=one),
        ComparedRun("b", settings={**one, "train.epochs": "5", "name": '"b"'}),
        ComparedRun("c"),
    ]
    assert differing_settings(runs) == {
        "train.epochs": ("3", "5", None),
        "name": (None, '"b"', None),
    }


def test_a_runs_own_monitor_says_which_way_is_better_and_equals_share_the_first_place() -> None:
    runs = [run("own", "max", own=3.0, loss=0.1), run(own=5.0, loss=0.1), run(own=None)]
    own, loss = compare_metrics(runs, "own")
    assert (own.name, own.mode, own.best) == ("own", "max", frozenset({1}))
    assert (loss.mode, loss.best) == ("min", frozenset({0, 1}))
    assert loss.rows[2] is None


def test_one_value_alone_is_not_the_best_of_all() -> None:
    (loss,) = compare_metrics([run(loss=0.1), run()])
    assert loss.best == frozenset()
