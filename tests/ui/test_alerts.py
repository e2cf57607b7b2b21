from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.makers import NOW, falling, keep_alive, new_run, train
from tests.ui.run_makers import overfitting
from tests.ui.screens import screen_text, told, wait_for, wait_for_golden, wait_for_text
from tuitrain.config.user import NotifySection
from tuitrain.file_lock import FileLock
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writer import RunWriter
from tuitrain.ui.notices import DesktopNotifier
from tuitrain.ui.screens.alerts import AlertsScreen
from tuitrain.view.chart.figure import TerminalStyle

STACKS = """== worker, process 4100, sleeping ==
Thread 0x00007f41b19fe6c0 (most recent call first):
  File "/opt/python/threading.py", line 331 in wait
  File "/opt/torch/utils/data/dataloader.py", line 1310 in _get_data
  File "/opt/tuitrain/training/loop.py", line 146 in _take_step

== loader 1, process 4101, sleeping ==
Current thread 0x00007f41b19fe6c1 (most recent call first):
  File "/home/me/planted.py", line 7 in wait_for_a_lock
  File "/home/me/planted.py", line 19 in __getitem__"""


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = new_run(tmp_path / "runs", "alpha")
    train(run, falling(60), end=None)
    with RunWriter(run) as writer:
        writer.add_alert(NOW - 300, "creep", CREEP, 20)
        writer.add_alert(NOW - 200, "hang", "no step for 84 s", 41, STACKS)
        writer.add_alert(NOW - 100, "hang", "steps continue after 91 s", 41)
        writer.add_alert(NOW - 50, "plateau", "val/loss has not improved for 10 evaluations", 60)
    return run


CREEP = "host memory of the worker grows by 3.2 MiB a step (412 MiB a minute): full in 14 min"


def show(run: RunDirectory, steps: Any, **options: Any) -> None:
    def first(app: Any) -> None:
        app.push_screen(AlertsScreen(run))

    play(run.path.parent, first, steps, **options)


@pytest.mark.parametrize(
    ("size", "look", "name"),
    [
        ((80, 24), TerminalStyle(), "80x24"),
        ((60, 20), TerminalStyle(), "60x20"),
        ((200, 60), TerminalStyle(), "200x60"),
        ((80, 24), TerminalStyle(ascii=True), "ascii-80x24"),
    ],
)
def test_the_list_and_the_stacks_of_the_alert_under_the_cursor(
    run: RunDirectory, size: tuple[int, int], look: TerminalStyle, name: str
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 alerts, 1 for information")
        await pilot.press("down", "down")
        await wait_for_text(pilot, "Thread 0x00007f41b19fe6c0")
        await wait_for_golden(pilot, f"alerts-{name}")

    show(run, steps, size=size, look=look)


def test_what_the_curves_show_comes_first_with_evidence_and_what_to_do(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "overfitting (warning), seen in the curves up to step 800")
        for line in ("train/loss 0.3119 at step 300", "stop.patience, 0 now", "tuitrain run"):
            assert line in screen_text(pilot.app)
        assert "0 alerts" in screen_text(pilot.app)

    show(overfitting(tmp_path / "runs"), steps, size=(80, 24))


def test_why_a_run_failed_comes_first_with_what_to_do(tmp_path: Path) -> None:
    failed = new_run(tmp_path / "runs", "alpha")
    reason = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x7 and 8x4)"
    train(failed, falling(60), end=("failed", reason))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "why        layer and input do not fit: A linear")
        await wait_for_text(pilot, "The input has 7 features, the layer takes 8.")
        await wait_for_text(pilot, "seen in RuntimeError: mat1 and mat2")
        await wait_for_text(pilot, "try make the layer that long")

    show(failed, steps, size=(80, 30))


def test_enter_goes_to_the_stacks_that_then_scroll_and_q_comes_back(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 alerts, 1 for information")
        await pilot.press("down", "down", "enter", "end")
        await wait_for_text(pilot, "line 19 in __getitem__")
        await pilot.press("home")
        await wait_for_text(pilot, "line 146 in")
        await wait_for_text(pilot, "_take_step")
        await pilot.press("q", "up")
        await wait_for_text(pilot, "steps continue after 91 s")
        await pilot.press("q")
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, AlertsScreen))

    show(run, steps, size=(60, 20))


def test_a_click_selects_an_alert_and_a_second_one_goes_to_its_stacks(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 alerts")
        await pilot.click("PickList", offset=(20, 2))
        await wait_for_text(pilot, "Thread 0x00007f41b19fe6c0")
        await pilot.click("PickList", offset=(20, 3), times=2)
        await wait_for(pilot, lambda: pilot.app.screen.query_one("#details").has_focus, "details")
        await wait_for_text(pilot, "creep (critical), step 20")
        await pilot.press("q")
        await pilot.click("KeyLine", offset=(2, 0))
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, AlertsScreen), "q, clicked")

    show(run, steps, size=(120, 36))


def test_at_120_columns_the_text_of_alerts_has_the_whole_width(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, CREEP)

    show(run, steps, size=(120, 36))


def test_the_run_screen_counts_the_same_alerts(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 alerts")
        await wait_for_text(pilot, "info: val/loss has not improved")

    play(run.path.parent, lambda app: app.opener.open_run(run), steps)


def test_nothing_that_an_alert_says_acts_on_the_terminal(run: RunDirectory) -> None:
    with RunWriter(run) as writer:
        writer.add_alert(NOW, "h\x1b[31m", "\x1b]0;owned\x07", 1, "a\x1b[2J\rb")

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "4 alerts, 1 for information")
        assert "\x1b" not in screen_text(pilot.app)
        await wait_for_text(pilot, "\\x1b]0;owned")

    show(run, steps)


def test_a_run_without_alerts_and_a_damaged_one_say_so(tmp_path: Path) -> None:
    empty, damaged = new_run(tmp_path / "runs", "empty"), new_run(tmp_path / "runs", "bad")
    damaged.database_path.write_bytes(b"x" * 4096)

    async def on_empty(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, " no alerts")
        await pilot.press("enter", "t", "tab", "q")

    async def on_damaged(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "run.db")

    show(empty, on_empty)
    show(damaged, on_damaged)


def test_stacks_are_asked_of_a_live_run_alone(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 alerts, 1 for information")
        await wait_for_text(pilot, "t take stacks")
        await pilot.press("t")
        with RunReader(run) as reader:
            await wait_for(
                pilot, lambda: [row.kind for row in reader.entries.commands()] == ["stacks"]
            )

    with FileLock(run.lock_path):
        show(run, steps)


# --- telling --------------------------------------------------------------------------------------


def watching(
    run: RunDirectory, notifier: DesktopNotifier, add: Callable[[], None], then: str
) -> str:
    """Watch a run while something is added; return what was told and what the driver wrote."""
    written: list[str] = []

    async def steps(pilot: Pilot[Any]) -> None:
        app = pilot.app
        app.notifier = notifier  # type: ignore[attr-defined]
        write = app._driver.write
        app._driver.write = lambda text: (written.append(text), write(text))
        await wait_for_text(pilot, "3 alerts")
        assert not told(app)
        add()
        await wait_for(pilot, lambda: then in told(app))

    with FileLock(run.lock_path):
        play(run.path.parent, lambda app: app.opener.open_run(run), steps)
    return "".join(written)


def test_a_new_alert_is_told_and_old_ones_are_not(run: RunDirectory) -> None:
    def add() -> None:
        with RunWriter(run) as writer:
            writer.add_alert(NOW, "plateau", "not chosen", 60)
            writer.add_alert(NOW, "hang", "no step; for 99 s\x1b[2J", 60, STACKS)

    told_by = NotifySection(desktop="osc777")
    written = watching(run, DesktopNotifier(told_by, {"TERM": "foot"}), add, "no step; for 99 s")
    assert f"\x1b]777;notify;{run.id};no step, for 99 s\\x1b[2J\x07" in written
    assert written.count("\x1b]777") == 1


def test_without_a_choice_nothing_but_a_few_words_on_the_screen(run: RunDirectory) -> None:
    def add() -> None:
        with RunWriter(run) as writer:
            writer.add_alert(NOW, "hang", "no step for 99 s", 60)

    written = watching(run, DesktopNotifier(None, {"TERM": "foot"}), add, "no step for 99 s")
    assert "\x07" not in written
    assert "\x1b]" not in written


def test_the_key_on_the_run_screen_opens_the_alerts(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 alerts")
        await pilot.press("A")
        await wait_for_text(pilot, "3 alerts, 1 for information")
        assert isinstance(pilot.app.screen, AlertsScreen)

    play(run.path.parent, lambda app: app.opener.open_run(run), steps)


def test_a_run_that_is_lost_while_it_is_watched_is_told_though_nobody_raised_it(
    run: RunDirectory,
) -> None:
    lock = keep_alive(run)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 alerts")
        assert not told(pilot.app)
        lock.release()
        await wait_for(pilot, lambda: "ended: the run is lost" in told(pilot.app))

    play(run.path.parent, lambda app: app.opener.open_run(run), steps)
