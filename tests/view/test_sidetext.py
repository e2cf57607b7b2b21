import time
from typing import Any

import pytest

from tests.ui.memory_makers import many_gpus
from tests.ui.run_makers import DEVICES, GPU, HOST
from tuitrain.runs.rows import RunFacts
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.memory.sheet import memory_sheet
from tuitrain.view.run.sidetext import Devices, memory_line, side_lines, side_title
from tuitrain.view.spans import SpanLine, line_width


def texts(lines: list[SpanLine]) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in lines]


def shown(devices: Devices, width: int = 18, rows: int = 9) -> list[str]:
    return texts(side_lines(devices, width, rows, TerminalStyle()))


def one(**changes: float) -> Devices:
    return Devices({**GPU, **HOST, **changes}, DEVICES, "gpu0")


def test_one_gpu_has_activity_bar_legend_and_the_host_below() -> None:
    assert side_title(one()) == "GPU 0 H200"
    assert shown(one()) == [
        "93%  512 W  61 C",
        "mem 18.2/141 GiB",
        "█▓▒░..............",
        "█ tensors 9.13 GiB",
        "▓ cached  4.38 GiB",
        "▒ context  572 MiB",
        "░ others  4.10 GiB",
        "RAM 23.3/128 GiB",
        "cpu 98% all 12%",
    ]


def test_a_gpu_that_is_held_down_says_why_in_the_colour_of_alerts() -> None:
    facts = {"gpus": [{**DEVICES["gpus"][0], "throttle": ["power limit"]}]}  # type: ignore[dict-item, index]
    lines = side_lines(
        Devices({**GPU, **HOST, "gpu0/throttled": 1.0}, facts, "gpu0"), 18, 9, TerminalStyle()
    )
    assert texts(lines)[1] == "! power limit"
    assert {lines[0][0].style, lines[1][0].style} == {"alert"}


def test_without_gpus_the_host_stands_in_their_place() -> None:
    devices = Devices(HOST, {"gpus": []}, None)
    assert side_title(devices) == "host"
    assert shown(devices) == [
        "cpu 98% all 12%",
        "mem 23.3/128 GiB",
        "█▒░...............",
        "█ worker  1.40 GiB",
        "▒ loaders  572 MiB",
        "░ others  21.3 GiB",
    ]


@pytest.mark.parametrize(("count", "rows"), [(2, 9), (4, 10), (8, 10), (16, 9)])
@pytest.mark.parametrize("width", [18, 30, 42])
def test_several_gpus_keep_to_their_rows_the_one_trained_on_first(
    count: int, rows: int, width: int
) -> None:
    facts, readings = many_gpus(count)
    training = "gpu2" if count > 2 else None
    devices = Devices({**readings, **HOST}, facts, training)
    lines = side_lines(devices, width, rows, TerminalStyle())
    assert len(lines) <= rows
    assert all(line_width(line) <= width for line in lines)
    assert side_title(devices) == "GPUs"
    if training:
        assert texts(lines)[0].startswith(">2 ")
    if count == 2:
        assert texts(lines)[2].replace(" ", "") == "1!10%100W41C"
    if count == 16:
        assert "and 10 more: M" in texts(lines)


@pytest.mark.parametrize("width", [18, 30, 42])
def test_nothing_is_wider_than_the_column(width: int) -> None:
    extreme: dict[str, Any] = {
        "gpu0/utilization_percent": 100.0,
        "gpu0/power_w": 1000.0,
        "gpu0/temperature_c": 100.0,
        "gpu0/sm_clock_mhz": 1980.0,
        "gpu0/pcie_rx_bytes_per_s": 1e10,
        "gpu0/memory_used_bytes": 150.9e9,
    }
    assert all(
        line_width(line) <= width for line in side_lines(one(**extreme), width, 9, TerminalStyle())
    )


def test_a_lost_gpu_is_said_where_its_readings_would_stand() -> None:
    errors = ["the GPU is lost: it fell off the bus; reboot or reset it"]
    facts = {"trouble": "", "gpus": [{"index": 0, "name": "X", "errors": errors}]}
    assert " ".join(shown(Devices(HOST, facts, None))).startswith("GPU 0: the GPU is lost: it fell")


def test_a_driver_in_trouble_is_said() -> None:
    facts = {"trouble": "the driver is not loaded", "gpus": []}
    assert shown(Devices(HOST, facts, None))[:2] == ["the driver is not", "loaded"]


def test_before_the_first_reading_it_says_so() -> None:
    assert shown(Devices({}, {}, None)) == ["no readings yet"]


def test_on_one_line_the_device_that_is_trained_on_comes_first() -> None:
    facts, readings = many_gpus(8)
    (span,) = memory_line(Devices({**readings, **HOST}, facts, "gpu2"), 60)
    assert span.text.startswith(" GPU 2 27.0/80 GiB  GPU 0 9.0/80 GiB")
    assert len(span.text) <= 60
    (span,) = memory_line(one(), 60)
    assert span.text == " GPU 0 18.2/141 GiB  RAM 23.3/128 GiB  worker 1.96 GiB"


def test_slices_are_called_by_their_profiles() -> None:
    slices = [{"index": i, "profile": f"{i}g.20gb", "uuid": f"MIG-{i}"} for i in (1, 3)]
    readings = {
        f"gpu0/mig{i}/memory_{name}_bytes": size * 2.0**30
        for i in (1, 3)
        for name, size in (("used", 5.0), ("total", 20.0))
    }
    facts = {"gpus": [{"index": 0, "name": "X", "mig": slices, "errors": []}]}
    lines = shown(Devices({**readings, **HOST}, facts, "gpu0/mig3"))
    assert lines[0] == ">0.3 3g.20gb"
    assert lines[2] == " 0.1 1g.20gb"


@pytest.mark.parametrize("width", [18, 30])
def test_readings_that_nobody_takes_any_more_say_of_when_they_are(width: int) -> None:
    at = time.mktime((2026, 11, 25, 22, 58, 0, 0, 0, -1))
    for devices in (
        Devices({**GPU, **HOST}, DEVICES, "gpu0", at),
        Devices(HOST, {}, None, at),
    ):
        first = shown(devices, width)[0]
        assert first == ("as of 11-25 22:58" if width == 18 else "last reading 2026-11-25 22:58")
        (span,) = memory_line(devices, 60)
        assert span.text.startswith(" as of 11-25 22:58:  ")
        assert len(span.text) <= 60
        assert "last reading" in texts(memory_sheet(devices, RunFacts(), 60, TerminalStyle()))[0]
