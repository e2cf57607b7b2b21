"""The launch form's reader of model and data: what it shows, and that it leaves no process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.screens import wait_for, wait_for_golden, wait_for_text
from tests.ui.test_launch import PRESET, Bench, form, ready
from tests.view.inspect.test_data import answer as data_answer
from tests.view.inspect.test_model import answer as model_answer
from tuitrain.config.load import parse_preset
from tuitrain.errors import TuitrainError
from tuitrain.supervisor.inspection import Question
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.feeds.child import Child
from tuitrain.ui.screens.inspect import InspectScreen
from tuitrain.ui.screens.launch.screen import LaunchScreen

ANSWERS = {"model": model_answer(), "data": data_answer(samples=[])}


def questions(folder: Path) -> list[Question]:
    preset = parse_preset(PRESET, "tiny")
    return [Question("model", preset, folder), Question("data", preset, folder)]


def asked(
    question: Question, tell: Callable[[str], None], _begun: Callable[[Child], None]
) -> dict[str, Any]:
    tell("building the model")
    return ANSWERS[question.kind]


def refused(
    question: Question, _tell: Callable[[str], None], _begun: Callable[[Child], None]
) -> dict[str, Any]:
    if question.kind == "data":
        raise TuitrainError("MNIST is not whole")
    return ANSWERS["model"]


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_model_and_data_are_read_below_each_other(
    root: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    def first(app: TuitrainApp) -> None:
        app.push_screen(InspectScreen(questions(tmp_path), asked))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"inspect-{size[0]}x{size[1]}")
        await pilot.press("G")
        await wait_for_text(pilot, "validation has no sample of class 0")
        await pilot.press("q")
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, InspectScreen))

    play(root, first, steps, size=size)


def test_what_can_not_be_told_stands_below_what_can(root: Path, tmp_path: Path) -> None:
    def first(app: TuitrainApp) -> None:
        app.push_screen(InspectScreen(questions(tmp_path), refused))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "MULT-ADDS")
        await pilot.press("G")
        await wait_for_text(pilot, "MNIST is not whole")

    play(root, first, steps)


def test_the_form_opens_it_and_closing_it_ends_the_process_that_looks(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.toml").write_text(PRESET)
    monkeypatch.chdir(tmp_path)

    def lookers() -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if _looks(each)]

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("ctrl+o")
        await wait_for(pilot, lookers, "the process that looks")
        await pilot.press("escape")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))
        await wait_for(pilot, lambda: not lookers(), "its end")

    play(root, form("tiny.toml", Bench()), steps)


def _looks(process: psutil.Process) -> bool:
    try:
        return "tuitrain.training.inspection" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
