from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.makers import NOW, falling, new_run, train
from tests.ui.screens import told, wait_for, wait_for_golden, wait_for_text
from tuitrain import messages as m
from tuitrain.file_lock import FileLock
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter
from tuitrain.ui.screens.checkpoints import CheckpointsScreen
from tuitrain.ui.screens.dialogs import Confirm

DIGEST = "0123456789abcdef" * 4


def save(run: RunDirectory, *checkpoints: tuple[int, tuple[str, ...]]) -> None:
    """Record checkpoints and put files of that size in their places."""
    events: list[m.Event] = []
    for step, names in checkpoints:
        path = f"checkpoints/step-{step:08}.pt"
        (run.path / path).write_bytes(b"x" * step)
        for name in names:
            (run.checkpoints / f"{name}.pt").symlink_to(Path(path).name)
        metrics = {"val/accuracy": 0.9 + step / 1000, "val/loss": 1 / step}
        at = NOW - 600 + step
        events.append(m.CheckpointSaved(at, step, path, names, DIGEST, 600_000, 0.01, 0.2, metrics))
    with RunWriter(run) as writer:
        writer.record([m.Numbered(2, number, event) for number, event in enumerate(events, 1)])


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = new_run(tmp_path / "runs", "alpha")
    train(run, falling(60), accuracy=0.9, end=("stopped", "by the user"))
    save(run, (20, ()), (40, ("best", "tuned")), (60, ("last",)))
    return run


def show(run: RunDirectory, steps: Any, **options: Any) -> None:
    def first(app: Any) -> None:
        app.push_screen(CheckpointsScreen(run, clock=lambda: NOW))

    play(run.path.parent, first, steps, **options)


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 20)])
def test_the_list_and_all_about_the_checkpoint_under_the_cursor(
    run: RunDirectory, size: tuple[int, int]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 checkpoints")
        await pilot.press("down")
        await wait_for_text(pilot, "step-00000040.pt")
        await wait_for_golden(pilot, f"checkpoints-{size[0]}x{size[1]}")

    show(run, steps, size=size)


def test_a_checkpoint_gets_a_name_that_is_checked_while_typing(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 checkpoints")
        await pilot.press("end", "m", *"last")
        await wait_for_text(pilot, "and not last or")
        await pilot.press(*["backspace"] * 4, *"good", "enter")
        await wait_for_text(pilot, "good")

    show(run, steps)
    assert (run.checkpoints / "good.pt").resolve().name == "step-00000020.pt"


def test_a_checkpoint_is_deleted_only_after_yes(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 checkpoints")
        await pilot.press("j", "x")
        await wait_for_text(pilot, "Delete step-00000040.pt (best, tuned) for good?")
        await pilot.press("n")
        await wait_for_text(pilot, "3 checkpoints")
        await pilot.press("x", "y")
        await wait_for_text(pilot, "2 checkpoints")

    show(run, steps)
    assert not (run.checkpoints / "step-00000040.pt").exists()


def test_the_only_checkpoint_is_deleted_only_after_a_second_yes(tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs", "single")
    train(run, falling(60), end=("stopped", "by the user"))
    save(run, (60, ("last",)))
    file = run.checkpoints / "step-00000060.pt"

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "  1 checkpoint")
        await pilot.press("x", "y")
        await wait_for_text(pilot, "It is the only checkpoint of this run")
        await pilot.press("escape")
        assert file.exists()
        await pilot.press("x", "y")
        await wait_for_text(pilot, "It is the only checkpoint of this run")
        await pilot.press("y")
        await wait_for_text(pilot, "no checkpoints")

    show(run, steps)
    assert not file.exists()


def test_the_checkpoints_of_a_live_run_are_neither_deleted_nor_resumed_from(
    run: RunDirectory,
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 checkpoints")
        await pilot.press("x")
        await wait_for(pilot, lambda: "to delete a checkpoint" in told(pilot.app))
        await pilot.press("R")
        await wait_for(pilot, lambda: "to resume from a checkpoint" in told(pilot.app))
        await pilot.press("m")
        await wait_for_text(pilot, "checkpoint of its current step is saved")

    with FileLock(run.lock_path):
        show(run, steps)
    assert len(list(run.checkpoints.glob("step-*"))) == 3


def test_resuming_from_an_older_checkpoint_says_what_is_lost_and_asks(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 checkpoints")
        await pilot.press("end", "enter")
        await wait_for_text(pilot, "Resume from step 20?")
        assert isinstance(pilot.app.screen, Confirm)
        await pilot.press("escape")
        await wait_for_text(pilot, "3 checkpoints")

    show(run, steps)


def test_a_run_without_checkpoints_and_a_damaged_one_say_so(tmp_path: Path) -> None:
    empty, damaged = new_run(tmp_path / "runs", "empty"), new_run(tmp_path / "runs", "bad")
    damaged.database_path.write_bytes(b"x" * 4096)

    async def on_empty(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "no checkpoints")
        await pilot.press("enter", "R", "e", "m", "x")
        await wait_for_text(pilot, "no checkpoints")

    async def on_damaged(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "run.db")
        await pilot.press("enter", "R", "e", "m", "x")
        await wait_for_text(pilot, "run.db")

    show(empty, on_empty)
    show(damaged, on_damaged, size=(160, 24))
