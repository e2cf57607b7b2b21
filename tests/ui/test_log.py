from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.makers import new_run
from tests.ui.screens import screen_text, told, wait_for, wait_for_golden, wait_for_text
from tuitrain.file_lock import FileLock
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.screens.log import LogScreen
from tuitrain.ui.widgets.logview import LogView


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return new_run(tmp_path / "runs", "alpha")


def write(run: RunDirectory, *lines: str, mode: str = "ab") -> None:
    with run.log_path.open(mode) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())


def numbered(first: int, last: int) -> list[str]:
    return [f"line {number:07d} of the log" for number in range(first, last)]


def show(run: RunDirectory, steps: Any, **options: Any) -> None:
    play(run.path.parent, lambda app: app.opener.open_of_run("log", run), steps, **options)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_the_end_of_a_log_is_shown(run: RunDirectory, size: tuple[int, int]) -> None:
    write(run, *numbered(0, 100), "\x1b[31mwarning:\x1b[0m \x1b]0;title\x07" + "long " * 60, "end")

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "end")
        await pilot.press("slash", *"000009", "enter")
        await wait_for_text(pilot, ">line 0000090")
        await wait_for_golden(pilot, f"log-{size[0]}x{size[1]}")

    show(run, steps, size=size)


def test_a_click_selects_a_line_and_another_one_all_lines_up_to_it(run: RunDirectory) -> None:
    write(run, *numbered(0, 100))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "line 0000099")
        first = screen_text(pilot.app).splitlines()[3].split()[1]
        await pilot.click("LogView", offset=(4, 2))
        await wait_for_text(pilot, "selecting")
        view = pilot.app.screen.query_one(LogView)
        assert [line.split()[1] for line in view.copied_lines()] == [first]
        await pilot.click("LogView", offset=(4, 5))
        await wait_for(pilot, lambda: len(view.copied_lines()) == 4, "four lines")

    show(run, steps)


def test_a_log_is_followed_until_one_scrolls_up_and_again_from_its_end(run: RunDirectory) -> None:
    write(run, *numbered(0, 100))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "line 0000099")
        write(run, *numbered(100, 200))
        await wait_for_text(pilot, "line 0000199")
        await wait_for_text(pilot, "following")
        await pilot.press("up")
        await wait_for_text(pilot, "% down")
        before = screen_text(pilot.app).splitlines()[1:]
        write(run, *numbered(200, 300))
        size = run.log_path.stat().st_size
        screen = pilot.app.screen
        assert isinstance(screen, LogScreen)
        await wait_for(pilot, lambda: screen.query_one(LogView).rows.window.size == size)
        assert screen_text(pilot.app).splitlines()[1:] == before
        await pilot.press("F")
        await wait_for_text(pilot, "line 0000299")

    with FileLock(run.lock_path):
        show(run, steps)


def test_a_log_of_any_length_is_paged_from_its_end_to_its_beginning(run: RunDirectory) -> None:
    write(run, *(f"{line} {'.' * 170}" for line in numbered(0, 20_000)))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "line 0019999")
        screen = pilot.app.screen
        assert isinstance(screen, LogScreen)
        first = screen.query_one(LogView).rows.window.start
        assert first > 0
        for _ in range(100):
            await pilot.press("pageup")
            if screen.query_one(LogView).rows.window.start < first:
                break
        assert screen.query_one(LogView).rows.window.start < first
        await pilot.press("g")
        await wait_for_text(pilot, "line 0000000")
        await pilot.press("pagedown", "up")
        await wait_for_text(pilot, "line 0000020")
        await pilot.press("G")
        await wait_for_text(pilot, "line 0019999")

    show(run, steps)


def test_searching_reaches_what_is_not_in_sight(run: RunDirectory) -> None:
    write(run, *numbered(0, 50_000), "an ERROR here", *numbered(50_000, 100_000), "one error more")

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "one error more")
        await pilot.press("slash", *"error", "enter")
        await wait_for_text(pilot, ">one error more")
        await pilot.press("N")
        await wait_for_text(pilot, ">an ERROR here")
        await pilot.press("n")
        await wait_for_text(pilot, ">one error more")
        await pilot.press("n")
        await wait_for(pilot, lambda: "no more matches for 'error'" in told(pilot.app))
        await pilot.press("slash", *"q?", "escape")
        assert isinstance(pilot.app.screen, LogScreen)
        await pilot.press("q")
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, LogScreen))

    show(run, steps)


def test_long_lines_are_scrolled_or_wrapped(run: RunDirectory) -> None:
    write(run, "begin " + "x" * 300 + " middle " + "y" * 300 + " finish", "last")

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "begin")
        assert "finish" not in screen_text(pilot.app)
        await pilot.press(*["right"] * 38)
        await wait_for_text(pilot, "finish")
        assert "begin" not in screen_text(pilot.app)
        await pilot.press("w")
        await wait_for_text(pilot, "begin")
        await wait_for_text(pilot, "finish")

    show(run, steps)


def test_selected_lines_are_copied_and_else_those_in_sight(run: RunDirectory) -> None:
    write(run, *numbered(0, 100))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "line 0000099")
        await pilot.press("v", "up", "up")
        await wait_for_text(pilot, "selecting")
        await pilot.press("y")
        await wait_for(pilot, lambda: "3 lines " in told(pilot.app))
        copied = run.path.parent.parent / "copied.txt"
        assert len(copied.read_text().splitlines()) == 3
        await wait_for(pilot, lambda: "selecting" not in screen_text(pilot.app))
        in_sight = screen_text(pilot.app).count(" of the log")
        await pilot.press("y")
        await wait_for(pilot, lambda: f"{in_sight} lines " in told(pilot.app))

    show(run, steps)


def test_a_run_without_a_log_says_so_and_shows_it_when_it_comes(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "the worker has written nothing")
        write(run, "hello")
        await wait_for_text(pilot, "hello")
        assert "nothing" not in screen_text(pilot.app)

    show(run, steps)


def test_a_log_that_can_not_be_read_says_why(run: RunDirectory) -> None:
    run.log_path.mkdir()

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "can't be read")

    show(run, steps)
