"""A script that was not changed is a run: watched, steered, and never harmed."""

import contextlib
import io
import json
import os
import re
import signal
import sys
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from tests.process.conftest import Run, until
from tests.scripts.conftest import Scripts, order, wait_parts
from tuitrain.messages import (
    ChangeSetting,
    Continue,
    Evaluate,
    Pause,
    Profile,
    SaveCheckpoint,
    Stop,
    TakeStacks,
)
from tuitrain.metric_names import MOST_PROFILE_STEPS
from tuitrain.ranks import read_board
from tuitrain.runs.commands import give_command, wait_for_command
from tuitrain.runs.reader import RunReader
from tuitrain.runs.samples import read_samples, sampled_steps
from tuitrain.traces.store import profile_name

PYTHON = sys.executable


def test_a_loop_that_logs_nothing_has_its_steps_and_the_loss_of_each(scripts: Scripts) -> None:
    run = scripts.run(PYTHON, "plain.py", "300")
    assert run.state().state == "finished"
    assert run.step == 300
    losses = run.points("train/loss")
    assert [step for step, _ in losses] == list(range(1, 301))
    assert losses[-1][1] < losses[0][1]
    assert run.facts().script.ability == "stepped"
    assert run.facts().script.by == ("SGD of torch",)
    assert run.log == "rate 0.01\n"
    assert run.meta()["monitor"] == "train/loss"


def test_a_loop_is_paused_given_another_rate_and_stopped_as_by_ctrl_c(scripts: Scripts) -> None:
    run = scripts.begin(PYTHON, "plain.py")
    assert order(run, ChangeSetting(0, "optimizer.lr", 0.005)).text == "SGD: 0.01 -> 0.005"
    assert order(run, Pause()).outcome == "done"
    assert run.wait_state("paused").reason == "by command; the process holds, and keeps its memory"
    [worker] = [p for p in scripts.processes() if p.cmdline()[1:] == ["plain.py"]]
    held = run.step
    assert set(wait_parts(run, {"rest", "backward", "optimizer"})) == {
        "rest", "backward", "optimizer",
    }  # fmt: skip
    assert order(run, TakeStacks()).outcome == "done"
    assert "plain.py" in run.alerts()[-1].detail
    for asked, words in (
        (SaveCheckpoint(), "this script has not said how it saves"),
        (Evaluate(), "its own business"),
        (Pause(release=True), "only presets of tuitrain resume exactly"),
        (ChangeSetting(0, "train.clip_norm", 1.0), "only optimizer.lr"),
    ):
        answer = order(run, asked)
        assert answer.outcome == "refused"
        assert words in answer.text
    assert run.step == held
    assert worker.is_running()
    assert order(run, Continue()).outcome == "done"
    run.wait_step(held + 1)
    assert order(run, Stop()).outcome == "done"
    assert run.wait_end().state == "stopped"
    marks = [mark.text for mark in run.marks() if mark.kind == "setting"]
    assert marks == ["optimizer.lr 0.01 -> 0.005"]
    assert run.points("lr")[-1][1] == 0.005
    refused = scripts("resume", run.id, exit_code=2).stderr_text
    assert "`tuitrain exec` runs it again" in refused
    assert "its own" in scripts("evaluate", run.id, exit_code=2).stderr_text


def test_steps_are_profiled_unless_the_script_profiles_itself(scripts: Scripts) -> None:
    run = scripts.begin(PYTHON, "profiled.py")
    done = order(run, Profile(0, 4))
    assert done.outcome == "done", done.text
    name = profile_name(done.id)
    with RunReader(run.directory) as reader:
        run.wait(lambda: reader.entries.profiles()[0].state != "reading", "what it says")
        [row] = reader.entries.profiles()
    assert (row.name, row.state) == (name, "done"), row.summary
    assert row.last_step - row.first_step == 3
    shown = scripts("profile", run.id, "--show", name, "--by", "module").stdout_text
    assert {"0 (Linear)", "2 (Linear)", "(optimizer)"} <= set(re.findall(r" (\S.*?)  +", shown))
    lines = scripts("profile", run.id, "--show", name, "--by", "line").stdout_text
    assert "profiled.py:" in lines
    assert "tuitrain/script" not in lines
    asked = give_command(run.directory, Profile(0, MOST_PROFILE_STEPS))
    run.wait((run.directory.profiles / profile_name(asked)).exists, "it is under way")
    (scripts.folder / "own").touch()
    refused = wait_for_command(run.directory, asked, limit_s=60.0)
    assert refused.outcome == "refused"
    assert "the script's own profiler is at work" in refused.text
    run.wait((scripts.folder / "profiled").exists, "its own profile")
    assert order(run, Stop()).outcome == "done"
    assert run.wait_end().state == "stopped"


@pytest.mark.parametrize("writer", ["torch", "tensorboardX"])
def test_what_is_logged_to_tensorboard_stands_at_the_scripts_own_steps(
    scripts: Scripts, writer: str
) -> None:
    pytest.importorskip("tensorboard" if writer == "torch" else "tensorboardX")
    run = scripts.run(PYTHON, "board.py", writer)
    kept = json.loads((scripts.folder / "kept.json").read_text())
    # Epochs would squeeze their curve to the left: it stands where it was logged.
    for name, points in kept.items():
        assert [list(each) for each in run.points(name)] == points
    assert run.facts().script.by[-1] == "TensorBoard"
    assert run.step == 120


def test_images_texts_and_histograms_are_kept_whoever_logs_them(scripts: Scripts) -> None:
    pytest.importorskip("tensorboard")
    run = scripts.run(PYTHON, "media.py")
    assert sampled_steps(run.directory)[:2] == [3, 4]
    kept = _parts(run, 3)
    sizes = {name: (part["width"], part["height"]) for name, part in kept.items() if "file" in part}
    assert sizes == {
        "own/0/first": (3, 2), "own/1": (5, 4), "pillow": (6, 2), "large": (1000, 2),
        "board/image": (3, 2), "board/images/0": (3, 2), "board/images/1": (3, 2),
    }  # fmt: skip
    step = read_samples(run.directory, 3)
    with Image.open(io.BytesIO(step.image_bytes(kept["own/0/first"]))) as image:
        # Copied at the call: what the script did to it later is not seen.
        assert image.convert("L").tobytes() == bytes([0, 51, 102, 153, 204, 255])
    assert kept["words"]["text"] == kept["board/text"]["text"] == "once upon"
    for name in ("spread", "board/spread"):
        assert kept[name]["text"].startswith("3 values from -1 to 1")
    assert run.points("loss") == [(3, 0.5)]
    assert "an image was left out: it has 2 channels" in run.log
    if find_spec("wandb") is not None:
        assert run.points("off/loss") == [(4, 0.25)]
        assert {"off/image", "off/spread"} <= set(_parts(run, 4))


def _parts(run: Run, step: int) -> dict[str, Mapping[str, Any]]:
    return {name: part for each in read_samples(run.directory, step).samples
            for name, part in each.items()}  # fmt: skip


def test_of_two_optimizers_the_first_counts(scripts: Scripts) -> None:
    run = scripts.run(PYTHON, "gan.py")
    assert run.step == 150
    assert run.points("lr")[-1][1] == 0.002


@pytest.mark.parametrize("kind", ["exponential", "lambda"])
def test_a_schedule_goes_on_from_the_new_rate_in_proportion(scripts: Scripts, kind: str) -> None:
    run = scripts.begin(PYTHON, "accumulate.py", kind)
    answer = order(run, ChangeSetting(0, "optimizer.lr", 0.02))
    assert answer.text.endswith("LR goes on from it in proportion")
    run.wait_step(answer.step + 20)
    assert order(run, Stop()).outcome == "done"
    assert run.wait_end().state == "stopped"
    assert run.log == "saved\n"
    rates, state = json.loads((scripts.folder / "rates.json").read_text())
    ratios = [after / before for before, after in pairwise(rates)]
    changed = [n for n, ratio in enumerate(ratios, 2) if ratio != pytest.approx(0.999)]
    assert changed == [answer.step]
    assert rates[answer.step - 1] == pytest.approx(0.02 * 0.999)
    assert "step" not in state
    # The loss is that of the last of an update's batches: each update is one step.
    assert len(run.points("train/loss")) == run.step == len(rates) + 1


def test_a_script_that_forks_spawns_and_prints_bytes_ends_with_its_own_exit_code(
    scripts: Scripts,
) -> None:
    scripts.environ["PYTHONPATH"] += f"{os.pathsep}{scripts.folder / 'site'}"
    process = scripts.start("exec", "--", PYTHON, "odd.py", stdin=-1)
    shown, said = process.communicate("through a pipe")
    assert process.returncode == 3, said
    run = scripts.newest()
    for line in ("own sitecustomize was run", "forked 5", "spawned [7]", "sub", "ran 4"):
        assert f"{line}\n" in run.log
        assert f"{line}\n" in shown
    assert "piped through a pipe\n" in shown
    assert "\x1b" not in shown
    raw = run.directory.log_path.read_bytes()
    assert bytes(range(256)) in raw
    assert run.state().state == "failed"
    assert run.state().reason == "the script ended with exit code 3"


def test_loaders_are_no_news_and_an_error_is_told_with_its_traceback(scripts: Scripts) -> None:
    run = scripts.run(PYTHON, "loaders.py", exit_code=1)
    assert run.step == 18
    state = run.state()
    assert state.state == "failed"
    assert state.reason.startswith("RuntimeError: epoch 3 is missing (the script ended with")
    assert state.detail.startswith("Traceback (most recent call last):")
    assert [alert.kind for alert in run.alerts()] == ["ended"]


def test_of_two_ranks_the_first_speaks(scripts: Scripts) -> None:
    torchrun = (PYTHON, "-m", "torch.distributed.run", "--nproc-per-node=2", "ranks.py")
    run = scripts.run(*torchrun)
    assert run.step == 40
    assert len(run.points("train/loss")) == 40
    assert {"rank 0 done", "rank 1 done"} <= set(run.log.splitlines())
    board = read_board(run.directory.path)
    assert [(each.rank, each.step, each.phase) for each in board] == [
        (0, 40, "ended"), (1, 40, "ended"),
    ]  # fmt: skip
    assert "rank" not in [alert.kind for alert in run.alerts()]


def follows(pid: int, others: list[int]) -> bool:
    """Return whether a process holds a descriptor of each of some others."""
    held = set()
    for path in Path(f"/proc/{pid}/fdinfo").glob("*"):
        with contextlib.suppress(OSError):  # closed by now
            held.update(re.findall(r"^Pid:\t(\d+)", path.read_text(), re.MULTILINE))
    return held >= set(map(str, others))


def test_a_rank_that_is_killed_is_named(scripts: Scripts) -> None:
    run = scripts.detached(PYTHON, "spawned.py")
    # Who went first can be told of processes that were followed while both were alive.
    board = partial(read_board, run.directory.path)
    until(lambda: len(pids := [each.pid for each in board() if each.pid]) == 2
          and follows(run.supervisor_pid, pids), "both ranks are followed")  # fmt: skip
    # What rank 0 logs is sent a moment later, and it is ended with the other.
    run.wait(lambda: {"rank", "before"} <= set(run.metric_names()), "what it logs")
    Path(scripts.folder, "go").touch()
    assert run.wait_end().state == "failed"
    [alert] = [alert for alert in run.alerts() if alert.kind == "rank"]
    # Where both went before the watch had looked once, both are named.
    assert re.search(r"rank 1 \(process \d+\) is gone, in step 21", alert.text), alert.text
    assert {value for _step, value in run.points("rank")} == {0.0}
    assert [value for _step, value in run.points("before")] == [0.0]


def test_a_script_without_steps_is_watched_and_stopped_as_by_ctrl_c(scripts: Scripts) -> None:
    run = scripts.detached("sh", "-c", "echo begun; sleep 60")
    run.wait_state("running")
    assert order(run, Pause()).text.startswith("no step was seen yet")
    assert order(run, Stop()).text == "no step is seen: interrupted, as by Ctrl-C"
    assert run.wait_end().state == "stopped"


def test_a_script_outlives_a_supervisor_that_is_killed(scripts: Scripts) -> None:
    run = scripts.begin(PYTHON, "plain.py")
    [worker] = [p for p in scripts.processes() if p.cmdline()[1:] == ["plain.py"]]
    scripts.killed.add(run.id)
    os.kill(run.supervisor_pid, signal.SIGKILL)
    run.wait(lambda: "no longer watched" in run.log, "it is told")
    assert worker.status() != psutil.STATUS_ZOMBIE
    assert run.state().state == "lost"
    assert "resumable" not in run.state().reason
    worker.kill()


def test_what_can_not_be_run_is_said_before_there_is_a_run(scripts: Scripts) -> None:
    assert "no such program" in scripts("exec", "--", "pyhton", "x.py", exit_code=2).stderr_text
    said = scripts("exec", "--", "./plain.py", exit_code=2).stderr_text
    assert "tuitrain exec -- python ./plain.py" in said
    assert "what is to be run?" in scripts("exec", exit_code=2).stderr_text
    assert not scripts.runs.exists()
