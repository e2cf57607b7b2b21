from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.readings import GIB, readings
from tuitrain.analysis.memory_breakdown import host_breakdown, memory_breakdowns, training_device
from tuitrain.messages import Environment


@given(readings(), st.sampled_from(["gpu0", None]))
def test_the_parts_always_sum_to_what_the_driver_says(
    samples: dict[str, float], training: str | None
) -> None:
    for bar in memory_breakdowns(samples, {}, training):
        assert all(part.bytes >= 0 for part in bar.parts)
        assert sum(part.bytes for part in bar.parts) == bar.total_bytes
        assert bar.total_bytes == int(samples[f"{bar.prefix}/memory_total_bytes"])


def gpu(**changes: float) -> dict[str, float]:
    readings = {
        "memory_total_bytes": 80, "memory_reserved_bytes": 1, "memory_used_bytes": 40,
        "worker_bytes": 20, "others_bytes": 15,
    } | changes  # fmt: skip
    torch = {"torch/allocated_bytes": 10.0, "torch/reserved_bytes": 18.0}
    return {**{f"gpu0/{name}": float(value) for name, value in readings.items()}, **torch}


def parts(samples: dict[str, float], training: str | None = "gpu0", **facts: Any) -> dict[str, int]:
    devices = {"gpus": [{"index": 0, "name": "X", **facts}]}
    (bar,) = memory_breakdowns(samples, devices, training)
    return {part.name: part.bytes for part in bar.parts}


def test_the_bar_tells_tensors_cache_context_others_driver_the_unknown_and_free() -> None:
    assert parts(gpu()) == {
        "tensors": 10, "cached": 8, "context": 2, "others": 15, "unknown": 5, "driver": 1,
        "free": 39,
    }  # fmt: skip


def test_on_a_gpu_that_is_not_trained_on_the_runs_memory_is_one_part() -> None:
    assert parts(gpu(), None)["worker"] == 20


def test_where_processes_are_hidden_torch_tells_its_own_and_the_rest_is_not_told() -> None:
    samples = gpu()
    del samples["gpu0/worker_bytes"], samples["gpu0/others_bytes"]
    assert parts(samples) == {
        "tensors": 10, "cached": 8, "unknown": 22, "driver": 1, "free": 39,
    }  # fmt: skip


def test_readings_of_different_moments_are_cut_to_what_the_driver_says() -> None:
    # The allocator grew after the driver was asked.
    assert parts(gpu(worker_bytes=12)) == {
        "tensors": 10, "cached": 2, "others": 15, "unknown": 13, "driver": 1, "free": 39,
    }  # fmt: skip
    assert sum(parts(gpu(memory_used_bytes=5, others_bytes=70)).values()) == 80


def test_others_are_named_with_the_most_first() -> None:
    processes = [
        {"pid": 1, "user": "bob", "bytes": GIB, "is_worker": False, "command": "a"},
        {"pid": 2, "user": "alice", "bytes": 2 * GIB, "is_worker": False, "command": "a"},
        {"pid": 3, "user": "alice", "bytes": 2 * GIB, "is_worker": False, "command": "a"},
        {"pid": 4, "user": "eve", "bytes": 9 * GIB, "is_worker": True, "command": "a"},
        {"pid": 5, "user": None, "bytes": None, "is_worker": False, "command": None},
    ]
    devices = {"gpus": [{"index": 0, "name": "X", "processes": processes}]}
    (bar,) = memory_breakdowns(gpu(), devices, "gpu0")
    (others,) = [part for part in bar.parts if part.name == "others"]
    assert others.owners == (("alice", 4 * GIB), ("bob", GIB))


def test_slices_have_a_bar_each_and_the_whole_gpu_none() -> None:
    samples = {
        "gpu0/memory_used_bytes": 9.0, "gpu0/memory_total_bytes": 80.0,
        "gpu0/mig1/memory_used_bytes": 5.0, "gpu0/mig1/memory_total_bytes": 20.0,
        "torch/allocated_bytes": 3.0, "torch/reserved_bytes": 4.0,
    }  # fmt: skip
    slices = [{"index": 1, "profile": "2g.20gb", "uuid": "MIG-1", "processes": []}]
    devices = {"gpus": [{"index": 0, "name": "X", "mig": slices}]}
    (bar,) = memory_breakdowns(samples, devices, "gpu0/mig1")
    assert bar.title == "GPU 0 slice 1: 2g.20gb"
    assert bar.part("tensors") == 3
    assert bar.total_bytes == 20


def test_the_hosts_memory_is_shown_the_same_way() -> None:
    bar = host_breakdown(
        {
            "host/memory_used_bytes": 50.0, "host/memory_total_bytes": 100.0,
            "host/main_rss_bytes": 10.0, "host/loaders_rss_bytes": 20.0, "host/loaders": 4.0,
        }
    )  # fmt: skip
    assert bar is not None
    assert [(p.name, p.bytes) for p in bar.parts] == [
        ("worker", 10), ("loaders", 20), ("others", 20), ("free", 50),
    ]  # fmt: skip


# --- which device the worker trains on ------------------------------------------------------------

DEVICES = {
    "gpus": [
        {"index": 0, "uuid": "GPU-AAAA-1", "pci": "00000000:19:00.0", "mig": None},
        {"index": 1, "uuid": "GPU-bbbb-2", "pci": "00000000:3B:00.0", "mig": None},
    ]
}


def found(environment: Environment, devices: Any = DEVICES, **samples: float) -> str | None:
    readings = {name.replace("__", "/"): value for name, value in samples.items()}
    return training_device("cuda:0", environment, readings, devices)


def test_it_is_found_by_uuid_then_by_its_place_then_by_its_processes() -> None:
    assert found(Environment(device_uuid="bbbb-2", device_pci="00000000:19:00")) == "gpu1"
    assert found(Environment(device_uuid="aaaa-1")) == "gpu0"
    assert found(Environment(device_uuid="unknown", device_pci="00000000:3b:00")) == "gpu1"
    assert found(Environment(device_pci="0:3b:0")) == "gpu1"
    assert found(Environment(), gpu1__worker_bytes=5.0, gpu0__worker_bytes=0.0) == "gpu1"
    assert found(Environment()) is None


def test_the_only_gpu_there_is_is_it_and_a_cpu_has_none() -> None:
    assert found(Environment(), {"gpus": DEVICES["gpus"][:1]}) == "gpu0"
    assert training_device("cpu", Environment(), {}, DEVICES) is None
    assert training_device(None, Environment(), {}, {}) is None


def test_a_slice_is_found_by_its_own_uuid_or_by_the_worker_in_it() -> None:
    slices = [{"index": 0, "uuid": "MIG-1"}, {"index": 3, "uuid": "MIG-2"}]
    devices = {"gpus": [{"index": 0, "uuid": "GPU-A", "pci": "0:19:0.0", "mig": slices}]}
    assert found(Environment(device_uuid="2"), devices) == "gpu0/mig3"
    # On a slice CUDA may tell the whole card's UUID and place, which both slices share.
    environment = Environment(device_uuid="A", device_pci="0:19:0")
    assert found(environment, devices, gpu0__mig3__worker_bytes=7.0) == "gpu0/mig3"
