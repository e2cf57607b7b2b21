"""GPUs through NVML: needs no CUDA context, so it takes no GPU memory."""

import contextlib
from collections.abc import Mapping
from typing import Any


class GpuSampler:
    """Reads every NVIDIA GPU; reads nothing where there is no driver."""

    def __init__(self, nvml: Any = None) -> None:
        """Begin with `nvml`, a module with pynvml's functions, or with pynvml itself."""
        if nvml is None:
            import pynvml

            nvml = pynvml
        self._nvml = nvml
        self._handles: list[Any] = []
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlInit()
            count = nvml.nvmlDeviceGetCount()
            self._handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(count)]

    def read(self) -> Mapping[str, float]:
        """Return readings by name, `gpu0/...`; what a driver does not tell is left out."""
        readings: dict[str, float] = {}
        for number, handle in enumerate(self._handles):
            for name, value in self._read_one(handle).items():
                readings[f"gpu{number}/{name}"] = value
        return readings

    def _read_one(self, handle: Any) -> dict[str, float]:
        nvml, readings = self._nvml, {}
        with contextlib.suppress(nvml.NVMLError):
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            readings["memory_used_bytes"] = float(memory.used)
            readings["memory_total_bytes"] = float(memory.total)
        with contextlib.suppress(nvml.NVMLError):
            readings["utilization_percent"] = float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        with contextlib.suppress(nvml.NVMLError):
            readings["power_w"] = nvml.nvmlDeviceGetPowerUsage(handle) / 1000
        with contextlib.suppress(nvml.NVMLError):
            celsius = nvml.NVML_TEMPERATURE_GPU
            readings["temperature_c"] = float(nvml.nvmlDeviceGetTemperature(handle, celsius))
        return readings

    def close(self) -> None:
        """Let go of the driver."""
        if self._handles:
            with contextlib.suppress(self._nvml.NVMLError):
                self._nvml.nvmlShutdown()
