import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.makers import keep_alive, new_run
from tests.ui.memory_makers import GIB, LENGTH_S, many_gpus, over, remembering
from tests.ui.run_makers import HOST, START, begin, write
from tests.ui.screens import check_whole, screen_text, wait_for, wait_for_golden, wait_for_text
from tuitrain import messages as m
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter
from tuitrain.ui.screens.memory import MemoryScreen
from tuitrain.view.chart.figure import TerminalStyle

Steps = Callable[[Pilot[Any]], Awaitable[None]]


def now() -> float:
    return START + LENGTH_S


@pytest.fixture
def run(root: Path) -> Iterator[RunDirectory]:
    made = remembering(root)
    lock = keep_alive(made)
    yield made
    lock.release()


def show(run: RunDirectory, doing: Steps, **options: Any) -> None:
    play(
        run.path.parent,
        lambda app: app.push_screen(MemoryScreen(run, clock=now)),
        doing,
        **options,
    )


def sheet(pilot: Pilot[Any]) -> str:
    lines = pilot.app.screen.query_one("#sheet").lines
    return "\n".join("".join(span.text for span in line) for line in lines)


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (200, 60)])
def test_bars_processes_and_memory_over_time_at_every_size(
    run: RunDirectory, size: tuple[int, int]
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"memory-{size[0]}x{size[1]}")

    show(run, doing, size=size)


@pytest.mark.usefixtures("chinese")
def test_in_chinese_curves_have_their_names_beside_them(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, "memory-zh-80x24")
        check_whole(pilot.app)

    show(run, doing)


def test_plain_ascii_and_no_colour(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, "memory-ascii-80x24")
        assert screen_text(pilot.app).isascii()

    show(run, doing, look=TerminalStyle(ascii=True, colour=False))


def test_a_machine_without_gpus_shows_the_host_in_the_same_places(root: Path) -> None:
    run = remembering(root, gpu=False, facts={"trouble": "", "gpus": [], "host": {"cores": 16}})
    over(run)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, "memory-host-80x24")

    show(run, doing)


def test_the_peak_is_named_with_its_time_however_short_it_was(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        # 12 GiB in one second of five minutes, 201 s after the begin.
        await wait_for_text(pilot, "peak tensors 12.0 GiB at 11:00:11")

    show(run, doing)


def test_zoom_and_arrows_move_through_time_and_0_shows_all_again(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "peak tensors")
        screen = pilot.app.screen
        assert isinstance(screen, MemoryScreen)
        whole = screen._snapshot.window
        await pilot.press("plus")
        await wait_for(pilot, lambda: screen._snapshot.window.span < whole.span * 0.6, "closer")
        first = screen._snapshot.window.first
        await pilot.press("left")
        await wait_for(pilot, lambda: screen._snapshot.window.first < first, "earlier")
        await pilot.press("0")
        await wait_for(pilot, lambda: screen._snapshot.window == whole, "the whole run")

    show(run, doing)


def test_the_next_device_is_the_host_and_then_the_first_again(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "GPU 0 H200, GiB")
        await pilot.press("right_square_bracket")
        await wait_for_text(pilot, "host, GiB")
        await pilot.press("right_square_bracket")
        await wait_for_text(pilot, "GPU 0 H200, GiB")

    show(run, doing)


def test_new_readings_of_a_live_run_appear(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "others")
        with RunWriter(run) as writer:
            writer.add_samples(
                START + LENGTH_S,
                {"gpu0/memory_used_bytes": 3e10, "gpu0/memory_total_bytes": 151.4e9},
            )
        await wait_for_text(pilot, "27.9/141 GiB used")

    show(run, doing)


def test_several_gpus_each_have_a_bar_the_one_trained_on_first(root: Path) -> None:
    run = new_run(root, "many")
    begin(run)
    facts, readings = many_gpus(4)
    with RunWriter(run) as writer:
        writer.set_devices(START, facts)
        writer.add_samples(START, {**readings, **HOST})
    over(run)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: "GPU 3 H100" in sheet(pilot), "all GPUs")
        titles = re.findall(r"^(GPU \d|host)", sheet(pilot), re.MULTILINE)
        assert titles[:5] == ["GPU 2", "GPU 0", "GPU 1", "GPU 3", "host"]
        assert "throttled: power limit" in sheet(pilot)

    show(run, doing)


def test_a_lost_gpu_and_a_driver_in_trouble_are_said_in_words(root: Path) -> None:
    run = new_run(root, "lost")
    begin(run)
    facts, readings = many_gpus(2)
    facts["gpus"][1] |= {"errors": ["the GPU is lost: it fell off the bus; reboot or reset it"]}
    facts["trouble"] = "the GPUs' driver does not answer"
    left = {name: value for name, value in readings.items() if name.startswith("gpu0")}
    with RunWriter(run) as writer:
        writer.set_devices(START, facts)
        writer.add_samples(START, {**left, **HOST})
    over(run)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: "fell off the bus" in sheet(pilot), "the lost GPU")
        assert "does not answer" in sheet(pilot)
        assert "GPU 0 H100 80GB HBM3  9.0/80 GiB used" in sheet(pilot)

    show(run, doing)


def test_foreign_text_can_not_act_on_the_terminal(root: Path) -> None:
    run = new_run(root, "foreign")
    begin(run)
    facts, readings = many_gpus(1)
    facts["gpus"][0] |= {
        "name": "GPU\x1b[31m",
        "throttle": ["\x1b]0;x\x07"],
        "errors": ["\x1b[2J"],
        "processes": [
            {"pid": 5, "user": "\x1bme", "command": "\x1b[H", "bytes": 2**30, "is_worker": False}
        ],
    }
    with RunWriter(run) as writer:
        writer.set_devices(START, facts)
        writer.add_samples(START, {**readings, **HOST})
    over(run)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: "\\x1b[H" in sheet(pilot), "the processes")
        assert "\x1b" not in sheet(pilot) + screen_text(pilot.app)

    show(run, doing, size=(120, 50))


def test_the_account_of_memory_that_ran_out_comes_before_all_else(root: Path) -> None:
    run = remembering(root)
    account = m.OomAccount(
        device="cuda:0", asked_bytes=2 * GIB, free_bytes=GIB, total_bytes=80 * GIB,
        allocated_bytes=60 * GIB, reserved_bytes=70 * GIB, fragmented_bytes=9 * GIB,
        others_bytes=4 * GIB, blocks=(m.MemoryBlock(GIB, where="net.py:12 forward"),),
        batch_size=64, fits_batch_size=48, per_sample_bytes=10**8, fixed_bytes=10**9,
    )  # fmt: skip
    write(run, m.MemoryRanOut(START + 250, 20, account), sequence=50)
    over(run, "failed", "out of memory")

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "out of memory")
        lines = sheet(pilot).splitlines()
        assert lines[0] == "out of memory"
        assert "batches of 48" in sheet(pilot)
        assert "memory of one step" in sheet(pilot)

    show(run, doing)


def test_a_run_without_readings_says_so(root: Path) -> None:
    run = new_run(root, "nothing")
    begin(run)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "no readings yet")
        await wait_for_text(pilot, "no readings of this time")

    show(run, doing)


def test_m_opens_it_from_the_run_and_q_goes_back(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "loss")
        await pilot.press("M")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, MemoryScreen), "the screen")
        await wait_for_text(pilot, "GPU 0 H200")
        await pilot.press("q")
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, MemoryScreen), "the run")

    play(run.path.parent, lambda app: app.opener.open_run(run), doing)


@pytest.mark.parametrize("size", [(20, 6), (5, 2), (300, 100)])
def test_no_size_is_a_crash(run: RunDirectory, size: tuple[int, int]) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: pilot.app.screen._snapshot is not None, "a snapshot")
        await pilot.resize_terminal(80, 24)
        await wait_for_text(pilot, "peak tensors")

    show(run, doing, size=size)
