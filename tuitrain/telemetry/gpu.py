"""GPUs through NVML: needs no CUDA context, so it takes no GPU memory.

Opens the driver and opens it anew when it was reloaded; knows nothing of runs or queues.
"""

import ctypes
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from tuitrain.telemetry.driver import Driver, DriverGoneError, GpuLostError, text_of
from tuitrain.telemetry.nvidia import LIBRARY_NOT_FOUND, NvidiaGpu, judge
from tuitrain.telemetry.owners import Owners

_RETRY_S = 10.0
"""After so long a driver that went, or a GPU that was lost, is asked again."""
_SLICES_S = 30.0
_PCIE_EVERY = 10
"""One GPU's PCIe is read with every tenth reading: it takes 40 ms, which is then 0.4 % of the
time at one reading a second, however many GPUs there are."""


def find_nvml() -> Any:
    """Return pynvml, which takes 3 MB; None on a machine without NVIDIA's driver."""
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return None
    import pynvml

    return pynvml


class GpuSampler:
    """Reads every NVIDIA GPU; reads nothing where there is no driver."""

    def __init__(
        self,
        nvml: Any = None,
        owners: Owners | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the driver.

        Args:
            nvml: a module with pynvml's functions; None: pynvml itself, where there is a driver.
            owners: tells whose processes are on a GPU; None: processes are not read.
            clock: seconds, for when to try again.
        """
        self._nvml = nvml or find_nvml()
        self._owners = owners
        self._clock = clock
        self._gpus: dict[int, NvidiaGpu] = {}
        self._lost: dict[int, tuple[str, float]] = {}
        self._last_facts: dict[int, dict[str, Any]] = {}
        self._count = self._readings = 0
        self._pcie: dict[int, dict[str, float]] = {}
        self._is_open = False
        self._trouble = self._version = ""
        self._retry_at = self._slices_at = 0.0
        if self._nvml is None:
            self._retry_at = float("inf")
        else:
            self._open()

    # --- the driver -----------------------------------------------------------------------------

    def _open(self) -> None:
        self._retry_at = self._clock() + _RETRY_S
        self._driver = Driver(self._nvml, self._nvml.NVMLError, judge)
        try:
            self._nvml.nvmlInit()
            self._is_open = True
            self._count = self._nvml.nvmlDeviceGetCount()
        except self._nvml.NVMLError as error:
            self._fail(error)
            return
        self._trouble = ""
        self._slices_at = self._clock() + _SLICES_S
        try:
            version = self._driver.ask(None, "nvmlSystemGetDriverVersion")
            self._version = text_of(version) or ""
            for index in range(self._count):
                self._add(index)
        except DriverGoneError as error:
            self._close(str(error))

    def _fail(self, error: Exception) -> None:
        if getattr(error, "value", None) == LIBRARY_NOT_FOUND:
            # A machine without NVIDIA GPUs: nothing is missing there.
            self._retry_at = float("inf")
        else:
            words = judge(error)[1] or f"the driver refuses: {error}"
            self._close(words)

    def _add(self, index: int) -> None:
        self._gpus.pop(index, None)
        self._lost.pop(index, None)
        version = getattr(self._nvml, "nvmlMemory_v2", None)
        try:
            handle = self._driver.ask(index, "nvmlDeviceGetHandleByIndex", index, about="this GPU")
            if handle is None:
                raise GpuLostError("; ".join(self._driver.refusals(index)) or "it can't be opened")
            self._gpus[index] = NvidiaGpu(self._driver, index, handle, version)
        except GpuLostError as error:
            self._lose(index, str(error))

    def _lose(self, index: int, why: str) -> None:
        gpu = self._gpus.pop(index, None)
        if gpu is not None:
            self._last_facts[index] = gpu.facts()
        self._pcie.pop(index, None)
        self._lost[index] = (why, self._clock() + _RETRY_S)

    def _close(self, why: str = "") -> None:
        """Let go of the driver; with a reason, to open it anew later."""
        self._gpus.clear()
        self._pcie.clear()
        self._trouble = why
        self._retry_at = self._clock() + _RETRY_S
        if self._is_open:
            self._is_open = False
            try:
                self._nvml.nvmlShutdown()
            except self._nvml.NVMLError:
                # A driver that went has shut itself down.
                return

    def close(self) -> None:
        """Let go of the driver."""
        self._close()
        self._retry_at = float("inf")

    # --- readings -------------------------------------------------------------------------------

    def read(self, family: Collection[int] = ()) -> Mapping[str, float]:
        """Return readings by name, `gpu0/...`; what a driver does not tell is left out.

        Args:
            family: the worker's processes.
        """
        if not self._is_open and self._clock() >= self._retry_at:
            self._open()
        if not self._is_open:
            return {}
        readings: dict[str, float] = {}
        try:
            self._look_again()
            for index in list(self._gpus):
                found = self._read_one(index, family)
                readings |= {f"gpu{index}/{name}": value for name, value in found.items()}
        except DriverGoneError as error:
            self._close(str(error))
        self._readings += 1
        return readings

    def _look_again(self) -> None:
        now = self._clock()
        for index, (_why, retry_at) in list(self._lost.items()):
            if now >= retry_at:
                self._add(index)
        if now >= self._slices_at:
            self._slices_at = now + _SLICES_S
            for index, gpu in list(self._gpus.items()):
                self._trying(index, gpu.look_for_slices)

    def _trying(self, index: int, look: Callable[[], Any]) -> Any:
        try:
            return look()
        except GpuLostError as error:
            self._lose(index, str(error))
            return None

    def _read_one(self, index: int, family: Collection[int]) -> dict[str, float]:
        gpu = self._gpus[index]
        found = self._trying(index, lambda: gpu.read(self._owners, family))
        if found is None:
            return {}
        turn, rest = divmod(self._readings, _PCIE_EVERY)
        if self._owners is not None and not rest and turn % max(1, self._count) == index:
            self._pcie[index] = self._trying(index, gpu.read_pcie) or {}
        return {**found, **self._pcie.get(index, {})}

    # --- facts ----------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """Return what is known of the GPUs beside their readings, as plain data.

        `driver`, its version; `trouble`, why it can't be asked, empty where it can; `gpus`, each
        with index, name, uuid, pci, mig (None, or its slices with index, name, profile, uuid and
        processes), throttle (reasons in words), processes (pid, user, command, bytes, is_worker;
        None for what is not told), and errors in words. A lost GPU stays, with the error.
        """
        for index, gpu in self._gpus.items():
            self._last_facts[index] = gpu.facts()
        if self._owners is not None:
            self._owners.forget_all_but(
                row["pid"] for facts in self._last_facts.values() for row in facts["processes"]
            )
        gpus = [self._facts_of(index) for index in range(self._count)]
        return {"driver": self._version, "trouble": self._trouble, "gpus": gpus}

    def _facts_of(self, index: int) -> dict[str, Any]:
        if index in self._gpus:
            return self._last_facts[index]
        nothing = {"index": index, "name": f"GPU {index}", "uuid": None, "pci": None}
        why = self._lost[index][0] if index in self._lost else self._trouble
        return {
            **nothing,
            **self._last_facts.get(index, {}),
            "mig": None,
            "throttle": [],
            "processes": [],
            "errors": [why],
        }
