"""One NVIDIA GPU: its readings, and what is known of it in words, by NVML's functions.

Knows NVML; nothing of how the library is opened, or of runs.
"""

from collections.abc import Collection
from typing import Any

from tuitrain.telemetry.driver import Driver, Refusal, text_of
from tuitrain.telemetry.owners import Owners

_GPU_SENSOR = 0
_SLOWDOWN = 1
"""The temperature from which on the hardware slows its clocks down."""
_SM_CLOCK, _MEMORY_CLOCK = 1, 2
_PCIE_SENT, _PCIE_RECEIVED = 0, 1
"""Of NVML's enumerations, which are its binary interface and don't change."""

_REFUSALS: dict[int, tuple[Refusal, str]] = {
    1: ("gone", "the driver was unloaded"),
    2: ("absent", ""),
    3: ("absent", ""),
    4: ("refused", ""),
    9: ("gone", "the driver is not loaded"),
    12: ("gone", "the driver's library is not installed"),
    13: ("absent", ""),
    15: ("lost", "the GPU is lost: it fell off the bus; reboot or reset it"),
    16: ("lost", "the GPU needs a reset before it can be used"),
    18: ("gone", "the driver was updated: its library and kernel module differ; reboot"),
    25: ("absent", ""),
    26: ("absent", ""),
}
"""By NVML's return code; any other may pass by itself."""
LIBRARY_NOT_FOUND = 12

_THROTTLES = (
    (0x02, False, "clocks set by the administrator"),
    (0x04, True, "power limit"),
    (0x08, True, "hardware slowdown"),
    (0x10, False, "kept in step with other GPUs"),
    (0x20, True, "too hot"),
    (0x40, True, "too hot (hardware)"),
    (0x80, True, "power brake"),
    (0x100, False, "display clocks"),
    (0x200, True, "board limit"),
    (0x400, True, "voltage limit"),
)
"""Bit, whether it is for heat or power, and in words; bit 1 is an idle GPU."""

_THROTTLE_CALLS = (
    "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetCurrentClocksThrottleReasons",
)
_PROCESS_CALLS = tuple(
    tuple(f"nvmlDeviceGet{kind}RunningProcesses{version}" for version in ("_v3", "_v2"))
    for kind in ("Compute", "Graphics")
)


def judge(error: Exception) -> tuple[Refusal, str]:
    """Say what kind of refusal an NVMLError is."""
    return _REFUSALS.get(getattr(error, "value", -1), ("unknown", ""))


def throttle_words(bits: int) -> list[str]:
    """Say what holds the clocks down."""
    return [words for bit, _for_heat_or_power, words in _THROTTLES if bits & bit]


def is_throttled(bits: int) -> bool:
    """Say whether the clocks are held down for heat or power."""
    return any(bits & bit for bit, for_heat_or_power, _words in _THROTTLES if for_heat_or_power)


class Memory:
    """Reads the memory of a GPU, or of a slice of one, and who uses it."""

    def __init__(self, driver: Driver, key: object, handle: Any, version: int | None) -> None:
        """Begin; `version` is that of the memory call that tells the driver's own part apart."""
        self._driver = driver
        self._key = key
        self._handle = handle
        self._version = version
        self.processes: list[dict[str, Any]] = []
        self.note = ""

    def read(self) -> dict[str, float]:
        """Return used, total and, of a driver that tells, reserved memory.

        Raises:
            GpuLostError: the GPU does not answer any more.
            DriverGoneError: the driver does not.
        """
        name, about = "nvmlDeviceGetMemoryInfo", "memory"
        answer = None
        if self._version is not None:
            answer = self._driver.ask(self._key, name, self._handle, self._version, about=about)
        if answer is not None:
            return {**_sizes(answer), "memory_reserved_bytes": float(answer.reserved)}
        answer = self._driver.ask(self._key, name, self._handle, about=about)
        return {} if answer is None else _sizes(answer)

    def share(self, owners: Owners, family: Collection[int]) -> dict[str, float]:
        """Return what the worker's processes use and what others do, as far as that is told.

        Raises:
            GpuLostError: the GPU does not answer any more.
            DriverGoneError: the driver does not.
        """
        memory = self._process_memory()
        if memory is None:
            self.processes = []
            return {}
        known = owners.can_tell(memory)
        self.note = "" if known else "in a container: processes can't be told apart"
        self.processes = owners.describe(memory, family, known=known)
        return shares(self.processes) if known else {}

    def _process_memory(self) -> dict[int, int | None] | None:
        """Return each process's memory; one that computes and draws is in both lists, whole."""
        found: dict[int, int | None] = {}
        told = False
        for names in _PROCESS_CALLS:
            rows = self._driver.first(self._key, names, self._handle, about="processes")
            told |= rows is not None
            for row in rows or ():
                size, before = row.usedGpuMemory, found.get(row.pid)
                found[row.pid] = before if size is None else max(int(size), before or 0)
        return found if told else None


def shares(processes: list[dict[str, Any]]) -> dict[str, float]:
    """Return the sums over the worker's processes and the others; none with a size not told."""
    found = {}
    for name, mine in (("worker_bytes", True), ("others_bytes", False)):
        sizes = [row["bytes"] for row in processes if row["is_worker"] is mine]
        if None not in sizes:
            found[name] = float(sum(sizes))
    return found


def _sizes(answer: Any) -> dict[str, float]:
    return {
        "memory_used_bytes": float(answer.used),
        "memory_total_bytes": float(answer.total),
    }


class NvidiaGpu:
    """Reads one GPU and its slices (MIG)."""

    def __init__(self, driver: Driver, index: int, handle: Any, version: int | None) -> None:
        """Look at what does not change.

        Raises:
            GpuLostError: the GPU does not answer any more.
            DriverGoneError: the driver does not.
        """
        self._driver = driver
        self._index = index
        self._handle = handle
        self._version = version
        self._memory = Memory(driver, index, handle, version)
        self._throttle_bits = 0
        self._slices: list[tuple[dict[str, Any], Memory]] = []
        self._names = {
            "name": text_of(driver.ask(index, "nvmlDeviceGetName", handle)) or f"GPU {index}",
            "uuid": text_of(driver.ask(index, "nvmlDeviceGetUUID", handle)),
            "pci": _bus_id(driver.ask(index, "nvmlDeviceGetPciInfo", handle)),
            "temperature_limit_c": driver.ask(
                index, "nvmlDeviceGetTemperatureThreshold", handle, _SLOWDOWN
            ),
        }
        self._mig = False
        self.look_for_slices()

    def look_for_slices(self) -> None:
        """Look at which slices there are: an administrator may make others at any time.

        Raises:
            GpuLostError: the GPU does not answer any more.
            DriverGoneError: the driver does not.
        """
        ask, index = self._driver.ask, self._index
        modes = ask(index, "nvmlDeviceGetMigMode", self._handle)
        self._mig = bool(modes and modes[0])
        most = ask(index, "nvmlDeviceGetMaxMigDeviceCount", self._handle) if self._mig else 0
        self._slices = []
        for number in range(most or 0):
            key = (index, number)
            # A place without a slice is "not found", which any later look may find.
            handle = ask(key, "nvmlDeviceGetMigDeviceHandleByIndex", self._handle, number)
            if handle is not None:
                name = text_of(ask(key, "nvmlDeviceGetName", handle)) or ""
                facts = {
                    "index": number,
                    "name": name,
                    "profile": name.partition("MIG ")[2] or name,
                    "uuid": text_of(ask(key, "nvmlDeviceGetUUID", handle)),
                }
                self._slices.append((facts, Memory(self._driver, key, handle, self._version)))

    def read(self, owners: Owners | None, family: Collection[int]) -> dict[str, float]:
        """Return the readings; of processes only where `owners` is given.

        Raises:
            GpuLostError: the GPU does not answer any more.
            DriverGoneError: the driver does not.
        """
        found = {**self._memory.read(), **self._activity(), **self._clocks()}
        if owners is not None:
            found |= self._memory.share(owners, family)
        for facts, memory in self._slices:
            own = memory.read()
            if owners is not None:
                own |= memory.share(owners, family)
            found |= {f"mig{facts['index']}/{name}": value for name, value in own.items()}
        return found

    def _activity(self) -> dict[str, float]:
        ask, index, handle = self._driver.ask, self._index, self._handle
        found: dict[str, float | None] = {}
        # There is no such reading of a GPU that is cut into slices, nor of a slice.
        rates = None if self._mig else ask(index, "nvmlDeviceGetUtilizationRates", handle)
        if rates is not None:
            found["utilization_percent"] = rates.gpu
            found["memory_utilization_percent"] = getattr(rates, "memory", None)
        found["power_w"] = _thousandth(ask(index, "nvmlDeviceGetPowerUsage", handle))
        found["power_limit_w"] = _thousandth(ask(index, "nvmlDeviceGetEnforcedPowerLimit", handle))
        found["temperature_c"] = ask(index, "nvmlDeviceGetTemperature", handle, _GPU_SENSOR)
        return _known(found)

    def _clocks(self) -> dict[str, float]:
        ask, index, handle = self._driver.ask, self._index, self._handle
        bits = self._driver.first(index, _THROTTLE_CALLS, handle, about="throttle reasons")
        self._throttle_bits = bits or 0
        return _known(
            {
                "sm_clock_mhz": ask(index, "nvmlDeviceGetClockInfo", handle, _SM_CLOCK),
                "memory_clock_mhz": ask(index, "nvmlDeviceGetClockInfo", handle, _MEMORY_CLOCK),
                "throttled": None if bits is None else is_throttled(bits),
            }
        )

    def read_pcie(self) -> dict[str, float]:
        """Return bytes a second over PCIe; NVML counts for 20 ms each way before it answers.

        Raises:
            GpuLostError: the GPU does not answer any more.
            DriverGoneError: the driver does not.
        """
        name = "nvmlDeviceGetPcieThroughput"
        sent = self._driver.ask(self._index, name, self._handle, _PCIE_SENT)
        received = self._driver.ask(self._index, name, self._handle, _PCIE_RECEIVED)
        return _known(
            {
                "pcie_tx_bytes_per_s": None if sent is None else sent * 1000,
                "pcie_rx_bytes_per_s": None if received is None else received * 1000,
            }
        )

    def facts(self) -> dict[str, Any]:
        """Return what is known beside the readings, as plain data."""
        slices = [{**facts, "processes": memory.processes} for facts, memory in self._slices]
        processes = self._memory.processes
        if slices and not processes:
            processes = [row for part in slices for row in part["processes"]]
        notes = [memory.note for memory in (self._memory, *(part for _, part in self._slices))]
        keys = [self._index, *((self._index, facts["index"]) for facts, _ in self._slices)]
        errors = [error for key in keys for error in self._driver.refusals(key)]
        return {
            "index": self._index,
            **self._names,
            "mig": slices if self._mig else None,
            "throttle": throttle_words(self._throttle_bits),
            "processes": processes,
            "errors": list(dict.fromkeys([*errors, *filter(None, notes)])),
        }


def _bus_id(answer: Any) -> str | None:
    return None if answer is None else text_of(answer.busId)


def _thousandth(milli: float | None) -> float | None:
    return None if milli is None else milli / 1000


def _known(found: dict[str, float | None]) -> dict[str, float]:
    return {name: float(value) for name, value in found.items() if value is not None}
