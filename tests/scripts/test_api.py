"""`import tuitrain` in a loop and in a notebook."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tuitrain
from tests.process.conftest import until
from tests.scripts.conftest import Scripts, order
from tuitrain.errors import RunBusyError, TuitrainError
from tuitrain.messages import ChangeSetting, Pause, SaveCheckpoint, Stop
from tuitrain.ranks import read_board

PYTHON = sys.executable


def plainly(scripts: Scripts, *arguments: str, exit_code: int = 0) -> str:
    """Run the loop without exec, and return what it printed."""
    command = [PYTHON, "own_api.py", *arguments]
    done = subprocess.run(
        command, cwd=scripts.folder, env=scripts.environ, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == exit_code, done.stderr
    return done.stdout


def test_a_loop_without_exec_has_a_supervisor_of_its_own(scripts: Scripts) -> None:
    [run_id, torch_loaded] = plainly(scripts, "--steps", "500", "--lr", "0.01").split()
    assert torch_loaded == "False"
    run = scripts.find(run_id)
    assert run.wait_end().state == "finished"
    assert run.step == 500
    points = run.points("loss")
    # Logged before the step that it belongs to is told.
    assert [step for step, _ in points] == list(range(500))
    assert points[0][1] == pytest.approx((4 * 0.98) ** 2)
    assert run.config() == {"lr": 0.01, "steps": 500}
    assert run.metric_names() == ["loss", "lr"]
    found = tuitrain.find("last", runs_dir=scripts.runs)
    assert found.id == run_id
    assert found.wait(timeout=60) == "finished"
    curve = found.metrics(["loss"])["loss"]
    assert curve.values.dtype == np.float64
    assert list(zip(curve.steps, curve.values, strict=True)) == points
    assert found.frame().loc[3, "loss"] == points[3][1]
    with pytest.raises(TuitrainError, match="has no metric 'lss'; it has loss, lr"):
        found.metrics(["lss"])


def test_a_loop_that_fails_says_how(scripts: Scripts) -> None:
    plainly(scripts, "--steps", "20", "--lr", "3", exit_code=1)
    run = scripts.newest()
    state = run.wait_end()
    assert (state.state, state.reason) == ("failed", "OverflowError: diverged")
    assert state.detail.startswith("Traceback")


def _all_step(run: Path) -> bool:
    return [each.step > 0 for each in read_board(run)] == [True, True]


def test_ranks_without_exec_are_seen_and_one_that_is_killed_is_named(scripts: Scripts) -> None:
    torchrun = [PYTHON, "-m", "torch.distributed.run", "--nproc-per-node=2", "own_ranks.py"]
    with subprocess.Popen(
        torchrun, cwd=scripts.folder, env=scripts.environ, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until(lambda: any(scripts.runs.glob("*/ranks/board")), "a board")
            run = scripts.newest()
            until(lambda: _all_step(run.directory.path), "steps of both")
            (scripts.folder / "seen").touch()
            assert process.wait() == 1
        finally:
            process.terminate()
    run.wait_end()
    [alert] = [alert for alert in run.alerts() if alert.kind == "rank"]
    assert "rank 1 (process " in alert.text


def test_a_loop_within_exec_is_steered_and_saves(scripts: Scripts) -> None:
    run = scripts.begin(PYTHON, "own_api.py")
    run.wait(lambda: run.facts().script.ability == "checkpoint", "it has said how it saves")
    saved = order(run, SaveCheckpoint(name="kept"))
    assert saved.text == "saved by the script: kept.txt"
    assert (scripts.folder / "kept.txt").exists()
    assert order(run, ChangeSetting(0, "optimizer.lr", 0.01)).text == "Optimizer: 0.1 -> 0.01"
    [shown] = tuitrain.runs(runs_dir=scripts.runs)
    assert shown.pause().startswith("holds after step")
    assert shown.state == "paused"
    with pytest.raises(RunBusyError, match="is paused after 0 s"):
        shown.wait(timeout=0)
    assert shown.resume().startswith("goes on after step")
    with pytest.raises(TuitrainError, match="was refused: of a script only"):
        shown.set("train.clip_norm", 1.0)
    assert shown.stop().startswith("stops after step")
    assert shown.wait() == "stopped"
    assert run.config() == {"lr": 0.1, "steps": 10**9}
    run.wait_end()


def test_a_loop_that_asked_for_a_supervisor_is_steered_too(scripts: Scripts) -> None:
    process = subprocess.Popen(
        [PYTHON, "own_api.py"], cwd=scripts.folder, env=scripts.environ, stderr=subprocess.PIPE
    )
    run = scripts.stepped(scripts.wait_only())
    assert order(run, Pause()).outcome == "done"
    assert order(run, Stop()).outcome == "done"
    _out, said = process.communicate(timeout=60)
    assert b"tuitrain was asked to stop this run" in said
    assert run.wait_end().state == "stopped"


def test_importing_it_is_cheap_and_names_what_there_is() -> None:
    code = (
        "import sys, tuitrain, tuitrain.script.api; tuitrain.init; "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"torch", "numpy", "pydantic", "typer", "sqlite3"}
    assert set(dir(tuitrain)) >= {"__version__"}
    with pytest.raises(AttributeError, match="has no attribute 'lgo'"):
        tuitrain.lgo  # noqa: B018
    assert tuitrain.Run.__name__ == "Run"
