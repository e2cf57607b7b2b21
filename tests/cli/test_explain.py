"""explain as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.cli.command_line import IRIS, Cli, Trained
from tests.cli.test_trained import FLOWERS


@pytest.fixture(scope="module")
def tuitrain(trained: Trained) -> Cli:
    """Return the command line in a folder where iris was trained."""
    return trained(IRIS)


def test_a_row_from_a_pipe_is_explained(tuitrain: Cli) -> None:
    pytest.importorskip("captum", reason="the extra explain is not installed")
    done = tuitrain("explain", "long", "-", "--row", "2", "--json", stdin=FLOWERS)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["sample"], found["class"]) == ("stdin row 2", "virginica")
    parts = [column["attribution"] for column in found["columns"]]
    assert found["sum"] == pytest.approx(sum(parts), abs=1e-5)
    assert found["delta"] == pytest.approx(found["sum"] - found["difference"], abs=1e-9)
    done = tuitrain("explain", "long", "-", stdin="petal width (cm)\n0.2\n")
    assert done.returncode == 1
    assert done.stderr.startswith("tuitrain: stdin lacks the columns sepal length (cm), ")


def test_columns_are_ranked_over_the_validation_part(tuitrain: Cli) -> None:
    done = tuitrain("explain", "long", "--repeats", "3")
    assert done.returncode == 0, done.stderr
    assert "on 30 samples; it falls by so much with a column mixed up" in done.stdout
    assert "petal length (cm)" in done.stdout


def test_wrong_usage_ends_in_a_sentence_and_exit_code_2(tuitrain: Cli) -> None:
    Path(tuitrain.folder / "rows.csv").write_text(FLOWERS)
    faults = {
        "explain long gone.csv": "gone.csv: there is no such file",
        "explain long --method occlusion": "--method occlusion: it explains a sample; name a FILE",
        "explain long rows.csv --method permutation": "it is of the validation part; leave FILE",
        "explain long rows.csv -o a.jpg": "-o a.jpg: the image is written as PNG",
        "explain long --class setosa": "--class: it is for a sample; name a FILE",
    }
    for arguments, fault in faults.items():
        done = tuitrain(*arguments.split())
        assert (done.returncode, done.stdout) == (2, "")
        assert fault in done.stderr
        assert done.stderr.count("\n") == 1
