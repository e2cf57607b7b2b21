"""Data of one's own from home: a path is asked for, looked at, and made a preset of."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.catalogue.pictures import write_classes
from tests.ui.apps import play
from tests.ui.screens import screen_text, wait_for, wait_for_golden, wait_for_text
from tuitrain.config.load import parse_preset
from tuitrain.errors import TuitrainError, UsageError
from tuitrain.supervisor.inspection import survey_data
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.screens.home.screen import HomeScreen
from tuitrain.ui.screens.launch.screen import LaunchScreen
from tuitrain.ui.screens.own_data import Child, OwnDataScreen, check_name, complete_path

LINES = [
    "pets: 53 images of 2 classes, in train and validation folders",
    "  files   .png 53",
    "  pixels  RGB 52; width 16, height 12",
    "  dark    21 to train on, 6 to validate on",
    "  bright  21 to train on, 5 to validate on",
    "  broken: train/dark/bad.png is no image that can be read",
    "  leak: the same in both parts: train/bright/other.png = val/dark/copy.png",
]
PRESET = """name = "pets"
task = "classification"
data = { name = "digits" }
model = { name = "mlp" }
"""


def found(
    _path: Path, tell: Callable[[str], None], _begun: Callable[[Child], None]
) -> dict[str, Any]:
    tell("images looked at: 200 of 53,000")
    return {"lines": LINES, "name": "pets", "preset": PRESET}


def refused(
    path: Path, _tell: Callable[[str], None], _begun: Callable[[Child], None]
) -> dict[str, Any]:
    raise TuitrainError(f"{path.name} holds no images")


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_what_was_found_is_read_and_made_a_preset(
    root: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    made: list[str | None] = []
    folder = tmp_path / "presets"

    def first(app: TuitrainApp) -> None:
        app.push_screen(OwnDataScreen(tmp_path / "pets", found, folder), made.append)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"own-data-{size[0]}x{size[1]}")
        await pilot.press("enter")
        await wait_for_text(pilot, "Name of the preset")
        field = pilot.app.screen.query_one(Input)
        assert field.value == "pets"
        field.value = "My Pets"
        await wait_for_text(pilot, "must be up to 64 lower-case letters")
        field.value = "digits-mlp"
        await wait_for_text(pilot, "there is a preset digits-mlp already")
        await pilot.press("enter")
        assert not folder.exists()
        field.value = "pets-2"
        await pilot.press("enter")
        await wait_for(pilot, lambda: made, "the preset")

    play(root, first, steps, size=size)
    assert made == ["pets-2"]
    text = (folder / "pets-2.toml").read_text("utf-8")
    assert "tuitrain run pets-2" in text
    assert parse_preset(text, "pets-2.toml").name == "pets-2"


def test_what_can_not_be_trained_on_is_told_in_place(root: Path, tmp_path: Path) -> None:
    def first(app: TuitrainApp) -> None:
        app.push_screen(OwnDataScreen(tmp_path / "pets", refused, tmp_path))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "pets holds no images")
        assert "make a preset" not in screen_text(pilot.app)
        await pilot.press("enter", "q")
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, OwnDataScreen))

    play(root, first, steps)


def test_from_home_a_path_is_asked_for_and_the_form_opens_with_the_preset(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    write_classes(tmp_path / "pets", {"dark": 10, "bright": 10})

    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("o")
        await wait_for_text(pilot, "Train on your own data")
        await pilot.press(*"pexs")
        await wait_for_text(pilot, "there is no such file or folder")
        await pilot.press("backspace", "backspace")
        await wait_for_text(pilot, "pets/")
        await pilot.press("tab")
        field = pilot.app.screen.query_one(Input)
        await wait_for(pilot, lambda: field.value == "pets/", "completion")
        await pilot.press("enter")
        await wait_for_text(pilot, "bright  8 to train on")
        await pilot.press("enter")
        await wait_for_text(pilot, "Name of the preset")
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen), "the form")
        await wait_for_text(pilot, '{name = "shift"')
        await pilot.press("escape")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))

    play(root, None, steps)
    (written,) = (tmp_path / "config" / "tuitrain" / "presets").iterdir()
    preset = parse_preset(written.read_text("utf-8"), "pets.toml")
    assert preset.data.options["path"] == str(tmp_path / "pets")


def test_closing_ends_the_process_that_looks(root: Path, tmp_path: Path) -> None:
    # Opening a pipe that nobody writes to takes for ever.
    os.mkfifo(tmp_path / "endless.csv")

    def lookers() -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if _looks(each)]

    def first(app: TuitrainApp) -> None:
        app.push_screen(OwnDataScreen(tmp_path, survey_data, tmp_path))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lookers, "the process that looks")
        await pilot.press("escape")
        await wait_for(pilot, lambda: not lookers(), "its end")

    play(root, first, steps)


def _looks(process: psutil.Process) -> bool:
    try:
        return "tuitrain.userdata" in process.cmdline()
    except psutil.Error:
        return False


def test_a_path_is_completed_by_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "pets").mkdir()
    (tmp_path / "prices.csv").touch()
    assert complete_path(f"{tmp_path}/pe") == f"{tmp_path}/pets/"
    assert complete_path(f"{tmp_path}/p") == f"{tmp_path}/pets/"
    assert complete_path(f"{tmp_path}/pr") == f"{tmp_path}/prices.csv"
    assert complete_path(f"{tmp_path}/") is None
    assert complete_path(f"{tmp_path}/none/x") is None


@pytest.mark.parametrize("name", ["", "Own", "../up", "a/b", "taken"])
def test_a_name_that_will_not_do_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(["taken"], name)
    check_name(["taken"], "taken-2")
