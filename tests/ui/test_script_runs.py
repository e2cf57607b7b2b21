"""A script's run on the screens: what it can be asked for, and why a key does nothing."""

import time
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.supervisor.workers import numbered
from tests.ui.run_shown import show
from tests.ui.screens import screen_text, told, wait_for, wait_for_text
from tuitrain import messages as m
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.rows import ScriptFacts
from tuitrain.runs.samples import Kept, add_samples, plain_png
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.scripts.launch import script_facts, script_name
from tuitrain.view.run.runtext import ability_words


def script_run(root: Path, ability: Any) -> RunDirectory:
    command = ["python", "train.py"]
    run = create_run(root, script_name(command), None, "", facts=script_facts(command))
    points = (m.MetricPoints("train/loss", 1, (0.5, 0.25, 0.125)),)
    events = [
        m.WorkerStarted(time.time(), 1),
        m.ScriptSeen(time.time(), ability, ("SGD of torch",)),
        m.StepsTaken(time.time(), 1, 3, 0.0, 1.0, points),
    ]
    with RunWriter(run) as writer:
        writer.begin_attempt(time.time())
        writer.record(numbered(*events))
    return run


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_a_key_that_can_not_work_says_why_and_what_would_make_it_work(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "loss")
        refused = {
            "c": "run.on_checkpoint(save)",
            "e": "presets evaluate on command",
            "P": "only tuitrain's own presets resume exactly",
            "R": "`tuitrain exec` runs it again",
            "v": "has no checkpoint of it to load",
        }
        for key, words in refused.items():
            pilot.app.clear_notifications()
            await pilot.press(key)
            await wait_for(pilot, lambda words=words: words in told(pilot.app), key)
        assert "checkpoint" not in screen_text(pilot.app).splitlines()[-1]

    show(script_run(tmp_path, "stepped"), doing, size=size)


def test_images_and_texts_that_a_script_logs_are_seen_step_by_step(tmp_path: Path) -> None:
    run = script_run(tmp_path, "stepped")
    text, size = {"kind": "text", "text": "said here"}, {"width": 2, "height": 1, "range": [0, 255]}
    image = Kept(2, "seen", {"kind": "image", **size}, plain_png(2, 1, 1, b"\0\xff"))
    add_samples(run, [Kept(1, "words", text), image])

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "loss")
        await pilot.press("v")
        await wait_for_text(pilot, "#0 seen")
        await pilot.press("left")
        await wait_for_text(pilot, "said here")
        await pilot.press("right")
        add_samples(run, [Kept(3, "later", text)])
        await wait_for_text(pilot, "#0 later")
        assert "step 3  (3 of 3 steps)" in screen_text(pilot.app)
        await pilot.press("q")
        await wait_for_text(pilot, "loss")

    show(run, doing)


def test_before_the_first_step_it_can_only_be_stopped(tmp_path: Path) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "loss")
        for key in ("space", "l"):
            pilot.app.clear_notifications()
            await pilot.press(key)
            await wait_for(pilot, lambda: "no step was seen yet" in told(pilot.app), key)

    show(script_run(tmp_path, "watched"), doing)


def test_the_header_says_what_a_script_can_be_asked_for() -> None:
    assert ability_words(ScriptFacts()) == "script: watched, can stop"
    facts = ScriptFacts(("x",), "checkpoint")
    assert ability_words(facts) == "script: can pause, stop, set lr, save"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["python", "-u", "src/train.py", "--lr", "0.1"], "train"),
        (["torchrun", "--nproc-per-node=2", "fit_gan.py"], "fit_gan"),
        (["bash", "run all.sh"], "run-all.sh"),
        (["python"], "python"),
    ],
)
def test_a_run_is_called_after_its_script(command: list[str], name: str) -> None:
    assert script_name(command) == name
