"""Rules on the machine: GPUs held down or hot, a disk or /dev/shm nearly full.

Knows readings by name; what is not read is not judged.
"""

from collections.abc import Iterable, Iterator, Mapping

from tuitrain.alerts.rule import Hysteresis, Rule
from tuitrain.config.schema import AlertsSection
from tuitrain.messages import CheckpointSaved, Event
from tuitrain.units import rough_size, rough_time

_GIB = 1024.0**3
_HOT_S = 10.0
_COOLER_C = 5.0
"""A GPU is no longer hot once it is so much below the limit."""
_SETTLED_S = 5.0
"""A disk that is full for less than this was so in passing."""
_CHECKPOINTS = 2
"""Room that a disk must have, in checkpoints: a new one is there before an old one goes."""


def gpu_names(readings: Mapping[str, float], reading: str) -> Iterator[tuple[str, float]]:
    """Yield (`gpu0`, value) for every GPU that has this reading."""
    for name, value in readings.items():
        device, _, what = name.partition("/")
        if what == reading and device.startswith("gpu"):
            yield device, value


def _called(device: str) -> str:
    return f"GPU {device.removeprefix('gpu')}"


class Throttled(Rule):
    """A GPU's clock is held down for heat or power."""

    def __init__(self, settings: AlertsSection) -> None:
        self._after_s = settings.throttled_s
        self._episodes: dict[str, Hysteresis] = {}

    def read(self, time_s: float, readings: Mapping[str, float]) -> Iterator[str]:
        """Look at each GPU."""
        for device, value in gpu_names(readings, "throttled"):
            episode = self._episodes.setdefault(device, Hysteresis(self._after_s))
            if episode.begins(time_s, value > 0):
                yield (
                    f"{_called(device)} has been throttled for {rough_time(self._after_s)}: "
                    f"its clock is reduced because of heat or power{self._facts(device, readings)}"
                )

    def _facts(self, device: str, readings: Mapping[str, float]) -> str:
        units = {"temperature_c": "C", "power_w": "W", "sm_clock_mhz": "MHz"}
        found = [
            f"{readings[f'{device}/{name}']:.0f} {unit}"
            for name, unit in units.items()
            if f"{device}/{name}" in readings
        ]
        return f" ({', '.join(found)})" if found else ""


class Hot(Rule):
    """A GPU is too hot."""

    def __init__(self, settings: AlertsSection) -> None:
        self._limit_c = settings.hot_c
        self._episodes: dict[str, Hysteresis] = {}

    def read(self, time_s: float, readings: Mapping[str, float]) -> Iterator[str]:
        """Look at each GPU."""
        for device, celsius in gpu_names(readings, "temperature_c"):
            episode = self._episodes.setdefault(device, Hysteresis(_HOT_S))
            limit_c = self._limit_c - _COOLER_C if episode.under_way else self._limit_c
            if episode.begins(time_s, celsius >= limit_c):
                yield (
                    f"{_called(device)} is hot: {celsius:.0f} C, the limit is {self._limit_c:g} C"
                )


class Disk(Rule):
    """The disk that the run is recorded on is nearly full."""

    def __init__(self, settings: AlertsSection) -> None:
        self._least_bytes = settings.disk_free_gib * _GIB
        self._least_share = settings.disk_free_share
        self._checkpoint_bytes = 0
        self._episode = Hysteresis(_SETTLED_S)

    def take(self, event: Event) -> Iterable[str]:
        """Note how much a checkpoint takes."""
        if isinstance(event, CheckpointSaved):
            self._checkpoint_bytes = event.size_bytes
        return ()

    def read(self, time_s: float, readings: Mapping[str, float]) -> Iterable[str]:
        """Look at the free space."""
        free, total = readings.get("host/disk_free_bytes"), readings.get("host/disk_total_bytes")
        if free is None:
            return ()
        least = max(self._wanted(), self._least_share * (total or 0.0))
        # It is over only once there is clearly more.
        limit = 1.1 * least if self._episode.under_way else least
        if not self._episode.begins(time_s, free < limit):
            return ()
        of_total = f" of {rough_size(total)}" if total else ""
        return (
            f"the run's disk is nearly full: {rough_size(free)}{of_total} free; {self._advice()}",
        )

    def _wanted(self) -> float:
        return max(self._least_bytes, _CHECKPOINTS * self._checkpoint_bytes)

    def _advice(self) -> str:
        if not self._checkpoint_bytes:
            return "training pauses when it is full"
        takes = rough_size(self._checkpoint_bytes)
        return f"a checkpoint takes {takes}, and training pauses without room"


class SharedMemory(Rule):
    """/dev/shm, through which loader workers hand over batches, is nearly full."""

    def __init__(self, settings: AlertsSection) -> None:
        self._share = settings.shm_share
        self._episode = Hysteresis(_SETTLED_S)

    def read(self, time_s: float, readings: Mapping[str, float]) -> Iterable[str]:
        """Look at it while there are loader workers."""
        used, total = readings.get("host/shm_used_bytes"), readings.get("host/shm_total_bytes")
        if used is None or not total or not readings.get("host/loaders"):
            return ()
        limit = (0.95 if self._episode.under_way else 1.0) * self._share
        if not self._episode.begins(time_s, used >= limit * total):
            return ()
        return (
            f"/dev/shm is nearly full: {rough_size(used)} of {rough_size(total)}; loader workers "
            "die when it is: fewer data.workers, or docker run --shm-size",
        )
