"""What happens while one screen takes the place of another: what is typed, and what comes late."""

import asyncio
import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.console import RenderableType
from textual.pilot import Pilot
from textual.screen import Screen

import tuitrain.ui.screens
from tests.ui.apps import play
from tests.ui.run_makers import STEPS, one_metric
from tests.ui.screens import screen_text, type_at_once, wait_for, wait_for_text
from tests.ui.test_launch import Bench
from tuitrain.errors import UsageError
from tuitrain.help import find_topic
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.feeds.results import Choice
from tuitrain.ui.gate import Gate
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.screens.choose import ChooseRuns
from tuitrain.ui.screens.dialogs import Ask, Confirm
from tuitrain.ui.screens.help import HelpScreen
from tuitrain.ui.screens.home.columns import ChooseColumns
from tuitrain.ui.screens.home.screen import HomeScreen
from tuitrain.ui.screens.inspect import InspectScreen
from tuitrain.ui.screens.launch.screen import LaunchScreen
from tuitrain.ui.screens.own_data import OwnDataScreen
from tuitrain.ui.screens.profile.parts import ChooseProfile, Details
from tuitrain.ui.screens.results.choose import ChooseWeights
from tuitrain.ui.screens.results.uses import CommandScreen
from tuitrain.ui.screens.run.desk import RunDesk
from tuitrain.ui.screens.run.screen import RunScreen
from tuitrain.ui.screens.samples import SamplesScreen
from tuitrain.ui.screens.topics import TopicScreen, TopicsScreen
from tuitrain.ui.whole import Whole
from tuitrain.view.chart.figure import TerminalStyle

WHOLE_RUN = f"step {STEPS}/400"


def open_each(app: TuitrainApp, run: RunDirectory) -> Iterable[Screen[Any]]:
    """Open a screen of each kind, one after the other."""
    app.opener.open_run(run)
    yield app.screen
    for name in (
        "log",
        "checkpoints",
        "time",
        "memory",
        "layers",
        "machine",
        "alerts",
        "settings",
        "profile",
        "results",
        "uses",
    ):
        app.opener.open_of_run(name, run)
        yield app.screen
    app.opener.open_workspace([run])
    yield app.screen
    app.opener.open_sweeps()
    yield app.screen
    for screen in (
        LaunchScreen("digits", make_worker=Bench().make),
        ChooseRuns(app.root, run, set()),
        ChooseColumns(["state"], []),
        ChooseProfile([]),
        Details(lambda _: []),
        Confirm("Really?", "do it"),
        Ask("How many?"),
        InspectScreen([], lambda *_given: {}),
        ChooseWeights(run, Choice()),
        CommandScreen("tuitrain show run"),
        OwnDataScreen(run.path, nothing_found),
        SamplesScreen(run),
        HelpScreen(app.screen),
        TopicsScreen(),
        TopicScreen(find_topic("memory")),
        HomeScreen(),
    ):
        app.push_screen(screen)
        yield screen


def nothing_found(*_given: Any) -> dict[str, Any]:
    raise UsageError("nothing there")


def screen_classes() -> set[type[Screen[Any]]]:
    found: set[type[Screen[Any]]] = set()
    for info in pkgutil.walk_packages(tuitrain.ui.screens.__path__, "tuitrain.ui.screens."):
        for _, kind in inspect.getmembers(importlib.import_module(info.name), inspect.isclass):
            if issubclass(kind, Screen) and kind.__module__.startswith("tuitrain."):
                found.add(kind)
    return found


def test_every_screen_takes_nothing_in_unless_it_is_whole(run: RunDirectory) -> None:
    assert {kind for kind in screen_classes() if not issubclass(kind, Whole)} == set()

    async def steps(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, TuitrainApp)
        screens = []
        for screen in open_each(app, run):
            # Gone before its parts are made: it is still being composed when it is taken down.
            app.pop_screen()
            screens.append(screen)
        bases = {base for kind in screen_classes() for base in kind.__mro__[1:]}
        assert screen_classes() - bases == {type(screen) for screen in screens}
        await wait_for(pilot, lambda: not any(screen.is_running for screen in screens), "all gone")
        assert app._exception is None

    play(run.path.parent, None, steps)


@pytest.mark.parametrize("pauses", [0, 1, 2, 3, 5, 8])
def test_an_interface_that_is_left_while_a_screen_comes_up_ends_without_a_word(
    run: RunDirectory, pauses: int
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        assert isinstance(pilot.app, TuitrainApp)
        pilot.app.opener.open_run(run)
        for _ in range(pauses):
            await asyncio.sleep(0)
        pilot.app.exit(0)

    app = play(run.path.parent, None, steps)
    assert app._exception is None


def test_what_comes_for_a_screen_that_is_gone_is_left_out(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        app = pilot.app
        await wait_for_text(pilot, WHOLE_RUN)
        screen: Any = app.screen
        drawn: list[str] = []
        desk = screen.query_one(RunDesk)
        bring = brought_to(screen, screen._take)
        for pump in (screen, desk):
            pump.call_after_refresh(desk.draw)
            pump.set_timer(0.01, desk.on_resize)
            pump.set_interval(0.01, desk.draw)
        app.pop_screen()
        bring(desk.snapshot)
        await wait_for(pilot, lambda: not screen.is_running, "gone")
        bring(desk.snapshot)
        screen.call_after_refresh(drawn.append, "late")
        await pilot.pause(0.05)
        assert drawn == []
        assert app._exception is None

    play(run.path.parent, lambda app: app.opener.open_run(run), steps)


class Watched(TuitrainApp):
    """Keeps every frame that is painted."""

    CSS_PATH = Path(inspect.getfile(TuitrainApp)).with_name("app.tcss")
    frames: ClassVar[list[str]] = []

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        self.frames.append(screen_text(self))


def test_no_chart_is_painted_in_the_room_of_another_one(run: RunDirectory) -> None:
    def is_whole(frame: str) -> bool:
        return "─ accuracy" in frame and frame.count("150") == 2

    app = Watched(
        run.path.parent,
        look=TerminalStyle(),
        preferences=Preferences(run.path.parent.parent / "preferences.toml"),
        first=lambda app: app.opener.open_run(run),
    )

    async def watch() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await wait_for(pilot, lambda: is_whole(app.frames[-1]), "two charts")

    asyncio.run(watch())
    assert [frame for frame in app.frames if "train 0.1646" in frame and not is_whole(frame)] == []


# --- what is typed --------------------------------------------------------------------------------


def test_a_screen_that_came_by_itself_lets_the_hand_that_types_come_to_rest() -> None:
    class Shown(Screen[None]):
        is_mounted = True

    gate, screen = Gate(), Shown()
    assert gate.lets_through(screen, 0.0), "never expected, it takes everything"
    gate.expect(screen, pause_s=0.5)
    assert not gate.lets_through(screen, 9.9)
    gate.painted(screen, 10.0)
    gate.painted(screen, 20.0)
    assert [gate.lets_through(screen, at) for at in (9.9, 10.4, 10.5)] == [False, False, True]
    gate.hold(screen, until=30.0)
    assert not gate.lets_through(screen, 29.9)
    assert gate.lets_through(screen, 30.0)


def commands(run: RunDirectory) -> list[tuple[str, Any]]:
    with RunReader(run) as reader:
        return [(command.kind, command.arguments) for command in reader.entries.commands()]


def test_what_is_typed_on_after_a_run_was_opened_is_no_command_to_it(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, TuitrainApp)
        await wait_for(pilot, lambda: app.screen.query("#runs").first().has_focus, "the runs")
        type_at_once(app, "enter", "enter", "P", "s", "y", "space", "c")
        await wait_for_text(pilot, WHOLE_RUN)
        await wait_for(pilot, lambda: isinstance(app.screen, RunScreen), "the run alone")
        assert [type(screen) for screen in app.screen_stack[1:]] == [HomeScreen, RunScreen]
        assert commands(run) == []
        await pilot.press("c")
        await wait_for(pilot, lambda: commands(run) == [("checkpoint", {"name": ""})], "a command")

    play(run.path.parent, None, steps)


def test_an_answer_typed_right_after_its_key_reaches_the_question_whole(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, TuitrainApp)
        await wait_for_text(pilot, "space pause")
        type_at_once(app, "l", *"2e-4", "enter")
        wanted = ("set", {"key": "optimizer.lr", "value": 2e-4})
        await wait_for(pilot, lambda: commands(run), "a command")
        assert commands(run) == [wanted]

    play(run.path.parent, lambda app: app.opener.open_run(run), steps)


def test_keys_for_a_question_do_not_reach_the_screen_below_it(
    run: RunDirectory, root: Path
) -> None:
    one_metric(root, "older", [3.0 - 0.01 * n for n in range(100)])

    async def steps(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, TuitrainApp)
        await wait_for_text(pilot, "space pause")
        type_at_once(app, "s", "n", "n", "y", "y")
        await wait_for(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
        type_at_once(app, "o", "space", "enter")
        await wait_for(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
        await pilot.pause()
        assert commands(run) == []
        assert "(log" not in screen_text(app)

    play(run.path.parent, lambda app: app.opener.open_run(run), steps)
