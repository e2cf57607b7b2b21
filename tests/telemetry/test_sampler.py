import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.telemetry.nvml import Nvml, card, process
from tuitrain.telemetry.background import BackgroundGpuReader
from tuitrain.telemetry.gpu import GpuSampler
from tuitrain.telemetry.owners import Owners
from tuitrain.telemetry.sampler import Sampler, open_gpus


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Stuck:
    """GPUs whose driver answers when it is let go on."""

    def __init__(self) -> None:
        self.answer = threading.Event()
        self.asked = 0

    def read(self, _family: Any = ()) -> dict[str, float]:
        self.asked += 1
        self.answer.wait()
        return {"gpu0/temperature_c": 50.0}

    def facts(self) -> dict[str, Any]:
        return {"driver": "1", "trouble": "", "gpus": []}

    def close(self) -> None:
        pass


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    made = Stuck()
    yield made
    made.answer.set()


def until(look: Callable[[], Any]) -> Any:
    for _ in range(10_000):
        if found := look():
            return found
        threading.Event().wait(0.01)
    raise AssertionError("never came")


def sampler(gpus: Any, clock: Callable[[], float] | None = None) -> Sampler:
    return Sampler(os.getpid(), Path("/tmp"), lambda: gpus, clock or Clock())


def test_host_and_gpus_are_read_together_and_the_worker_is_found_on_its_gpu() -> None:
    nvml = Nvml(card(ComputeRunningProcesses_v3=[process(os.getpid(), 2**30)]))
    found = sampler(GpuSampler(nvml, Owners(sees_all=True)))
    readings = until(lambda: (seen := found.read()) and "gpu0/worker_bytes" in seen and seen)
    assert readings["gpu0/worker_bytes"] == 2**30
    assert readings["host/memory_total_bytes"] > 0
    facts = found.facts()
    assert facts is not None
    assert facts["gpus"][0]["name"] == "NVIDIA H100 80GB HBM3"
    assert facts["host"]["cores"] == os.cpu_count()
    found.close()


def test_facts_are_told_when_they_change_and_not_more_often_than_every_two_seconds() -> None:
    clock, nvml = Clock(), Nvml(card())
    found = sampler(GpuSampler(nvml, Owners(sees_all=True)), clock)
    until(lambda: "gpu0/throttled" in found.read())
    first = found.facts()
    assert first is not None
    clock.now += 3
    found.read()
    assert found.facts() is None
    nvml.cards[0]["CurrentClocksEventReasons"] = 0x20
    until(lambda: found.read().get("gpu0/throttled"))
    again = found.facts()
    assert again is not None
    assert again["gpus"][0]["throttle"] == ["too hot"]
    nvml.cards[0]["CurrentClocksEventReasons"] = 0
    until(lambda: found.read().get("gpu0/throttled") == 0)
    assert found.facts() is None
    clock.now += 2.5
    found.read()
    assert found.facts() is not None
    found.close()


def test_a_driver_that_hangs_holds_up_nothing_and_is_said_not_to_answer(stuck: Stuck) -> None:
    clock = Clock()
    found = sampler(stuck, clock)
    assert "host/cpu_percent" in found.read()
    until(lambda: stuck.asked)
    first = found.facts()
    assert first is not None
    assert first["trouble"] == ""
    clock.now += 6
    assert not [name for name in found.read() if name.startswith("gpu")]
    assert stuck.asked == 1
    facts = found.facts()
    assert facts is not None
    assert facts["trouble"] == "the GPUs' driver does not answer"
    stuck.answer.set()
    until(lambda: "gpu0/temperature_c" in found.read())
    clock.now += 3
    well = found.facts()
    assert well is not None
    assert well["trouble"] == ""


def test_what_a_library_raises_is_told_and_the_host_is_read_on() -> None:
    class Broken(Stuck):
        def read(self, _family: Any = ()) -> dict[str, float]:
            raise TypeError("no such field")

    found = sampler(Broken())
    until(lambda: found.read() and "TypeError" in found._gpu_facts["trouble"])
    facts = found.facts()
    assert facts is not None
    assert facts["trouble"] == "the GPUs can't be read: TypeError: no such field"
    assert "host/cpu_percent" in found.read()


def test_a_late_answer_is_taken_before_another_question_is_asked(stuck: Stuck) -> None:
    patient = BackgroundGpuReader(lambda: stuck, wait_s=0.01)
    assert patient.read(()) is None
    until(lambda: stuck.asked)
    assert patient.read(()) is None
    stuck.answer.set()
    assert until(lambda: patient.read(())).readings == {"gpu0/temperature_c": 50.0}
    assert stuck.asked == 1


def test_this_machine_can_be_read_whatever_it_has() -> None:
    gpus = open_gpus()
    readings = gpus.read({os.getpid()})
    assert all(name.startswith("gpu") for name in readings)
    assert set(gpus.facts()) == {"driver", "trouble", "gpus"}
    gpus.close()
