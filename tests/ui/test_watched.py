from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.foreign import event_writer as tb
from tests.ui.run_shown import show
from tests.ui.screens import screen_text, told, wait_for, wait_for_text
from tuitrain.foreign.cache import view_of
from tuitrain.foreign.watcher import Watcher
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.samples import Kept, add_samples
from tuitrain.ui.charting import whole_window
from tuitrain.ui.feeds.run import read_snapshot
from tuitrain.ui.feeds.snapshot import Request


@pytest.fixture
def watched(tmp_path: Path) -> RunDirectory:
    """A log of TensorBoard, read."""
    log = tmp_path / "log"
    lines = [tb.scalar(step, f"{part}/loss", 2 / (step + 1)) for step in range(40) for part in "ab"]
    tb.write(log, *lines)
    watcher = Watcher([log], tmp_path / "cache", view_of(tmp_path / "cache", [log]))
    (run,) = watcher.search()
    watcher.catch_up()
    return run


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_a_watched_log_has_curves_and_says_what_it_can_not_do(
    watched: RunDirectory, size: tuple[int, int]
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "loss")
        assert "pause" not in screen_text(pilot.app).splitlines()[-1]
        for key in ("space", "R", "s", "v", "C"):
            pilot.app.clear_notifications()
            await pilot.press(key)
            await wait_for(pilot, lambda: "watched only: " in told(pilot.app), key)

    show(watched, doing, size=size)


def test_images_of_a_watched_log_are_seen_by_the_key_of_results(watched: RunDirectory) -> None:
    add_samples(watched, [Kept(5, "note", {"kind": "text", "text": "written in the log"})])

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "loss")
        await pilot.press("v")
        await wait_for_text(pilot, "written in the log")

    show(watched, doing, watching=True)


def test_no_run_is_started_among_watched_logs(watched: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "loss")
        pilot.app.opener.open_launch("digits-mlp")  # type: ignore[attr-defined]
        await wait_for(pilot, lambda: "shows your own runs" in told(pilot.app), "a refusal")

    show(watched, doing, watching=True)


def test_step_0_of_a_watched_log_is_in_sight(watched: RunDirectory) -> None:
    with RunReader(watched) as reader:
        snapshot = read_snapshot(reader, Request())
    assert whole_window(snapshot).first == 0
    assert snapshot.series["a/loss"].columns[0].maximum == 2.0
