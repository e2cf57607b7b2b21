"""A model used by a command: the list, the line that can be changed, and what comes of it."""

import shlex
from pathlib import Path
from typing import Any

import psutil
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.apps import play
from tests.ui.results_makers import trained_run
from tests.ui.screens import screen_text, wait_for, wait_for_golden, wait_for_text
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.screens.results.uses import CommandScreen, UseMenu


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    # The runs are where the command line looks for them: it needs no option to say so.
    monkeypatch.setenv("TUITRAIN_RUNS", str(tmp_path / "runs"))
    return trained_run(tmp_path / "runs")


def menu(run: RunDirectory, steps: Any, **options: Any) -> None:
    play(run.path.parent, lambda app: app.opener.open_uses(run), steps, **options)


def command(run: RunDirectory, line: str, steps: Any, **options: Any) -> None:
    play(run.path.parent, lambda app: app.push_screen(CommandScreen(line)), steps, **options)


def line(pilot: Pilot[Any]) -> str:
    return pilot.app.screen.query_one(Input).value


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 20)], ids=str)
def test_the_list_shows_the_command_line_of_the_row_picked(
    run: RunDirectory, size: tuple[int, int]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, f"tuitrain predict {run.id} PATH")
        await pilot.press("j", "j")
        await wait_for_text(pilot, f"tuitrain plot {run.id} -o")
        await wait_for_golden(pilot, f"uses-{size[0]}x{size[1]}")

    menu(run, steps, size=size)


def test_a_command_that_needs_none_shows_its_line_at_once(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "PATH")
        await pilot.press("j", "j", "enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, CommandScreen))
        assert line(pilot) == f"tuitrain plot {run.id} -o {run.id}.png"
        await pilot.press("escape")
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, CommandScreen))
        assert not isinstance(pilot.app.screen, UseMenu)

    menu(run, steps)


def test_a_command_that_needs_a_path_asks_for_it(run: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "my flowers.csv").write_text("a\n1\n")
    begun = f"{tmp_path}/my fl"

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "PATH")
        await pilot.press("enter")
        await wait_for_text(pilot, "Predict which")
        await pilot.press(*"gone")
        await wait_for_text(pilot, "no such file or folder")
        await pilot.press(*["backspace"] * 4)
        pilot.app.screen.query_one(Input).insert_text_at_cursor(begun)
        await wait_for(
            pilot, lambda: pilot.app.screen.query_one(Input)._suggestion.endswith(".csv")
        )
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, CommandScreen))
        assert shlex.split(line(pilot)) == [
            "tuitrain", "predict", run.id, str(tmp_path / "my flowers.csv"),
        ]  # fmt: skip

    menu(run, steps)


def test_runs_kept_elsewhere_are_named_on_the_line(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUITRAIN_RUNS", str(tmp_path / "others"))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "PATH")
        await pilot.press("j", "j", "enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, CommandScreen))
        assert shlex.split(line(pilot))[-2:] == ["--runs-dir", str(run.path.parent)]

    menu(run, steps)


def test_what_the_command_writes_is_read_and_how_it_ended(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "run  right complete a path")
        await pilot.press("enter")
        await wait_for_text(pilot, "no run 'gone' in")
        await wait_for_text(pilot, "with exit code 2")
        await pilot.press("e", *["backspace"] * 4)
        await wait_for(pilot, lambda: line(pilot) == "tuitrain evaluate ")
        await pilot.press(*run.id, "enter")
        await wait_for_text(pilot, f"tuitrain evaluate {run.id}")
        await wait_for(pilot, lambda: "no run 'gone' in" not in screen_text(pilot.app))
        await wait_for_text(pilot, "with exit code")

    command(run, "tuitrain evaluate gone", steps)


def test_a_line_that_is_no_command_of_this_program_is_refused(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "rm -r")
        await pilot.press("enter")
        await wait_for_text(pilot, "the line must begin with tuitrain and a command")

    command(run, "rm -r x", steps)


@pytest.mark.parametrize("how", ["cancelled", "closed"])
def test_a_command_ends_on_its_key_and_with_its_screen(run: RunDirectory, how: str) -> None:
    def children() -> list[psutil.Process]:
        return [each for each in psutil.Process().children(recursive=True) if _runs(each)]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "run  right complete")
        await pilot.press("enter")
        await wait_for_text(pilot, "running ...")
        await wait_for(pilot, lambda: len(children()) >= 2, "the command")
        if how == "closed":
            await pilot.press("q")
        else:
            await wait_for_text(pilot, "training on")
            await pilot.press("x")
            await wait_for_text(pilot, "with exit code 130")
        await wait_for(pilot, lambda: not children(), "its end")

    command(run, "tuitrain run digits-mlp --set train.epochs=100000", steps)


def _runs(process: psutil.Process) -> bool:
    try:
        return "train.epochs=100000" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
