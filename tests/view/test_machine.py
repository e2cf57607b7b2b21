import math

import pytest

from tests.ui.machines import HOST, gpu_facts, gpu_samples, row
from tests.ui.makers import NOW
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.machine.glance import glance_line, has_moved
from tuitrain.view.machine.gpus import holders
from tuitrain.view.machine.seen import History, MachineSeen, RunHere, uses_of
from tuitrain.view.machine.sheet import machine_sheet
from tuitrain.view.machine.strip import averages, levels, tall
from tuitrain.view.spans import line_width, plain_text

LOOK = TerminalStyle()
GIB = 2.0**30


def seen(*gpus: dict, runs: tuple[RunHere, ...] = (), **more: float) -> MachineSeen:  # type: ignore[type-arg]
    samples = {**HOST, **more}
    for gpu in gpus:
        samples |= gpu_samples(gpu["index"], 20.0 if gpu["processes"] else 0.3, 0.0)
    facts = {"driver": "580", "trouble": "", "gpus": list(gpus), "host": {"cores": 4}}
    run_of = {gpu["processes"][0]["pid"]: run.id for gpu in gpus for run in runs}
    return MachineSeen("box", NOW, samples, facts, (1.0,) * 4, uses_of(facts, run_of, {5: 1}), runs)


def sheet(machine: MachineSeen, width: int = 80, this_run: str = "") -> list[str]:
    return [plain_text(line) for line in machine_sheet(machine, width, 24, LOOK, this_run)]


def test_levels_fill_a_cell_from_nothing_to_the_top_and_leave_gaps() -> None:
    assert levels([0.0, 50.0, 100.0, 300.0, math.nan], 100.0, LOOK) == "▁▄██ "
    assert levels([0.0, 50.0, 100.0], 100.0, TerminalStyle(ascii=True)) == "_=@"
    assert levels([5.0], 0.0, LOOK) == "▁"
    assert tall([100.0, 50.0, 0.0], 100.0, 2, LOOK) == ["█  ", "██▁"]


def test_a_cell_stands_for_the_same_readings_as_more_come() -> None:
    values = [float(number) for number in range(40)]
    first = averages(values[:20], 10, 20, 40)
    later = averages(values[:23], 10, 23, 40)
    assert first[-5:] == [1.5, 5.5, 9.5, 13.5, 17.5]
    # Only the newest cell is still filling.
    assert later[-6:] == [1.5, 5.5, 9.5, 13.5, 17.5, 21.0]
    assert math.isnan(first[0])
    assert averages([], 3, 0, 40) != []
    assert averages([math.nan, 4.0], 1, 2, 2) == [4.0]


def test_memory_is_told_by_owner_and_what_the_driver_hides_is_not_told() -> None:
    run = RunHere("id-1", "brave", "running", 5, 10, "cuda:0", "gpu0")
    rows = [row(5, "eve", "python", 10.0), row(6, "alice", "serve", 4.0)]
    machine = seen(gpu_facts(0, *rows), runs=(run,))
    assert {name: size / GIB for name, size in machine.shares("gpu0").items()} == pytest.approx(
        {"this run": 0.0, "runs": 10.0, "others": 4.0, "not told": 6.0, "driver": 0.6}
    )
    assert machine.shares("gpu0", "id-1")["this run"] == 10 * GIB
    lines = sheet(machine, this_run="id-1")
    assert any("this run 10.0 GiB" in line for line in lines)
    assert any("brave" in line and "50%" in line and "rank 1 GPU 0" in line for line in lines)
    assert any("alice" in line and "60 min" in line and "serve" in line for line in lines)


def test_who_holds_a_gpu_is_said_with_how_much() -> None:
    run = RunHere("id-1", "brave", prefix="gpu0")
    rows = [row(5, "eve", "python", 10.0), row(6, "alice", "serve", 4.0)]
    machine = seen(gpu_facts(0, *rows), gpu_facts(1), runs=())
    assert holders(machine, 0) == "held by eve 10.0 GiB, alice 4.0 GiB"
    assert holders(machine, 1) == "free"
    hidden = seen(gpu_facts(0), gpu0=1.0)
    hidden = MachineSeen(
        samples={**hidden.samples, "gpu0/memory_used_bytes": 30 * GIB}, facts=hidden.facts
    )
    assert holders(hidden, 0) == "in use, 30.0 GiB taken"
    known = MachineSeen(samples=hidden.samples, facts=hidden.facts, runs=(run,))
    assert holders(known, 0) == "held by run brave"


def test_home_shows_a_machine_again_only_when_it_has_moved() -> None:
    still = seen(gpu_facts(0))
    assert not has_moved(still, seen(gpu_facts(0)))
    assert not has_moved(still, seen(gpu_facts(0), **{"host/cpu_percent": 38.0}))
    assert has_moved(still, seen(gpu_facts(0), **{"host/cpu_percent": 41.0}))
    assert has_moved(still, seen(gpu_facts(0, row(5, "eve", "python", 1.0))))
    assert has_moved(still, seen(gpu_facts(0, throttle=["power limit"])))
    assert has_moved(still, MachineSeen())


def test_slices_have_a_bar_each_and_their_own_processes() -> None:
    part = {"index": 1, "name": "x", "profile": "3g.40gb", "uuid": None}
    slices = [{**part, "processes": [row(6, "alice", "serve", 4.0)]}]
    machine = seen(gpu_facts(0, row(6, "alice", "serve", 4.0), mig=slices))
    samples = {
        **machine.samples,
        "gpu0/mig1/memory_used_bytes": 5 * GIB,
        "gpu0/mig1/memory_total_bytes": 40 * GIB,
    }
    machine = MachineSeen("box", NOW, samples, machine.facts, uses=machine.uses)
    lines = sheet(machine)
    assert any(line.startswith("slice 1 3g.40gb") for line in lines)
    assert any(line.startswith("0.1 ") and "alice" in line for line in lines)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("count", [0, 1, 2, 8, 16])
def test_lines_are_never_wider_than_there_is_room(width: int, count: int) -> None:
    machine = seen(*(gpu_facts(index, row(9 + index, "a" * 40, "b" * 90, 20.0))
                     for index in range(count)))  # fmt: skip
    for line in machine_sheet(machine, width, 24, LOOK):
        assert line_width(line) <= width, plain_text(line)
    assert line_width(glance_line(machine, width, LOOK)) == width


def test_what_others_call_themselves_can_put_nothing_on_the_terminal() -> None:
    machine = seen(gpu_facts(0, row(6, "\x1bme", "\x1b[H", 4.0)))
    assert not any("\x1b" in line for line in sheet(machine))


def test_a_driver_in_trouble_is_said_above_the_host() -> None:
    machine = MachineSeen(samples=HOST, facts={"trouble": "the GPUs' driver does not answer"})
    assert sheet(machine)[0] == "the GPUs' driver does not answer"
    assert History().of("nothing") == ()
