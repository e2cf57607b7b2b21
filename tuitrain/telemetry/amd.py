"""GPUs through amdsmi, AMD's own library, where it is installed: the same names as for NVIDIA.

Not needed for training: without it an AMD GPU is known by what torch tells. Knows nothing of runs.
"""

from collections.abc import Collection, Mapping
from typing import Any

from tuitrain.telemetry.driver import Driver, DriverGoneError, GpuLostError, Refusal, text_of
from tuitrain.telemetry.nvidia import shares
from tuitrain.telemetry.owners import Owners

_NO_PERMISSION = 10
_PASSING = frozenset({7, 8, 9, 11, 30, 31, 40})
"""Failed or timed out this time, retry, interrupted, busy, not found, no data."""
_MIB = 1024**2


def judge(error: Exception) -> tuple[Refusal, str]:
    """Say what kind of refusal an AmdSmiException is."""
    code = getattr(error, "err_code", None)
    if code == _NO_PERMISSION:
        return "refused", ""
    return ("unknown" if code in _PASSING else "absent"), ""


def load() -> Any:
    """Return amdsmi, or None where it is not installed or finds no driver."""
    try:
        import amdsmi  # type: ignore[import-not-found,unused-ignore]
    # It looks for its C library while it is imported, and says in several ways that there is none.
    except (ImportError, OSError, KeyError, AttributeError):
        return None
    return amdsmi


class AmdSampler:
    """Reads every AMD GPU; reads nothing where the library or the driver is missing."""

    def __init__(self, library: Any = None, owners: Owners | None = None) -> None:
        """Open the driver.

        Args:
            library: a module with amdsmi's functions; None: amdsmi itself, if it is there.
            owners: tells whose processes are on a GPU; None: processes are not read.
        """
        self._library = load() if library is None else library
        self._owners = owners
        self._handles: list[Any] = []
        self._names: list[dict[str, Any]] = []
        self._processes: dict[int, list[dict[str, Any]]] = {}
        self._throttle: dict[int, list[str]] = {}
        self._version = ""
        if self._library is not None:
            self._open()

    def _open(self) -> None:
        library = self._library
        self._driver = Driver(library, library.AmdSmiException, judge)
        try:
            library.amdsmi_init()
            self._handles = list(library.amdsmi_get_processor_handles())
        except library.AmdSmiException:
            # Installed without a GPU: nothing is missing there.
            return
        self._names = [self._name(index) for index in range(len(self._handles))]

    def _name(self, index: int) -> dict[str, Any]:
        ask, handle = self._driver.ask, self._handles[index]
        chip = ask(index, "amdsmi_get_gpu_asic_info", handle) or {}
        driver = ask(index, "amdsmi_get_gpu_driver_info", handle) or {}
        self._version = _text(driver.get("driver_version")) or self._version
        return {
            "name": _text(chip.get("market_name")) or f"AMD GPU {index}",
            "uuid": text_of(ask(index, "amdsmi_get_gpu_device_uuid", handle)),
            "pci": text_of(ask(index, "amdsmi_get_gpu_device_bdf", handle)),
        }

    def read(self, family: Collection[int] = ()) -> Mapping[str, float]:
        """Return readings by name, `gpu0/...`; what the driver does not tell is left out.

        Args:
            family: the worker's processes.
        """
        readings: dict[str, float] = {}
        for index in range(len(self._handles)):
            try:
                found = {**self._memory(index, family), **self._activity(index)}
            except (GpuLostError, DriverGoneError):
                continue
            readings |= {f"gpu{index}/{name}": value for name, value in found.items()}
        return readings

    def _memory(self, index: int, family: Collection[int]) -> dict[str, float]:
        ask, handle, found = self._driver.ask, self._handles[index], {}
        usage = ask(index, "amdsmi_get_gpu_vram_usage", handle, about="memory")
        if usage is not None:
            found["memory_used_bytes"] = float(usage["vram_used"] * _MIB)
            found["memory_total_bytes"] = float(usage["vram_total"] * _MIB)
        rows = None
        if self._owners is not None:
            rows = ask(index, "amdsmi_get_gpu_process_list", handle, about="processes")
        if rows is not None and self._owners is not None:
            memory: dict[int, int | None] = {
                row["pid"]: row["memory_usage"]["vram_mem"] for row in rows
            }
            known = self._owners.can_tell(memory)
            self._processes[index] = self._owners.describe(memory, family, known=known)
            found |= shares(self._processes[index]) if known else {}
        return found

    def _activity(self, index: int) -> dict[str, float]:
        ask, handle, library = self._driver.ask, self._handles[index], self._library
        busy = ask(index, "amdsmi_get_gpu_activity", handle) or {}
        power = ask(index, "amdsmi_get_power_info", handle) or {}
        kinds, now = library.AmdSmiTemperatureType, library.AmdSmiTemperatureMetric.CURRENT
        clocks = library.AmdSmiClkType
        shader = ask(index, "amdsmi_get_clock_info", handle, clocks.GFX) or {}
        memory = ask(index, "amdsmi_get_clock_info", handle, clocks.MEM) or {}
        heat = ask(index, "amdsmi_get_temp_metric", handle, kinds.HOTSPOT, now)
        watts = _number(power.get("current_socket_power"))
        found = {
            "utilization_percent": _number(busy.get("gfx_activity")),
            "memory_utilization_percent": _number(busy.get("umc_activity")),
            # Older chips tell the average alone.
            "power_w": _number(power.get("average_socket_power")) if watts is None else watts,
            "temperature_c": _number(heat),
            "sm_clock_mhz": _number(shader.get("clk")),
            "memory_clock_mhz": _number(memory.get("clk")),
            "throttled": self._held_down(index),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _held_down(self, index: int) -> float | None:
        """Return 1 where the clock is held down for heat or power; chips before MI300 don't say."""
        told = self._driver.ask(index, "amdsmi_get_violation_status", self._handles[index])
        if told is None:
            return None
        reasons = {"active_ppt_pwr": "power limit", "active_socket_thrm": "too hot",
                   "active_prochot_thrm": "too hot (hardware)", "active_vr_thrm": "too hot "
                   "(voltage regulator)", "active_hbm_thrm": "too hot (memory)"}  # fmt: skip
        self._throttle[index] = [words for key, words in reasons.items() if told.get(key) is True]
        return float(bool(self._throttle[index]))

    def facts(self) -> dict[str, Any]:
        """Return what is known of the GPUs beside their readings, as for NVIDIA's."""
        gpus = [
            {
                "index": index,
                **names,
                "mig": None,
                "throttle": self._throttle.get(index, []),
                "processes": self._processes.get(index, []),
                "errors": self._driver.refusals(index),
            }
            for index, names in enumerate(self._names)
        ]
        return {"driver": self._version, "trouble": "", "gpus": gpus}

    def close(self) -> None:
        """Let go of the driver."""
        if self._handles:
            self._handles = []
            self._driver.ask(None, "amdsmi_shut_down")


def _number(value: Any) -> float | None:
    """Return a number; the library writes N/A where it has none."""
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def _text(value: Any) -> str | None:
    return None if value in (None, "", "N/A") else str(value)
