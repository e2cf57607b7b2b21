from tests.ui.run_makers import DEVICES, PROCESSES
from tuitrain.view.devicetext import (
    allocator_lines,
    device_words,
    gpu_lines,
    host_lines,
    process_lines,
)
from tuitrain.view.spans import SpanLine, line_width

GIB = 2.0**30


def texts(lines: list[SpanLine]) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in lines]


def test_what_is_not_told_is_left_out() -> None:
    assert texts(gpu_lines({"gpu0/power_w": 99.6}, {}, 0, 80)) == ["power 100 W"]
    both = {"gpu0/power_w": 99.6, "gpu0/power_limit_w": 700.0}
    assert texts(gpu_lines(both, {}, 0, 80)) == ["power 100/700 W"]
    assert gpu_lines({}, {}, 0, 80) == []
    assert allocator_lines({}, 80) == []
    assert host_lines({}, {}, 80) == []
    assert process_lines({}, 80) == []
    assert device_words({}, {}, None) == []


def test_a_gpu_in_slices_says_that_its_utilisation_is_not_told() -> None:
    facts = {"gpus": [{"index": 0, "mig": [], "throttle": ["too hot"], "errors": ["lost"]}]}
    assert texts(gpu_lines({}, facts, 0, 80)) == [
        "utilisation not reported for slices (MIG)",
        "throttled: too hot",
        "lost",
    ]


def test_the_allocator_tells_fragments_retries_and_failures() -> None:
    samples = {
        "torch/reserved_bytes": 10 * GIB, "torch/inactive_split_bytes": GIB,
        "torch/retries": 2.0, "torch/ooms": 1.0,
    }  # fmt: skip
    (line,) = allocator_lines(samples, 120)
    assert texts([line]) == [
        "allocator: fragmented 1.00 GiB (10% of reserved), cache freed and retried 2 times, "
        "out of memory once"
    ]
    assert line[0].style == "alert"


def test_processes_fit_the_width_and_those_of_the_run_are_marked() -> None:
    rows = [
        {**PROCESSES[1], "pid": 100 + i, "user": "somebody-with-a-long-name", "command": "x" * 90}
        for i in range(20)
    ]
    facts = {"gpus": [{"index": 0, "processes": [PROCESSES[0], *rows]}]}
    lines = process_lines(facts, 60)
    assert all(line_width(line) <= 60 for line in lines)
    assert texts(lines)[1].endswith("this run")
    assert texts(lines)[-1] == "and 9 more"


def test_hidden_owners_and_sizes_are_a_dash() -> None:
    row = {"pid": 5, "user": None, "command": None, "bytes": None, "is_worker": False}
    (_, line) = texts(process_lines({"gpus": [{"index": 3, "processes": [row]}]}, 60))
    assert line.split() == ["GPU", "3", "-", "5", "-", "-"]


def test_facts_that_do_not_fit_side_by_side_stand_below_each_other() -> None:
    samples = {
        "host/swap_used_bytes": GIB, "host/swap_total_bytes": 8 * GIB,
        "host/shm_used_bytes": GIB, "host/shm_total_bytes": 64 * GIB,
    }  # fmt: skip
    assert texts(host_lines(samples, DEVICES, 80)) == ["swap 1.0/8 GiB   /dev/shm 1.0/64 GiB"]
    assert texts(host_lines(samples, DEVICES, 30)) == ["swap 1.0/8 GiB", "/dev/shm 1.0/64 GiB"]
