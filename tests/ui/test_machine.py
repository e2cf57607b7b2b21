import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.machines import Still, gpu_facts, gpu_samples, host_alone, row, still_feed, with_gpus
from tests.ui.makers import NOW, falling, keep_alive, new_run, train
from tests.ui.screens import screen_text, wait_for, wait_for_golden, wait_for_text
from tuitrain.runs.directory import RunDirectory
from tuitrain.telemetry.machine import MachineReading
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.feeds.machine import MachineFeed
from tuitrain.ui.screens.home.machine import MachineStrip
from tuitrain.ui.screens.home.screen import HomeScreen
from tuitrain.ui.screens.run import RunScreen
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.machine.seen import MachineSeen

Steps = Callable[[Pilot[Any]], Awaitable[None]]
WORKER = 77
"""The process that the record of a run in `train` names as its worker."""
SIZES = [(80, 24), (60, 20), (160, 48), (200, 60)]


@pytest.fixture
def run(root: Path) -> Iterator[RunDirectory]:
    """A live run whose worker is on the first GPU."""
    made = new_run(root, "digits-cnn")
    train(made, falling(40), end=None)
    lock = keep_alive(made)
    yield made
    lock.release()


ALICE = 2**22 + 4021
"""A number that no process of the machine under test has."""


def busy_and_free(throttled: bool = True) -> list[MachineReading]:
    """Return three minutes of two GPUs: a run and somebody else on one, nobody on the other."""
    rows = [
        row(WORKER, "eve", "python -m tuitrain", 18.2, 720.0),
        row(ALICE, "alice", "python3 serve.py", 4.1, 3 * 86400.0),
    ]
    readings = []
    for place in range(90):
        busy = 90.0 if place % 20 < 14 else 20.0
        slow = ["power limit"] if throttled and place > 80 else []
        gpus = [gpu_facts(0, *rows, throttle=slow), gpu_facts(1)]
        first = gpu_samples(0, 22.9, busy, 300 + 4 * busy)
        readings.append(with_gpus(gpus, first, gpu_samples(1, 0.3, 0.0, 70.0 + place / 10)))
    return readings


def eight() -> list[MachineReading]:
    """Return a machine of eight GPUs, every third of them free, one lost."""
    gpus, samples = [], []
    for index in range(8):
        free = index % 3 == 2
        rows = [] if free else [row(ALICE + index, f"user{index}", "python train.py", 30.0)]
        lost = ["the GPU is lost: it fell off the bus; reboot or reset it"] if index == 7 else []
        gpus.append(gpu_facts(index, *(() if lost else rows), errors=lost))
        if not lost:
            samples.append(gpu_samples(index, 0.4 if free else 31.0, 0.0 if free else 97.0, 500.0))
    return [with_gpus(gpus, *samples)]


def show(root: Path, doing: Steps, readings: list[MachineReading], **options: Any) -> TuitrainApp:
    machine = still_feed(root, *readings)
    return play(root, lambda app: app.opener.open_machine(), doing, machine=machine, **options)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("size", SIZES)
def test_gpus_owners_limits_and_the_host_at_every_size(root: Path, size: tuple[int, int]) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"machine-{size[0]}x{size[1]}")

    show(root, doing, busy_and_free(), size=size)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_many_gpus_have_a_line_each(root: Path, size: tuple[int, int]) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"machine-eight-{size[0]}x{size[1]}")

    show(root, doing, eight(), size=size)


@pytest.mark.usefixtures("run")
def test_without_a_gpu_the_host_is_shown_in_full(root: Path) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, "machine-host-80x24")

    show(root, doing, [host_alone()] * 40)


@pytest.mark.usefixtures("run")
def test_plain_ascii_and_no_colour(root: Path) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, "machine-ascii-80x24")
        assert screen_text(pilot.app).isascii()

    show(root, doing, busy_and_free(), look=TerminalStyle(ascii=True, colour=False))


def test_from_a_run_its_own_memory_is_told_from_that_of_others(
    run: RunDirectory, root: Path
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await pilot.press("G")
        await wait_for_text(pilot, "this run 18.2 GiB")
        await pilot.press("end")
        await wait_for_text(pilot, "GPU 0  this run")
        await pilot.press("q")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen))

    machine = still_feed(root, *busy_and_free())
    play(root, lambda app: app.opener.open_run(run), doing, machine=machine, size=(100, 30))


def test_home_shows_the_machine_on_a_line_and_opens_it_by_key_and_click(root: Path) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "GPU 0 90% 22.9/80G   GPU 1 free 0.3/80G   CPU 35%   RAM 25%")
        await pilot.press("G")
        await wait_for_text(pilot, "processes on GPUs")
        await pilot.press("escape")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await pilot.click(MachineStrip)
        await wait_for_text(pilot, "processes on GPUs")

    play(root, None, doing, machine=still_feed(root, *busy_and_free()), size=(80, 26))


def test_what_is_typed_into_a_filter_opens_nothing(root: Path) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "GPU 0")
        await pilot.press("slash", "G")
        line = pilot.app.screen.query(FilterLine)
        await wait_for(pilot, lambda: any(each.value == "G" for each in line), "the letter")
        assert isinstance(pilot.app.screen, HomeScreen)

    play(root, None, doing, machine=still_feed(root, *busy_and_free()))


def test_the_last_minutes_are_there_when_the_screen_is_opened_again(root: Path) -> None:
    """The feed reads on while no screen listens, and what it remembers has an end."""
    still = Still(*busy_and_free())
    feed = MachineFeed(root, host="box", open_machine=lambda _root: still, clock=lambda: NOW)
    for _ in range(50):
        feed.poll()
    seen: list[MachineSeen] = []
    stop = feed.listen(seen.append, runs=True)
    feed.poll()
    use = seen[-1].history.of("gpu0/utilization_percent")
    assert len(use) == 51
    assert set(use) == {90.0, 20.0}
    stop()
    for _ in range(200):
        feed.poll()
    feed.listen(seen.append, runs=True)
    feed.poll()
    assert len(seen[-1].history.of("gpu0/utilization_percent")) == seen[-1].history.most
    feed.close()
    feed.finish()
    assert still.closed


def test_a_run_owns_what_its_workers_children_hold_and_what_we_keep_warm_is_nobodys(
    root: Path,
) -> None:
    """The launch form's warm worker has a context on each GPU, and gives way to the run."""
    run = new_run(root, "spread")
    train(run, falling(5), end=None, pid=os.getppid())
    lock = keep_alive(run)
    with subprocess.Popen(["sleep", "100"]) as child:
        rows = [row(child.pid, "eve", "python", 5.0)]
        feed = still_feed(root, with_gpus([gpu_facts(0, *rows)], gpu_samples(0, 6.0, 50.0)))
        assert [use.run for use in feed.latest.uses] == [run.id]
        lock.release()
        feed = still_feed(root, with_gpus([gpu_facts(0, *rows)], gpu_samples(0, 0.6, 0.0)))
        assert feed.latest.uses == ()
        assert feed.latest.free == [0]
        child.kill()
