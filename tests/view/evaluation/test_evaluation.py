"""Evaluations, comparisons and predictions as tables in a terminal."""

import base64
from typing import Any

from tests.analysis.test_evaluation import SCORES, TRUE, classified
from tuitrain.analysis.evaluation import by_group, make_report
from tuitrain.analysis.paired import compare
from tuitrain.view.evaluation.comparison import comparison_text, verdict
from tuitrain.view.evaluation.predictions import prediction_pictures, prediction_text
from tuitrain.view.evaluation.report import report_text
from tuitrain.view.images.sheet import Canvas

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


def picture(name: str, level: int) -> dict[str, Any]:
    data = base64.b64encode(bytes([level]) * 16).decode()
    return {"name": name, "width": 4, "height": 4, "channels": 1, "data": data}


def test_images_are_drawn_with_what_is_said_of_them_beneath() -> None:
    canvas = Canvas(80, "ascii", 0, {})
    classes = [{"class": "cat\x1b", "probability": 0.93}]
    rows = [
        {"name": "in/a.png", "classes": classes, "pictures": [picture("input", 255)]},
        {"name": "in/b.png", "error": "in/b.png is no image"},
    ]
    lines = prediction_pictures(rows, canvas)
    assert lines[0].startswith("@" * 4)
    assert lines[-1].startswith("cat\\x1b 93.0%  a.png")
    shares = [{"class": "sky", "share": 0.75}, {"class": "sea", "share": 0.25}]
    pair = [picture("input", 255), picture("mask", 0)]
    (*_drawn, last) = prediction_pictures(
        [{"name": "in/c.png", "shares": shares, "pictures": pair}], canvas
    )
    assert last.split() == ["c.png", "sky", "75.0%"]
    assert prediction_text([{"name": "d", "shares": shares}]).splitlines()[1].endswith("sea 25.0%")
    blank = [{"class": " ", "probability": 0.25}]
    assert prediction_text([{"name": "d", "classes": blank}]).splitlines()[1].endswith("' ' 25.0%")
    assert prediction_text([{"name": "d", "mse": None}]).splitlines() == [
        "SAMPLE  ERROR",
        "d       -",
    ]
