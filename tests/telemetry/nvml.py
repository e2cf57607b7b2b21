"""NVML as it answers, for tests without a GPU: shapes recorded from its documentation and pynvml.

A stand-in library object: the functions that are asked, and errors with NVML's own codes.
"""

from collections import Counter
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND, DRIVER_NOT_LOADED, FUNCTION_NOT_FOUND = 3, 4, 6, 9, 13
UNINITIALIZED, LOST, LIBRARY_NOT_FOUND, UNKNOWN = 1, 15, 12, 999
GIB = 1024**3


class NvmlError(Exception):
    """As pynvml's NVMLError: the code is in `value`."""

    def __init__(self, value: int) -> None:
        super().__init__(f"code {value}")
        self.value = value


class Failing:
    """Stands for an answer: this error is raised instead."""

    def __init__(self, code: int) -> None:
        self.code = code


def process(pid: int, size_bytes: int | None) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=size_bytes)


def card(index: int = 0, **changes: Any) -> dict[str, Any]:
    """Return what a healthy GPU answers, by function; `changes` by short name."""
    total, used, reserved = 80 * GIB, 20 * GIB, 1 * GIB
    answers: dict[str, Any] = {
        "Name": "NVIDIA H100 80GB HBM3",
        "UUID": f"GPU-0000000{index}",
        "PciInfo": SimpleNamespace(busId=f"00000000:{0x19 + index:02X}:00.0"),
        "MigMode": Failing(NOT_SUPPORTED),
        "MemoryInfo": SimpleNamespace(used=used, total=total, free=total - used - reserved),
        "MemoryInfo_v2": SimpleNamespace(
            used=used, total=total, reserved=reserved, free=total - used - reserved
        ),
        "UtilizationRates": SimpleNamespace(gpu=93, memory=41),
        "PowerUsage": 512_345,
        "EnforcedPowerLimit": 700_000,
        "Temperature": 61,
        "TemperatureThreshold": lambda kind: {0: 92, 1: 87}[kind],
        "ClockInfo": lambda kind: {1: 1980, 2: 2619}[kind],
        "CurrentClocksEventReasons": 0,
        "ComputeRunningProcesses_v3": [],
        "GraphicsRunningProcesses_v3": [],
        "PcieThroughput": lambda counter: {0: 1000, 1: 2000}[counter],
    }
    return {**answers, **changes}


class Nvml:
    """The library, with the cards it is given."""

    NVMLError = NvmlError
    nvmlMemory_v2 = 0x02000028

    def __init__(self, *cards: Mapping[str, Any]) -> None:
        self.cards = [dict(each) for each in cards]
        self.down: int | None = None
        """The code that every call raises; None: the driver is well."""
        self.calls: Counter[str] = Counter()
        self.opened = self.closed = 0

    def _raise_when_down(self) -> None:
        if self.down is not None:
            raise NvmlError(self.down)

    def nvmlInit(self) -> None:
        self._raise_when_down()
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.closed += 1

    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"580.65.06"

    def nvmlDeviceGetCount(self) -> int:
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:
        self._raise_when_down()
        self._answer_of(self.cards[index], "Handle", ())
        return self.cards[index]

    def nvmlDeviceGetMemoryInfo(self, handle: Any, version: int | None = None) -> Any:
        return self._answer_of(handle, "MemoryInfo_v2" if version else "MemoryInfo", ())

    def nvmlDeviceGetMaxMigDeviceCount(self, _handle: Any) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: Any, index: int) -> Any:
        slices = handle.get("slices", {})
        if index not in slices:
            raise NvmlError(NOT_FOUND)
        return slices[index]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("nvmlDeviceGet"):
            raise AttributeError(name)
        short = name.removeprefix("nvmlDeviceGet")
        return lambda handle, *arguments: self._answer_of(handle, short, arguments)

    def _answer_of(self, handle: Any, short: str, arguments: tuple[Any, ...]) -> Any:
        self._raise_when_down()
        self.calls[short] += 1
        lost = handle.get("lost")
        answer = Failing(LOST) if lost else handle.get(short, Failing(FUNCTION_NOT_FOUND))
        if short == "Handle" and not lost:
            answer = handle.get(short)
        if isinstance(answer, Failing):
            raise NvmlError(answer.code)
        return answer(*arguments) if callable(answer) else answer
