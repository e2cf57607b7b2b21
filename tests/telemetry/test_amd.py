from types import SimpleNamespace
from typing import Any

from tuitrain.telemetry.amd import AmdSampler, load
from tuitrain.telemetry.owners import Owners

NO_PERMISSION, NOT_SUPPORTED = 10, 2


class AmdSmiException(Exception):
    def __init__(self, err_code: int) -> None:
        super().__init__(err_code)
        self.err_code = err_code


class Library:
    """amdsmi as it answers for one MI300X."""

    AmdSmiException = AmdSmiException
    AmdSmiTemperatureType = SimpleNamespace(HOTSPOT=1)
    AmdSmiTemperatureMetric = SimpleNamespace(CURRENT=0)
    AmdSmiClkType = SimpleNamespace(GFX=1, MEM=4)

    def __init__(self, **changes: Any) -> None:
        self._answers = {
            "init": None,
            "shut_down": None,
            "get_processor_handles": ["handle"],
            "get_gpu_asic_info": {"market_name": "AMD Instinct MI300X"},
            "get_gpu_driver_info": {"driver_version": "6.12.12"},
            "get_gpu_device_uuid": "f6ff74a1-0000-1000-80ab",
            "get_gpu_device_bdf": "0000:19:00.0",
            "get_gpu_vram_usage": {"vram_total": 196592, "vram_used": 1024},
            "get_gpu_process_list": [
                {"name": "python", "pid": 1, "memory_usage": {"vram_mem": 1000}}
            ],
            "get_gpu_activity": {"gfx_activity": 88, "umc_activity": 30, "mm_activity": "N/A"},
            "get_power_info": {"current_socket_power": 600, "average_socket_power": "N/A"},
            "get_clock_info": {"clk": 2100},
            "get_temp_metric": 70,
            "get_violation_status": {"active_ppt_pwr": True, "active_socket_thrm": "N/A"},
        } | changes

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("amdsmi_"):
            raise AttributeError(name)
        answer = self._answers[name.removeprefix("amdsmi_")]

        def function(*_arguments: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        return function


def test_an_amd_gpu_is_read_under_the_same_names() -> None:
    found = AmdSampler(Library(), Owners(sees_all=True))
    assert found.read({1}) == {
        "gpu0/memory_used_bytes": 2**30,
        "gpu0/memory_total_bytes": 196592 * 2**20,
        "gpu0/worker_bytes": 1000,
        "gpu0/others_bytes": 0,
        "gpu0/utilization_percent": 88,
        "gpu0/memory_utilization_percent": 30,
        "gpu0/power_w": 600,
        "gpu0/temperature_c": 70,
        "gpu0/sm_clock_mhz": 2100,
        "gpu0/memory_clock_mhz": 2100,
        "gpu0/throttled": 1,
    }
    facts = found.facts()
    assert facts["driver"] == "6.12.12"
    (gpu,) = facts["gpus"]
    assert (gpu["name"], gpu["pci"]) == ("AMD Instinct MI300X", "0000:19:00.0")
    assert gpu["throttle"] == ["power limit"]
    assert gpu["processes"][0]["is_worker"]


def test_what_a_chip_does_not_tell_is_left_out_and_a_refusal_said() -> None:
    library = Library(
        get_violation_status=AmdSmiException(NOT_SUPPORTED),
        get_gpu_process_list=AmdSmiException(NO_PERMISSION),
        get_power_info={"current_socket_power": "N/A", "average_socket_power": 250},
    )
    found = AmdSampler(library, Owners(sees_all=True))
    readings = found.read({1})
    assert readings["gpu0/power_w"] == 250
    assert "gpu0/throttled" not in readings
    assert "gpu0/worker_bytes" not in readings
    assert found.facts()["gpus"][0]["errors"] == ["permission refused: processes"]


def test_without_amds_driver_there_is_nothing_and_no_trouble() -> None:
    found = AmdSampler(Library(init=AmdSmiException(NOT_SUPPORTED)))
    assert found.read() == {}
    assert found.facts()["gpus"] == []


def test_without_amds_library_there_is_nothing() -> None:
    if load() is None:
        assert AmdSampler().facts() == {"driver": "", "trouble": "", "gpus": []}
