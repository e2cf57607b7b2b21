"""evaluate and predict on a run that has ended, as a user runs them."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.command_line import IRIS, Cli, Trained
from tuitrain.runs.listing import find_run
from tuitrain.runs.reader import RunReader

PROJECT = Path(__file__).parents[2]
FLOWERS = """\
petal width (cm),sepal length (cm),sepal width (cm),petal length (cm)
0.2,5.1,3.5,1.4
2.3,6.7,3.1,5.6
"""
REPORT = {
    "run", "checkpoint", "file", "step", "weights", "task", "data", "device", "duration_s",
    "metrics", "baseline", "classes", "averages", "confusion", "calibration", "residuals", "worst",
    "by",
}  # fmt: skip
METRICS = {"loss", "accuracy", "cross_entropy", "macro_f1", "roc_auc", "average_precision"}


@pytest.fixture(scope="module")
def tuitrain(trained: Trained) -> Cli:
    """Return the command line in a folder where iris was trained."""
    return trained(IRIS)


def test_a_run_that_ended_is_evaluated_from_its_checkpoint(tuitrain: Cli) -> None:
    done = tuitrain("evaluate", "long", "--by", "class", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == REPORT
    assert set(report["metrics"]) == METRICS
    assert all(set(m) == {"value", "low", "high"} for m in report["metrics"].values())
    assert set(report["data"]) == {"name", "settings", "samples", "fingerprint"}
    assert (report["checkpoint"], report["weights"], report["task"]) == (
        "best", "raw", "classification",
    )  # fmt: skip
    assert [row["group"] for row in report["by"]["groups"]] == ["setosa", "versicolor", "virginica"]
    with RunReader(find_run(tuitrain.folder / "runs", "long")) as reader:
        recorded = {row.step: row for row in reader.entries.evaluations()}[report["step"]]
    assert report["metrics"]["loss"]["value"] == pytest.approx(recorded.metrics["val/loss"])
    assert recorded.counts is not None
    assert report["confusion"] == [list(row) for row in recorded.counts.confusion or ()]


def test_two_runs_are_compared_on_the_same_samples(tuitrain: Cli) -> None:
    done = tuitrain("evaluate", "long", "long", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"first", "second", "tests", "verdict"}
    assert [test["metric"] for test in found["tests"]] == ["accuracy", "loss"]
    assert [(test["p_value"], test["better"]) for test in found["tests"]] == [(1.0, None)] * 2
    assert found["verdict"].startswith("The difference is not beyond chance: accuracy")


def test_rows_are_predicted_from_a_pipe(tuitrain: Cli) -> None:
    done = tuitrain("predict", "long", "-", "--csv", "--top", "2", stdin=FLOWERS)
    assert done.returncode == 0, done.stderr
    first, second = csv.DictReader(io.StringIO(done.stdout))
    assert (first["class_1"], second["class_1"]) == ("setosa", "virginica")
    assert float(first["probability_1"]) > float(first["probability_2"])
    done = tuitrain("predict", "long", "-", stdin="petal width (cm)\n0.2\n")
    assert done.returncode == 1
    assert done.stderr.startswith("tuitrain: stdin lacks the columns sepal length (cm), ")


def test_wrong_usage_ends_in_a_sentence_and_exit_code_2(tuitrain: Cli) -> None:
    faults = {
        "evaluate long --checkpoint none": "has no checkpoint none; it has best, last",
        "evaluate long --set model.hidden=[9]": "--set model.hidden=[9]: only settings",
        "predict long gone.csv": "gone.csv: there is no such file or folder",
        "predict long - --json --csv": "--json and --csv: give one of them",
        "predict long - --json --show": "--json and --show: give one of them",
        "predict long - --out .": "--out .: it is there and not empty; name a new folder",
    }
    for arguments, fault in faults.items():
        done = tuitrain(*arguments.split())
        assert (done.returncode, done.stdout) == (2, "")
        assert fault in done.stderr
        assert done.stderr.count("\n") == 1
