"""plot and report on runs that were trained, as a user runs them."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.command_line import Cli, Trained

SMALL = "--set train.epochs=2 --set schedule.warmup_steps=1 --set optimizer.lr"


@pytest.fixture(scope="module")
def tuitrain(trained: Trained) -> Cli:
    """Return the command line in a folder where digits were trained twice."""
    return trained(
        *(f"digits-mlp --name {n} {SMALL}={r}" for n, r in (("one", 0.01), ("two", 0.5)))
    )


def test_a_plot_is_written_where_it_is_told_or_into_the_run(tuitrain: Cli) -> None:
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    done = tuitrain("plot", "one", "two", "-o", "both.svg", "--x", "epoch", "--log", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert set(told) == {"file", "what", "runs", "panels", "bytes"}
    assert (told["file"], told["what"]) == (str(tuitrain.folder / "both.svg"), "curves")
    assert len(told["runs"]) == 2 and told["panels"][:2] == ["loss", "accuracy"]
    done = tuitrain("plot", "one", "-o", "lr.svg", "--metric", "train/loss", "--x", "lr")
    assert done.returncode == 0
    assert "lr, at the nearest step" in (tuitrain.folder / "lr.svg").read_text("utf-8")
    done = tuitrain("plot", "one")
    assert done.returncode == 0
    written = Path(done.stdout.strip())
    assert written.read_bytes().startswith(b"\x89PNG") and written.parent.name == "exports"
    assert written.name.endswith("-curves.png") and written.name.startswith(written.parts[-3])


def test_samples_are_drawn_with_what_is_predicted(tuitrain: Cli) -> None:
    asked = ("plot", "two", "--what", "samples", "--wrong", "--count", "3", "-o", "samples.html")
    done = tuitrain(*asked)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "wrote samples.html\n")
    text = (tuitrain.folder / "samples.html").read_text("utf-8")
    assert text.count('src="data:image/png;base64,') == 3 == text.count("wrong: true ")


FAULTS = {
    "plot one -o a.gif": "-o a.gif: the name must end in one of .png, .svg, .pdf, .html",
    "plot one -o none/a.png": "-o none/a.png: there is no folder none",
    "plot one -o a.html --x lost": "--x lost: it may be one of step, epoch, time, samples, power",
    "plot one -o a.html --metric lost": "--metric lost: there is no such metric",
    "plot one -o a.html --what residuals": "whose targets are classes",
    "plot one -o a.html --what roc --log": "--log: it is for --what curves",
    "plot one -o a.html --wrong": "--wrong: it is for --what samples",
    "plot one -o a.html --ema": "curves are of no checkpoint",
    "report one -o a.txt": "-o a.txt: the name must end in one of .html, .md",
    "report one two": "name it with -o",
    "report one -o a.md --checkpoint none": "has no checkpoint none; it has best, last",
    "report one -o a.md --no-evaluate --ema": "--no-evaluate: no checkpoint is asked",
}


def test_wrong_usage_ends_in_a_sentence_and_exit_code_2(tuitrain: Cli) -> None:
    for arguments, fault in FAULTS.items():
        done = tuitrain(*arguments.split())
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert fault in done.stderr and done.stderr.count("\n") == 1
        assert not list(tuitrain.folder.glob("a.*")) and not list(tuitrain.folder.glob(".a.*"))


def test_a_report_has_the_worst_samples_as_images(tuitrain: Cli) -> None:
    done = tuitrain("report", "two", "-o", "two.html", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert set(told) == {"file", "bytes", "runs", "sections", "evaluated"}
    assert [each["evaluated"] for each in told["evaluated"].values()] == [True]
    text = (tuitrain.folder / "two.html").read_text("utf-8")
    assert text.count('src="data:image/png;base64,') >= 5
    assert "optimizer.lr" in text and "cd " in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_runs_are_compared_and_tested_on_the_same_samples(tuitrain: Cli) -> None:
    done = tuitrain("report", "one", "two", "-o", "both.md")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "wrote both.md\n")
    text = (tuitrain.folder / "both.md").read_text("utf-8")
    assert "optimizer.lr" in text
    assert "McNemar" in text and "95 % interval" in text


def test_a_run_whose_checkpoint_is_gone_says_so_and_has_the_rest(tuitrain: Cli) -> None:
    (run,) = (tuitrain.folder / "runs").glob("*-one-*")
    moved = tuitrain.folder / "moved"
    shutil.move(run / "checkpoints", moved)
    try:
        done = tuitrain("report", "one", "-o", "gone.md", "--json")
    finally:
        shutil.move(moved, run / "checkpoints")
    assert done.returncode == 0
    assert "has no checkpoint yet" in done.stderr
    (evaluated,) = json.loads(done.stdout)["evaluated"].values()
    assert not evaluated["evaluated"] and "has no checkpoint" in evaluated["trouble"]
    text = (tuitrain.folder / "gone.md").read_text("utf-8")
    assert "Not evaluated" in text and "As training recorded it" in text and "## Curves" in text


def test_without_a_file_the_recorded_classes_are_printed(tuitrain: Cli) -> None:
    assert "PRECISION" in tuitrain("report", "one").stdout
