"""`export --to`: files and trackers, afterwards."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cli.records import Tuitrain
from tests.trackers.recorded import alike, recorded
from tests.trackers.stores import environment, events_of, wandb_points
from tuitrain.cli.app import app
from tuitrain.errors import UsageError
from tuitrain.runs.directory import RunDirectory


def test_the_two_words_for_a_format_write_the_same(run: RunDirectory, tuitrain: Tuitrain) -> None:
    one = tuitrain("export", run.id, "--format", "csv")
    other = tuitrain("export", run.id, "--to", "csv")
    assert one.stdout == other.stdout != ""


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((), "say where to: --to csv, jsonl, parquet, tensorboard, wandb, mlflow, t"),
        (("--format", "csv", "--to", "csv"), "--format and --to are two words for one"),
        (("--to", "aim"), "--to aim: nothing that can be exported to; allowed: csv, jsonl, parq"),
        (("--to", "wandb:"), "found 'wandb:', which is no tracker"),
        (("--to", "mlflow", "-o", "x"), "-o goes with files; a place in mlflow is --to mlflow:"),
    ],
    ids=" ".join,
)
def test_what_can_not_be_meant_is_refused(
    run: RunDirectory, root: Path, options: tuple[str, ...], text: str
) -> None:
    result = CliRunner().invoke(app, ["export", run.id, "--runs-dir", str(root), *options])
    assert isinstance(result.exception, UsageError)
    assert text in str(result.exception)


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_event_files_stand_for_the_run_however_often_they_are_written(
    run: RunDirectory, tuitrain: Tuitrain, tmp_path: Path
) -> None:
    place = tmp_path / "boards"
    for _again in range(2):
        assert tuitrain("export", run.id, "--to", f"tensorboard:{place}").returncode == 0
    [file] = (place / run.id).iterdir()
    assert file.name == f"events.out.tfevents.{run.id}"
    alike(events_of(place / run.id)["points"], recorded(run), single=True)


@pytest.mark.skipif(find_spec("wandb") is None, reason="wandb is not installed")
def test_wandb_gets_the_whole_run(run: RunDirectory, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuitrain", "export", run.id, "--to", "wandb:mine",
         "--runs-dir", str(run.path.parent)],
        env=environment(tmp_path), check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [file] = run.exports.glob("wandb/offline-run-*/*.wandb")
    alike(wandb_points(file), recorded(run))


def test_parquet_has_every_point_or_says_what_it_needs(
    run: RunDirectory, tuitrain: Tuitrain, tmp_path: Path
) -> None:
    path = tmp_path / "points.parquet"
    result = tuitrain("export", run.id, "--to", "parquet", "-o", str(path))
    if find_spec("pyarrow") is None:
        assert result.returncode == 2
        assert "pip install 'tuitrain[parquet]'" in result.stderr
        return
    from pyarrow.parquet import read_table

    found: dict[str, list[tuple[int, float]]] = {}
    for row in read_table(path).to_pylist():
        found.setdefault(row["metric"], []).append((row["step"], row["value"]))
    alike(found, recorded(run))
