"""What a tracker has of a run is what is on record, over a resume and over a writer that dies."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.trackers.recorded import (
    alike,
    first_attempt,
    new_run,
    record,
    recorded,
    resumed,
    second_attempt,
    steps,
)
from tests.trackers.stores import (
    PROJECT,
    elsewhere,
    environment,
    events_of,
    feed,
    mlflow_story,
    wandb_points,
)
from tuitrain.foreign.find import find_logs
from tuitrain.foreign.follow import LogFollower
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.samples import plain_png, read_samples

PATIENCE_S = 60.0


def needs(module: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(find_spec(module) is None, reason=f"{module} is not installed")


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return new_run(tmp_path / "runs")


@needs("tensorboard")
@pytest.mark.parametrize(
    ("resumed_at", "shown", "evaluated"), [(100, [100, 160], [100, 160]), (0, [160], [160])]
)
def test_event_files_are_the_record_to_tensorboards_own_reader(
    run: RunDirectory, tmp_path: Path, resumed_at: int, shown: list[int], evaluated: list[int]
) -> None:
    first_attempt(run)
    feed(run, "tensorboard:tb", tmp_path)
    folder = tmp_path / "tb" / run.id
    alike(events_of(folder)["points"], recorded(run), single=True)
    second_attempt(run, resumed_at)
    feed(run, "tensorboard:tb", tmp_path)
    found = events_of(folder)
    alike(found["points"], recorded(run), single=True)
    assert found["alerts"] == [[120, "**nonfinite** the loss is NaN \x1b[2J"]]
    assert {tag: [each[:3] for each in images] for tag, images in found["images"].items()} == {
        "input": [[step, 2, 1] for step in shown],
        "confusion": [[step, 256, 256] for step in evaluated],
    }
    assert found["images"]["input"][-1][3] == plain_png(2, 1, 1, bytes([0, 160])).hex()
    assert found["texts"] == [[step, f"<{step}> \x1b[2J"] for step in shown]
    assert found["hparams"]["optimizer.lr"] == 0.01
    assert found["hparams"]["model.hidden"] == "[16, 8]"
    assert found["status"] == 1
    assert found["times"] == sorted(found["times"])
    assert len(list(folder.iterdir())) == 2


@needs("tensorboard")
def test_a_writer_that_is_killed_leaves_neither_doubled_nor_missing_points(
    run: RunDirectory, tmp_path: Path
) -> None:
    first_attempt(run)
    command = [sys.executable, "-m", "tuitrain.trackers", str(run.path), "tensorboard:tb"]
    for last in (160, 400):
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path
        ) as process:
            assert process.stdout is not None
            assert process.stdout.read(1) == b"."
            os.kill(process.pid, signal.SIGKILL)
        record(run, 1 + last // 400, *steps(last - 29 if last == 160 else 161, last))
    feed(run, "tensorboard:tb", tmp_path)
    alike(events_of(tmp_path / "tb" / run.id)["points"], recorded(run), single=True)


@needs("wandb")
def test_wandb_goes_on_with_a_run_and_begins_anew_where_a_resume_gave_steps_up(
    run: RunDirectory, tmp_path: Path
) -> None:
    def files() -> list[Path]:
        found = (run.path / "trackers" / "wandb").glob("offline-run-*/*.wandb")
        return sorted(found, key=lambda path: path.stat().st_mtime_ns)

    first_attempt(run)
    feed(run, "wandb", tmp_path)
    alike(wandb_points(*files()), recorded(run))
    second_attempt(run, 130)
    feed(run, "wandb", tmp_path)
    assert [path.stem for path in files()] == [f"run-{run.id}"] * 2
    alike(wandb_points(*files()), recorded(run))
    record(run, 3, *resumed(150))
    feed(run, "wandb", tmp_path)
    assert files()[-1].stem == f"run-{run.id}-2"
    alike(wandb_points(files()[-1]), recorded(run))
    follower = LogFollower(*find_logs(files()[-1]), RunDirectory(tmp_path / "watched"))
    assert follower.begin()
    follower.catch_up()
    follower.close()
    found = read_samples(follower.record, 130).samples
    assert sorted(name for sample in found for name in sample) == ["confusion", "input", "output"]
    assert {"output": {"kind": "text", "text": "<130> \x1b[2J"}} in found


@needs("mlflow")
@pytest.mark.skipif(find_spec("sqlalchemy") is None, reason="sqlalchemy is not installed")
def test_mlflow_goes_on_with_a_run_and_begins_anew_where_a_resume_gave_steps_up(
    run: RunDirectory, tmp_path: Path
) -> None:
    [begun], [went_on], last = mlflow_story(run, tmp_path)
    assert (begun["status"], went_on["status"]) == ("KILLED", "FINISHED")
    assert went_on["id"] == begun["id"]
    assert went_on["name"] == "tracked"
    assert went_on["params"]["model.hidden"] == "[16, 8]"
    files = [file for file in went_on["files"] if not file.endswith("compressed.webp")]
    assert files[0] == "alerts.txt"
    assert [file.split("+timestamp")[0] for file in files[1:-3]] == [
        f"images/{name}+step+{step}" for name in ("confusion", "input") for step in (100, 130, 160)
    ]
    assert files[-3:] == [f"texts/output/step-{step:08d}.txt" for step in (100, 130, 160)]
    # Beside the store, as nothing is said of where they belong.
    assert went_on["place"].startswith(f"file://{tmp_path}/mlruns/mine/")
    assert not list(elsewhere(tmp_path).iterdir())
    for name, points in went_on["points"].items():
        steps_of = [step for step, _ in points]
        assert steps_of == sorted(set(steps_of)), name
    assert went_on["points"]["train/loss"][:3] == begun["points"]["train/loss"][:3]
    # Its databases hold no infinity.
    assert went_on["points"]["train/loss"][3] == (4, sys.float_info.max)
    [new] = [each for each in last if each["id"] != begun["id"]]
    [old] = [each for each in last if each["id"] == begun["id"]]
    assert old["tags"]["tuitrain.replaced_by"] == new["id"]
    finite = {name: [p for p in each if p[1] < 1e300] for name, each in new["points"].items()}
    expected = {name: [p for p in each if p[1] < math.inf] for name, each in recorded(run).items()}
    alike(finite, expected)


@needs("trackio")
def test_trackio_goes_on_with_a_run_and_begins_anew_where_a_resume_gave_steps_up(
    run: RunDirectory, tmp_path: Path
) -> None:
    def runs() -> list[RunDirectory]:
        """The runs of its store, as `watch` reads them."""
        found = []
        for number, log in enumerate(find_logs(tmp_path / "trackio")):
            follower = LogFollower(log, RunDirectory(tmp_path / f"watched{number}"))
            assert follower.begin()
            follower.catch_up()
            follower.close()
            found.append(follower.record)
        return found

    first_attempt(run)
    feed(run, "trackio:mine", tmp_path)
    second_attempt(run, 130)
    feed(run, "trackio:mine", tmp_path)
    [one] = runs()
    alike(recorded(one), recorded(run))
    with RunReader(one) as reader, RunReader(run) as ours:
        steps = ours.steps.progress().step
        times = [each.steps.step_times(1, steps, 2)[-1].time for each in (reader, ours)]
    assert times[0] == pytest.approx(times[1], abs=0.01)
    assert read_samples(one, 160).samples[1]["output"]["text"] == "<160> \x1b[2J"
    record(run, 3, *resumed(150))
    feed(run, "trackio:mine", tmp_path)
    one, other = runs()
    with RunReader(other) as reader:
        assert reader.summary().name == f"trackio/mine/{run.id}-2"
        assert reader.config()["optimizer/lr"] == 0.01
    alike(recorded(other), recorded(run))


@needs("tensorboard")
def test_what_comes_while_the_run_is_live_is_written_soon(
    run: RunDirectory, tmp_path: Path
) -> None:
    first_attempt(run)
    command = [sys.executable, "-m", "tuitrain.trackers", str(run.path), "tensorboard:tb"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(tmp_path),
        cwd=tmp_path,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.read(1) == b"."
        second_attempt(run, 130)
        memory = run.path / "trackers" / "tensorboard.json"
        deadline = time.monotonic() + PATIENCE_S
        while json.loads(memory.read_text())["place"]["last"]["lr"] < 160:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.stdin.close()
    assert process.returncode == 0
    alike(events_of(tmp_path / "tb" / run.id)["points"], recorded(run), single=True)


def test_a_library_that_hangs_is_killed_a_while_after_the_run_is_over(
    run: RunDirectory, tmp_path: Path
) -> None:
    library = tmp_path / "tensorboard"
    library.mkdir()
    (library / "__init__.py").write_text("import time\ntime.sleep(600)\n")
    script = (
        "import sys, tuitrain.trackers.__main__ as main\n"
        "main.CLOSE_S = 0.5\n"
        "raise SystemExit(main.main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(run.path), "tensorboard"],
        stdin=subprocess.DEVNULL, check=False, timeout=PATIENCE_S,
        env={**environment(tmp_path), "PYTHONPATH": f"{tmp_path}:{PROJECT}"},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
