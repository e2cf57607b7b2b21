"""Evaluations, comparisons and predictions as tables in a terminal."""

from typing import Any

from tests.analysis.test_evaluation import SCORES, TRUE, classified
from tuitrain.analysis.evaluation import by_group, make_report
from tuitrain.analysis.paired import compare
from tuitrain.view.evaluation.comparison import comparison_text, verdict
from tuitrain.view.evaluation.predictions import prediction_text
from tuitrain.view.evaluation.report import report_text

ABOUT: dict[str, Any] = {
    "run": "one\x1b", "checkpoint": "best", "step": 1200, "weights": "ema",
    "task": "classification",
    "data": {"name": "iris", "settings": [], "samples": 240, "fingerprint": "a"},
    "device": "cpu", "duration_s": 2.0,
}  # fmt: skip


def test_a_report_names_its_run_and_shows_each_figure_with_its_interval() -> None:
    found = classified()
    groups = {"column": "town", "groups": by_group(found, ["x", "y"] * 120)}
    text = report_text({**ABOUT, **make_report(found), "by": groups})
    lines = text.splitlines()
    assert lines[0] == "one\\x1b, checkpoint best (step 1,200), ema weights"
    assert lines[1].startswith("240 samples of iris, on cpu in 2.0 s")
    accuracy = next(line for line in lines if line.startswith("accuracy"))
    assert accuracy.split()[1] == f"{(SCORES.argmax(1) == TRUE).mean():.4f}"
    assert " to " in accuracy
    assert any(line.startswith("TOWN  SAMPLES  ACCURACY") for line in lines)
    assert "baseline, always b, the most frequent class of the training part" in text
    assert "worst samples\nSAMPLE  TRUE  PREDICTED" in text


def test_a_comparison_ends_in_its_verdict() -> None:
    comparison = {"first": ABOUT, "second": {**ABOUT, "run": "two"}}
    comparison |= compare(classified(), classified())
    comparison["verdict"] = verdict(comparison)
    lines = comparison_text(comparison).splitlines()
    assert lines[1].startswith("second: two, checkpoint best")
    assert lines[-1].startswith("The difference is not beyond chance: accuracy")
    assert "the same 240 samples (p = 1, McNemar's exact test)." in lines[-1]


def test_predictions_are_a_line_each() -> None:
    rows = [
        {"name": "a.png", "classes": [{"class": "cat", "probability": 0.75}]},
        {"name": "b.png", "error": "b.png is empty"},
        {"name": "row 1", "values": [1.5, 2.0]},
    ]
    lines = prediction_text(rows).splitlines()
    assert [line.split(None, 1)[1] for line in lines[1:3]] == ["cat 75.0%", "can't be read"]
    assert lines[3].endswith("1.500 2.000")
