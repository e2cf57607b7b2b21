import importlib
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import SystemCommand
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Markdown

import tuitrain.ui
from tests.ui.apps import play
from tests.ui.makers import falling, new_run, train
from tests.ui.run_makers import write
from tests.ui.screens import check_whole, screen_text, wait_for, wait_for_golden, wait_for_text
from tuitrain.help import find_topic
from tuitrain.messages import CheckpointSaved
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.keys import SOURCES, documented_keys
from tuitrain.ui.screens.help import HelpScreen
from tuitrain.ui.screens.topics import TopicScreen
from tuitrain.ui.widgets.picklist import PickList

DIALOGS = ("tuitrain.ui.screens.dialogs", "tuitrain.ui.screens.help")
"""They show their keys themselves."""

OPENERS: dict[str, Callable[[TuitrainApp, Any], None]] = {
    "log": lambda app, run: app.opener.open_of_run("log", run),
    "workspace": lambda app, run: app.opener.open_workspace([run]),
    "checkpoints": lambda app, run: app.opener.open_of_run("checkpoints", run),
}


@pytest.fixture
def run(tmp_path: Path) -> Any:
    run = new_run(tmp_path / "runs", "alpha")
    train(run, falling(20), accuracy=0.9)
    path = "checkpoints/step-00000020.pt"
    write(run, CheckpointSaved(0.0, 20, path, ("last",), "", 1, 0.1, 0.2, {}), attempt=2)
    return run


def test_help_shows_the_keys_of_the_screen_in_front_and_of_the_panel_in_focus(run: Any) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("question_mark")
        await wait_for_text(pilot, "Go to the next match below.")
        text = screen_text(pilot.app)
        assert "This screen" in text
        assert "This panel" in text
        await pilot.press("question_mark", "question_mark")
        await wait_for_text(pilot, "This screen")
        await pilot.press("q")
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, HelpScreen))

    play(run.path.parent, lambda app: app.opener.open_of_run("log", run), steps, size=(100, 50))


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_in_chinese_keys_topics_and_texts_are_so_too(run: Any, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("question_mark")
        await wait_for_text(pilot, "当前屏幕")
        await wait_for_golden(pilot, f"help-zh-{size[0]}x{size[1]}")
        check_whole(pilot.app)
        await pilot.press("t")
        await wait_for_text(pilot, "帮助主题")
        pilot.app.push_screen(TopicScreen(find_topic("exact-resume")))
        await wait_for_text(pilot, "逐位相同")
        check_whole(pilot.app)
        pilot.app.push_screen(TopicScreen(find_topic("queue")))
        await wait_for_text(pilot, "机器的队列")

    play(run.path.parent, lambda app: app.opener.open_of_run("log", run), steps, size=size)


def test_help_that_is_longer_than_the_screen_scrolls(run: Any) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("question_mark")
        await wait_for_text(pilot, "This screen")
        await pilot.press("end")
        await wait_for_text(pilot, "Find any action by its name")
        await pilot.press("home")
        await wait_for_text(pilot, "This screen")

    play(run.path.parent, lambda app: app.opener.open_of_run("log", run), steps, size=(60, 20))


@pytest.mark.parametrize("name", OPENERS)
def test_the_command_palette_has_every_action_of_the_screen_in_front(run: Any, name: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, TuitrainApp)
        group = next(group for group in documented_keys() if group.title.lower() == name)

        def lacks() -> set[str]:
            commands = [SystemCommand(*each) for each in app.get_system_commands(app.screen)]
            return {fact.name for fact in group.facts} - {each.title.lower() for each in commands}

        await wait_for(pilot, lambda: not lacks())
        commands = [SystemCommand(*command) for command in app.get_system_commands(app.screen)]
        assert {"theme", "quit"} <= {command.title.lower() for command in commands}
        await pilot.press("ctrl+p")
        await wait_for(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press("escape")

    play(run.path.parent, lambda app: OPENERS[name](app, run), steps)


def test_topics_are_read_where_one_is_and_a_link_leads_to_the_next(run: Any) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("question_mark")
        await wait_for_text(pilot, "topics to read")
        await pilot.press("t")
        await wait_for_text(pilot, "exact-resume")
        await pilot.press("G")
        while pilot.app.screen.query_one(PickList).key != "commands":
            await pilot.press("up")
        await pilot.press("enter")
        await wait_for_text(pilot, "filters, settings that may change")
        front = pilot.app.screen
        assert isinstance(front, TopicScreen)
        front.query_one(Markdown).post_message(
            Markdown.LinkClicked(front.query_one(Markdown), "after-training.md")
        )
        await wait_for_text(pilot, "takes the best checkpoint")
        before = screen_text(pilot.app)
        await pilot.press("G")
        await wait_for(pilot, lambda: screen_text(pilot.app) != before)
        await pilot.press("q", "q", "q", "q")
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, HelpScreen | TopicScreen))

    play(run.path.parent, lambda app: app.opener.open_of_run("log", run), steps, size=(80, 24))


def test_an_action_picked_in_the_palette_is_done(run: Any) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "workspace 1 run")
        await wait_for_text(pilot, "val/loss")
        await pilot.press("ctrl+p", *"log y")
        await wait_for(pilot, lambda: "Make the value axis" in screen_text(pilot.app))
        await pilot.press("enter")
        await wait_for_text(pilot, "(log)")

    play(run.path.parent, lambda app: app.opener.open_workspace([run]), steps)


def test_no_screen_and_no_widget_has_keys_that_are_not_in_the_table() -> None:
    documented = {(module, name) for _, module, name in SOURCES}
    found = set()
    for info in pkgutil.walk_packages(tuitrain.ui.__path__, "tuitrain.ui."):
        module = importlib.import_module(info.name)
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == info.name and kind.__dict__.get("BINDINGS"):
                found.add((info.name, name))
    dialogs = {(module, name) for module, name in found if module in DIALOGS}
    assert found - dialogs <= documented


@pytest.mark.parametrize("title", ["Log", "Log, the lines", "Workspace", "Checkpoints", "Text"])
def test_every_key_has_a_name_and_a_sentence(title: str) -> None:
    (group,) = (group for group in documented_keys() if group.title == title)
    assert group.facts
    for fact in group.facts:
        assert fact.keys and fact.name
        assert fact.text.endswith("."), fact
