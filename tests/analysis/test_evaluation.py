"""Reports of evaluations: the same figures as scikit-learn's, the same keys for every task."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, r2_score, roc_auc_score

from tuitrain.analysis.evaluation import Evaluated, by_group, make_report
from tuitrain.analysis.paired import compare, refuse_unlike
from tuitrain.analysis.statistics.calibration import softmax
from tuitrain.errors import UsageError
from tuitrain.messages import PerClassCounts

KEYS = {
    "metrics", "baseline", "classes", "averages", "confusion", "calibration", "residuals", "worst",
}  # fmt: skip
RANDOM = np.random.default_rng(0)
TRUE = RANDOM.integers(0, 3, 240)
SCORES = RANDOM.normal(size=(240, 3)) + 1.5 * np.eye(3)[TRUE]


def classified(scores: np.ndarray = SCORES) -> Evaluated:
    right = scores.argmax(1) == TRUE
    losses = -np.log(softmax(scores)[np.arange(240), TRUE])
    table = np.bincount(TRUE * 3 + scores.argmax(1), minlength=9).reshape(3, 3)
    counts = PerClassCounts(
        ("a", "b", "c"), tuple(table.sum(1)), tuple(table.sum(0)), tuple(np.diag(table)),
        tuple(map(tuple, table.tolist())),
    )  # fmt: skip
    arrays = {
        "scores": scores, "targets": TRUE, "loss": losses, "weight": np.ones(240),
        "train_counts": np.array([5, 9, 2]),
    }  # fmt: skip
    metrics = {"val/loss": float(losses.mean()), "val/accuracy": float(right.mean())}
    return Evaluated("classes", metrics, ("a", "b", "c"), counts, arrays, None)


def numbers(errors: np.ndarray) -> Evaluated:
    targets = np.linspace(0, 5, len(errors))[:, None]
    arrays = {
        "outputs": targets + errors[:, None], "targets": targets, "loss": errors**2,
        "weight": np.ones(len(errors)), "train_mean": np.array([2.0]),
    }  # fmt: skip
    return Evaluated("numbers", {"val/loss": float((errors**2).mean())}, (), None, arrays, None)


def test_a_report_of_classes_has_scikit_learns_figures() -> None:
    report = make_report(classified())
    assert set(report) == KEYS
    metrics = report["metrics"]
    probabilities = softmax(SCORES)
    auc = roc_auc_score(TRUE, probabilities, multi_class="ovr", average="macro")
    assert metrics["roc_auc"]["value"] == pytest.approx(auc)
    precision = average_precision_score(np.eye(3)[TRUE], probabilities, average="macro")
    assert metrics["average_precision"]["value"] == pytest.approx(precision)
    for name in ("loss", "accuracy", "macro_f1"):
        assert metrics[name]["low"] < metrics[name]["value"] < metrics[name]["high"]
    assert metrics["macro_f1"]["value"] == pytest.approx(report["averages"][0]["f1"])
    assert report["baseline"]["accuracy"] == pytest.approx((TRUE == 1).mean())
    worst = report["worst"]
    assert [row["probability"] for row in worst] == sorted(
        (row["probability"] for row in worst), reverse=True
    )
    assert all(row["true"] == "abc"[TRUE[row["sample"]]] != row["predicted"] for row in worst)


def test_a_loss_that_is_no_mean_over_samples_has_no_interval() -> None:
    found = classified()
    metrics = {**found.metrics, "val/loss": 2 * found.metrics["val/loss"]}
    weighted = Evaluated("classes", metrics, found.classes, found.counts, found.arrays, None)
    assert make_report(weighted)["metrics"]["loss"]["low"] is None


def test_a_report_of_numbers_has_scikit_learns_figures_and_the_baseline() -> None:
    errors = np.random.default_rng(1).normal(size=80)
    report = make_report(numbers(errors))
    assert set(report) == KEYS
    targets = np.linspace(0, 5, 80)
    metrics = report["metrics"]
    assert metrics["r2"]["value"] == pytest.approx(r2_score(targets, targets + errors))
    assert metrics["mae"]["value"] == pytest.approx(np.abs(errors).mean())
    assert all(m["low"] < m["value"] < m["high"] for m in metrics.values())
    assert report["baseline"]["mae"] == pytest.approx(np.abs(targets - 2).mean())
    assert [row["quantile"] for row in report["residuals"]] == [0.05, 0.25, 0.5, 0.75, 0.95]
    assert report["worst"][0]["sample"] == int(np.abs(errors).argmax())


def test_groups_partition_the_samples() -> None:
    groups = by_group(classified(), ["x" if n % 3 else "y" for n in range(240)])
    assert [(row["group"], row["samples"]) for row in groups] == [("x", 160), ("y", 80)]
    whole = sum(row["samples"] * row["accuracy"]["value"] for row in groups) / 240
    assert whole == pytest.approx((SCORES.argmax(1) == TRUE).mean())


def test_a_comparison_says_which_is_better_and_only_beyond_chance() -> None:
    better = classified(SCORES + 2 * np.eye(3)[TRUE])
    tests = compare(classified(), better)["tests"]
    assert [test["metric"] for test in tests] == ["accuracy", "loss"]
    assert [test["better"] for test in tests] == ["second", "second"]
    assert [test["better"] for test in compare(better, classified())["tests"]] == ["first"] * 2
    assert [test["better"] for test in compare(better, better)["tests"]] == [None, None]
    random = np.random.default_rng(2)
    worse = compare(numbers(random.normal(size=80)), numbers(3 * random.normal(size=80)))
    assert [test["better"] for test in worse["tests"]] == ["first", "first"]


def test_evaluations_of_other_samples_or_tasks_are_not_compared() -> None:
    data = {"name": "iris", "samples": 30, "fingerprint": "a"}
    one = {"run": "one", "task": "classification", "data": data}
    refuse_unlike(one, {**one, "run": "two"})
    with pytest.raises(UsageError, match=r"on different samples \(30 of iris"):
        refuse_unlike(one, {**one, "run": "two", "data": {**data, "fingerprint": "b"}})
    with pytest.raises(UsageError, match="only the same task can be compared"):
        refuse_unlike(one, {**one, "task": "regression"})
