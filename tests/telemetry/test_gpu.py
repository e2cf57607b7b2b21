import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.telemetry.nvml import (
    DRIVER_NOT_LOADED,
    FUNCTION_NOT_FOUND,
    GIB,
    LIBRARY_NOT_FOUND,
    NO_PERMISSION,
    NOT_SUPPORTED,
    UNINITIALIZED,
    UNKNOWN,
    Failing,
    Nvml,
    card,
    process,
)
from tuitrain.telemetry.gpu import GpuSampler
from tuitrain.telemetry.owners import Owners

MINE = os.getpid()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sampler(*cards: Any, sees_all: bool = True) -> GpuSampler:
    return GpuSampler(Nvml(*cards), Owners(sees_all=sees_all))


def gpu(found: Any, index: int = 0) -> dict[str, float]:
    prefix = f"gpu{index}/"
    return {name.removeprefix(prefix): v for name, v in found.items() if name.startswith(prefix)}


@pytest.fixture
def other() -> Any:
    """A process of somebody else."""
    code = "import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as started:
        yield started
        started.communicate()


def test_every_reading_has_its_unit() -> None:
    assert gpu(sampler(card()).read()) == {
        "memory_used_bytes": 20 * GIB,
        "memory_total_bytes": 80 * GIB,
        "memory_reserved_bytes": 1 * GIB,
        "worker_bytes": 0,
        "others_bytes": 0,
        "utilization_percent": 93,
        "memory_utilization_percent": 41,
        "power_w": pytest.approx(512.345),
        "power_limit_w": 700,
        "temperature_c": 61,
        "sm_clock_mhz": 1980,
        "memory_clock_mhz": 2619,
        "throttled": 0,
        "pcie_tx_bytes_per_s": 1_000_000,
        "pcie_rx_bytes_per_s": 2_000_000,
    }


def test_several_gpus_are_numbered_as_the_driver_does() -> None:
    found = sampler(*(card(index) for index in range(8)))
    readings = found.read()
    assert all(f"gpu{index}/temperature_c" in readings for index in range(8))
    assert [gpu["uuid"] for gpu in found.facts()["gpus"]] == [f"GPU-0000000{i}" for i in range(8)]


def test_text_may_come_as_bytes_or_as_str() -> None:
    names = {"Name": b"NVIDIA A100", "UUID": b"GPU-abc",
             "PciInfo": SimpleNamespace(busId=b"00000000:19:00.0")}  # fmt: skip
    facts = sampler(card(**names)).facts()
    assert facts["driver"] == "580.65.06"
    assert [facts["gpus"][0][key] for key in ("name", "uuid", "pci")] == [
        "NVIDIA A100",
        "GPU-abc",
        "00000000:19:00.0",
    ]


@pytest.mark.parametrize("code", [NOT_SUPPORTED, FUNCTION_NOT_FOUND, UNKNOWN])
def test_a_reading_that_there_is_not_is_left_out_alone(code: int) -> None:
    found = gpu(sampler(card(PowerUsage=Failing(code))).read())
    assert "power_w" not in found
    assert found["temperature_c"] == 61


def test_what_is_not_supported_is_not_asked_again_what_failed_once_is() -> None:
    nvml = Nvml(card(PowerUsage=Failing(NOT_SUPPORTED), Temperature=Failing(UNKNOWN)))
    reader = GpuSampler(nvml, Owners(sees_all=True))
    for _ in range(5):
        reader.read()
    assert nvml.calls["PowerUsage"] == 1
    assert nvml.calls["Temperature"] == 5


def test_an_older_driver_tells_memory_without_its_own_part() -> None:
    found = gpu(sampler(card(MemoryInfo_v2=Failing(FUNCTION_NOT_FOUND))).read())
    assert found["memory_used_bytes"] == 20 * GIB
    assert "memory_reserved_bytes" not in found


def test_an_older_driver_tells_throttling_by_its_old_name() -> None:
    old = {"CurrentClocksEventReasons": Failing(FUNCTION_NOT_FOUND),
           "CurrentClocksThrottleReasons": 0x04 | 0x40}  # fmt: skip
    found = sampler(card(**old))
    assert gpu(found.read())["throttled"] == 1
    assert found.facts()["gpus"][0]["throttle"] == ["power limit", "too hot (hardware)"]


@pytest.mark.parametrize("bits", [0x01, 0x02, 0x10])
def test_an_idle_gpu_and_clocks_set_by_hand_are_not_throttled(bits: int) -> None:
    assert gpu(sampler(card(CurrentClocksEventReasons=bits)).read())["throttled"] == 0


# --- whose memory ---------------------------------------------------------------------------------


def test_the_workers_memory_and_that_of_others_are_told_apart(other: Any) -> None:
    lists = {"ComputeRunningProcesses_v3": [process(MINE, 5 * GIB), process(other.pid, 7 * GIB)],
             "GraphicsRunningProcesses_v3": [process(other.pid, 7 * GIB)]}  # fmt: skip
    found = sampler(card(**lists))
    readings = gpu(found.read({MINE}))
    # One that computes and draws is in both lists with all of its memory, and counts once.
    assert (readings["worker_bytes"], readings["others_bytes"]) == (5 * GIB, 7 * GIB)
    rows = found.facts()["gpus"][0]["processes"]
    assert [(row["pid"], row["bytes"], row["is_worker"]) for row in rows] == [
        (other.pid, 7 * GIB, False),
        (MINE, 5 * GIB, True),
    ]
    assert rows[0]["user"] == rows[1]["user"]
    assert rows[0]["command"].startswith("python")


def test_a_size_that_is_not_told_makes_no_sum(other: Any) -> None:
    rows = [process(MINE, 5 * GIB), process(other.pid, None)]
    readings = gpu(sampler(card(ComputeRunningProcesses_v3=rows)).read({MINE}))
    assert readings["worker_bytes"] == 5 * GIB
    assert "others_bytes" not in readings


def test_in_a_container_numbers_of_the_host_are_not_taken_for_ours() -> None:
    rows = [process(2**22 + 12345, 7 * GIB)]
    found = sampler(card(ComputeRunningProcesses_v3=rows), sees_all=False)
    readings = gpu(found.read({MINE}))
    assert "worker_bytes" not in readings
    assert "others_bytes" not in readings
    (facts,) = found.facts()["gpus"]
    assert facts["errors"] == ["in a container: processes can't be told apart"]
    assert facts["processes"][0] | {"bytes": 0} == {
        "pid": 2**22 + 12345, "user": None, "command": None, "started": None, "bytes": 0,
        "is_worker": False,
    }  # fmt: skip


def test_in_a_container_whose_driver_translates_numbers_the_worker_is_found() -> None:
    rows = [process(MINE, 5 * GIB)]
    readings = gpu(sampler(card(ComputeRunningProcesses_v3=rows), sees_all=False).read({MINE}))
    assert readings["worker_bytes"] == 5 * GIB


def test_a_refused_permission_is_said_in_words_and_the_rest_is_read() -> None:
    refused = Failing(NO_PERMISSION)
    lists = {f"{kind}RunningProcesses_{version}": refused
             for kind in ("Compute", "Graphics") for version in ("v3", "v2")}  # fmt: skip
    found = sampler(card(**lists))
    readings = gpu(found.read({MINE}))
    assert "worker_bytes" not in readings
    assert readings["utilization_percent"] == 93
    assert found.facts()["gpus"][0]["errors"] == ["permission refused: processes"]


def test_without_owners_processes_are_not_asked_for() -> None:
    nvml = Nvml(card())
    GpuSampler(nvml).read()
    assert not nvml.calls["ComputeRunningProcesses_v3"]
    assert not nvml.calls["PcieThroughput"]


# --- slices ---------------------------------------------------------------------------------------


def mig_card() -> dict[str, Any]:
    def part(number: int, profile: str, used: int) -> dict[str, Any]:
        memory = SimpleNamespace(used=used, total=20 * GIB, reserved=0, free=20 * GIB - used)
        return {
            "Name": f"NVIDIA H100 80GB HBM3 MIG {profile}",
            "UUID": f"MIG-{number}",
            "MemoryInfo_v2": memory,
            "ComputeRunningProcesses_v3": [process(MINE, used)] if number else [],
            "GraphicsRunningProcesses_v3": [],
        }

    slices = {0: part(0, "1g.20gb", GIB), 2: part(2, "2g.20gb", 3 * GIB)}
    return card(MigMode=[1, 1], UtilizationRates=Failing(NOT_SUPPORTED), slices=slices)


def test_slices_are_what_they_are_each_with_its_own_memory_and_no_utilisation() -> None:
    found = sampler(mig_card())
    readings = gpu(found.read({MINE}))
    assert readings["mig0/memory_used_bytes"] == GIB
    assert readings["mig2/memory_total_bytes"] == 20 * GIB
    assert readings["mig2/worker_bytes"] == 3 * GIB
    assert readings["mig0/worker_bytes"] == 0
    assert not [name for name in readings if "utilization" in name]
    slices = found.facts()["gpus"][0]["mig"]
    assert [(each["index"], each["profile"], each["uuid"]) for each in slices] == [
        (0, "1g.20gb", "MIG-0"),
        (2, "2g.20gb", "MIG-2"),
    ]


def test_a_slice_that_is_made_later_is_found() -> None:
    clock, cut = Clock(), mig_card()
    later = cut["slices"].pop(2)
    nvml = Nvml(cut)
    found = GpuSampler(nvml, Owners(sees_all=True), clock)
    assert "gpu0/mig2/memory_used_bytes" not in found.read()
    nvml.cards[0]["slices"][2] = later
    clock.now += 31
    assert found.read()["gpu0/mig2/memory_used_bytes"] == 3 * GIB


# --- trouble --------------------------------------------------------------------------------------


def test_a_lost_gpu_stays_listed_with_the_reason_and_the_others_go_on() -> None:
    clock, nvml = Clock(), Nvml(card(0), card(1))
    found = GpuSampler(nvml, Owners(sees_all=True), clock)
    found.read()
    nvml.cards[0]["lost"] = True
    readings = found.read()
    assert not gpu(readings, 0)
    assert gpu(readings, 1)["temperature_c"] == 61
    lost, well = found.facts()["gpus"]
    assert lost["errors"] == ["the GPU is lost: it fell off the bus; reboot or reset it"]
    assert lost["name"] == "NVIDIA H100 80GB HBM3"
    assert well["errors"] == []
    nvml.cards[0]["lost"] = False
    clock.now += 11
    assert gpu(found.read(), 0)["temperature_c"] == 61
    assert found.facts()["gpus"][0]["errors"] == []


def test_a_gpu_that_is_lost_from_the_beginning_is_listed_too() -> None:
    found = sampler(card(0, lost=True), card(1))
    assert gpu(found.read(), 1)["temperature_c"] == 61
    assert "fell off the bus" in found.facts()["gpus"][0]["errors"][0]


@pytest.mark.parametrize("code", [UNINITIALIZED, DRIVER_NOT_LOADED])
def test_a_driver_that_is_reloaded_is_opened_again(code: int) -> None:
    clock, nvml = Clock(), Nvml(card())
    found = GpuSampler(nvml, Owners(sees_all=True), clock)
    assert found.read()
    nvml.down = code
    assert not found.read()
    assert found.facts()["trouble"].startswith("the driver ")
    assert found.facts()["gpus"][0]["errors"]
    nvml.down = None
    assert not found.read()
    clock.now += 11
    assert found.read()
    assert found.facts()["trouble"] == ""
    assert nvml.opened == 2


def test_a_machine_without_nvidia_gpus_has_no_trouble() -> None:
    nvml = Nvml()
    nvml.down = LIBRARY_NOT_FOUND
    found = GpuSampler(nvml, Owners())
    assert found.read() == {}
    assert found.facts() == {"driver": "", "trouble": "", "gpus": []}


def test_a_driver_that_is_not_loaded_at_first_is_said_and_tried_again() -> None:
    clock, nvml = Clock(), Nvml(card())
    nvml.down = DRIVER_NOT_LOADED
    found = GpuSampler(nvml, Owners(sees_all=True), clock)
    assert found.facts()["trouble"] == "the driver is not loaded"
    nvml.down = None
    clock.now += 11
    assert found.read()


def test_pcie_which_takes_long_is_read_rarely_of_one_gpu_at_a_time_and_held() -> None:
    nvml = Nvml(card(0), card(1))
    found = GpuSampler(nvml, Owners(sees_all=True))
    seen = [found.read() for _ in range(20)]
    assert nvml.calls["PcieThroughput"] == 4
    assert all("gpu0/pcie_tx_bytes_per_s" in each for each in seen)
    assert ["gpu1/pcie_tx_bytes_per_s" in each for each in seen] == [False] * 10 + [True] * 10


def test_closing_lets_go_of_the_driver() -> None:
    nvml = Nvml(card())
    found = GpuSampler(nvml)
    found.close()
    assert nvml.closed == 1
    assert found.read() == {}


def test_a_machine_without_the_driver_is_not_asked_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_there(name: str, *_: Any) -> Any:
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("ctypes.CDLL", not_there)
    found = GpuSampler()
    assert (found.read(), found.read()) == ({}, {})
    assert found.facts() == {"driver": "", "trouble": "", "gpus": []}
    found.close()
