"""The time screen, and the bars on the run screen: live and ended runs, at every size."""

import math
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.makers import keep_alive
from tests.ui.run_makers import HOST, START, STEPS, end, training, write
from tests.ui.screens import screen_text, wait_for_golden, wait_for_text
from tuitrain import messages as m
from tuitrain.metric_names import HOST_BOUND_METRIC, STAGES, WALL_METRIC, split_metric
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter
from tuitrain.view.chart.figure import TerminalStyle

Steps = Callable[[Pilot[Any]], Awaitable[None]]
WAIT = "the GPU waits 27 % of each step"
_MS = {"data": 52, "copy": 4, "forward": 20, "backward": 36, "optimizer": 10, "other": 4}
"""With the wait for data of the last half about the 100 ms that a step of this run takes."""


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def split_points(step: int) -> tuple[m.MetricPoints, ...]:
    """Return the split of a step whose loader gets slower and slower."""
    seconds = {stage: ms / 1e3 for stage, ms in _MS.items()}
    seconds["data"] *= step / STEPS * (1 + 0.1 * math.sin(step))
    named = {split_metric(stage): value for stage, value in seconds.items()}
    named |= {WALL_METRIC: sum(seconds.values()), HOST_BOUND_METRIC: 1.0}
    return tuple(m.MetricPoints(name, step, (value,)) for name, value in named.items())


def with_split(run: RunDirectory) -> RunDirectory:
    at = START + 1 + STEPS * 0.1
    events: list[m.Event] = [
        m.StepsTaken(at, STEPS, STEPS, STEPS / 20, STEPS * 0.1, split_points(step))
        for step in range(4, STEPS + 1, 4)
    ]
    events.append(m.WorkCounted(at, 27e9, 989.5e12, "bf16 of NVIDIA H100, NVIDIA's data sheet"))
    write(run, *events, sequence=100)
    with RunWriter(run) as writer:
        facts = {"cpu_count": 16, "usable_cpus": 16, "data_on_device": False, "bf16": True}
        writer.set_meta(environment=facts)
        writer.add_samples(START + 18, {**HOST, "host/cpu_percent": 12.5})
    config = run.config_path.read_text(encoding="utf-8")
    more = 'epochs = 10\nbatch_size = 64\naccumulate = 1\nprecision = "bf16"\ncompile = false'
    config = config.replace("epochs = 10", more)
    config = config.replace('name = "digits"', 'name = "digits"\nworkers = 2')
    run.config_path.write_text(config, encoding="utf-8")
    return run


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    """A live run that waits for its loaders."""
    made = with_split(training(tmp_path / "runs"))
    lock = keep_alive(made)
    yield made
    lock.release()


def show(run: RunDirectory, doing: Steps, **options: Any) -> Any:
    return play(run.path.parent, lambda app: app.opener.open_run(run), doing, **options)


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 20)])
def test_the_run_screen_has_bars_below_the_devices_where_there_is_room(
    run: RunDirectory, size: tuple[int, int]
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"run-steptime-{size[0]}x{size[1]}")

    show(run, doing, size=size)


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (60, 20)])
def test_timeline_bars_cause_advice_and_speed_at_every_size(
    run: RunDirectory, size: tuple[int, int]
) -> None:
    # An ended run: how long a live one has worked depends on the clock.
    end(run, "stopped", "enough")

    async def doing(pilot: Pilot[Any]) -> None:
        await pilot.press("T")
        await wait_for_golden(pilot, f"time-{size[0]}x{size[1]}")

    show(run, doing, size=size)


def test_it_reads_the_same_in_plain_ascii_without_colour(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await pilot.press("T")
        await wait_for_text(pilot, WAIT)
        await wait_for_text(pilot, "try data.workers 2 ->")
        assert screen_text(pilot.app).isascii()

    show(run, doing, look=TerminalStyle(ascii=True, colour=False))


def test_a_live_run_moves_and_an_ended_one_stays(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await pilot.press("T")
        await wait_for_text(pilot, "input-bound")
        step = STEPS + 4000
        fast = {split_metric(stage): 0.0 for stage in STAGES}
        fast |= {split_metric("backward"): 0.002, WALL_METRIC: 0.002, HOST_BOUND_METRIC: 0.0}
        points = tuple(m.MetricPoints(name, step, (value,)) for name, value in fast.items())
        write(run, m.StepsTaken(START + 40, step, step, 1.0, 20.0, points), sequence=300)
        await wait_for_text(pilot, "compute-bound")
        end(run, "finished", "10 epochs done", step)
        await wait_for_text(pilot, "finished")
        await wait_for_text(pilot, "compute-bound")

    show(run, doing)


def test_a_run_whose_steps_were_never_split_says_so(tmp_path: Path) -> None:
    bare = training(tmp_path / "runs")
    end(bare, "stopped", "enough")

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "stopped")
        assert "bound" not in screen_text(pilot.app)
        await pilot.press("T")
        await wait_for_text(pilot, "not known yet: no step has been timed yet")
        await wait_for_text(pilot, "no step has been timed yet")

    show(bare, doing)


def test_keys_switch_the_axis_and_smooth_and_lead_back(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await pilot.press("T")
        await wait_for_text(pilot, "stages of a step, ms ")
        await pilot.press("y")
        await wait_for_text(pilot, "ms (log)")
        await pilot.press("m", "m")
        await wait_for_text(pilot, "ms (log, smooth 0.6)")
        await pilot.press("q")
        await wait_for_text(pilot, "what happened")

    show(run, doing)


@pytest.mark.parametrize("size", [(20, 6), (10, 3), (1, 1), (300, 100)])
def test_no_size_is_a_crash(run: RunDirectory, size: tuple[int, int]) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await pilot.press("T")
        await pilot.resize_terminal(*size)
        await pilot.pause(0.3)

    show(run, doing)
