from typing import Any

from tests.ui.run_makers import DEVICES
from tuitrain.view.machine.seen import free_gpus
from tuitrain.view.machinetext import machine_words

GIB = 2.0**30
IDLE: dict[str, Any] = {
    "index": 1, "name": "NVIDIA H200", "uuid": "GPU-2", "pci": None, "mig": None, "throttle": [],
    "processes": [], "errors": [],
}  # fmt: skip
TWO = {**DEVICES, "gpus": [*DEVICES["gpus"], IDLE]}  # type: ignore[misc]
SAMPLES = {
    "gpu0/memory_used_bytes": 20 * GIB, "gpu0/memory_total_bytes": 140 * GIB,
    "gpu0/utilization_percent": 93.0, "gpu0/power_w": 512.0, "gpu0/power_limit_w": 700.0,
    "gpu1/memory_used_bytes": 0.5 * GIB, "gpu1/memory_total_bytes": 140 * GIB,
    "gpu1/utilization_percent": 0.0,
    "host/cpu_percent": 12.0, "host/memory_used_bytes": 8 * GIB,
    "host/memory_total_bytes": 24 * GIB,
}  # fmt: skip


def test_each_gpu_says_who_is_on_it_and_runs_are_called_by_name() -> None:
    lines = machine_words(SAMPLES, TWO, {77: "brave-moons"}, 120)
    assert lines == [
        "GPU 0  NVIDIA H200  20.0/140 GiB",
        "  utilisation 93%, power 512/700 W",
        "  eve                77  14.1 GiB  run brave-moons",
        "  alice            4021  4.10 GiB  python3 serve.py",
        "GPU 1  NVIDIA H200  0.5/140 GiB",
        "  utilisation 0%",
        "free: GPU 1",
        "host  8.0/24 GiB",
        "CPU: machine 12% of 16 cores",
    ]
    assert all(len(line) <= 40 for line in machine_words(SAMPLES, TWO, {}, 40))


def test_a_gpu_is_free_where_there_is_neither_process_nor_memory_nor_work_nor_error() -> None:
    def free(gpu: dict[str, Any], **readings: float) -> list[int]:
        samples = {**SAMPLES, **{f"gpu1/{name}": value for name, value in readings.items()}}
        return free_gpus(samples, {"gpus": [{**IDLE, **gpu}]})

    assert free({}) == [1]
    assert free({"processes": [{"pid": 1}]}) == []
    assert free({"errors": ["lost"]}) == []
    assert free({}, utilization_percent=50.0) == []
    assert free({}, memory_used_bytes=70 * GIB) == []


def test_a_machine_without_gpus_shows_the_host_and_says_what_its_driver_lacks() -> None:
    host = {"host/cpu_percent": 12.0}
    assert machine_words(host, {}, {}, 80) == ["no GPU that a driver tells of", "CPU: machine 12%"]
    trouble = {"trouble": "the driver does not answer", "gpus": []}
    assert machine_words({}, trouble, {}, 80) == ["the driver does not answer"]
