"""The rule on creep: memory of the worker or the device that grows step on step.

Knows readings and steps. A saw-tooth of garbage collection, a cache that fills at the start and
single jumps are no creep: what counts is the least reading of each part of a window, and that it
rises from part to part.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import median

from tuitrain.alerts.devices import gpu_names
from tuitrain.alerts.rule import Rule, RunStatus
from tuitrain.config.schema import AlertsSection
from tuitrain.messages import Event, WorkerMeasured
from tuitrain.units import rough_size, rough_time

_PARTS = 8
"""At the default window 38 s each: python's garbage is collected every 30 s."""
_LEAST_BYTES = 16 * 1024**2
"""Growth over a window that is never worth a word."""
_OVER = 0.25
"""It is over once memory grows by less than this part of what was told."""


@dataclass(frozen=True, slots=True)
class Low:
    """The least reading of one part of the window."""

    time_s: float
    step: int
    value: float


class Track:
    """One amount of memory over time."""

    def __init__(self, window_s: float) -> None:
        self._part_s = window_s / _PARTS
        self._lows: deque[Low] = deque(maxlen=_PARTS)
        self._begun: Low | None = None
        self._part_begun_s = 0.0
        self.first = 0.0
        """The least reading of the first part ever."""

    def add(self, time_s: float, step: int, value: float) -> bool:
        """Take in a reading; return whether a part is complete with it."""
        here = Low(time_s, step, value)
        if self._begun is None:
            self._begun, self._part_begun_s = here, time_s
            return False
        if time_s - self._part_begun_s < self._part_s:
            self._begun = min(self._begun, here, key=lambda low: low.value)
            return False
        if not self._lows and not self.first:
            self.first = self._begun.value
        self._lows.append(self._begun)
        self._begun, self._part_begun_s = here, time_s
        return True

    @property
    def growth_per_s(self) -> float:
        """The median of the slopes between all parts (Theil-Sen)."""
        return median(
            (b.value - a.value) / max(1e-9, b.time_s - a.time_s)
            for a, b in combinations(self._lows, 2)
        )

    @property
    def steps_per_s(self) -> float:
        """How fast steps were taken meanwhile."""
        a, b = self._lows[0], self._lows[-1]
        return (b.step - a.step) / max(1e-9, b.time_s - a.time_s)

    @property
    def is_full(self) -> bool:
        """Whether the whole window was seen."""
        return len(self._lows) == _PARTS

    @property
    def is_steady(self) -> bool:
        """Whether every part's least reading is above the one's before, by a worthwhile sum."""
        grown = self._lows[-1].value - self._lows[0].value
        return grown >= _LEAST_BYTES and all(b.value > a.value for a, b in pairwise(self._lows))


class Creep(Rule):
    """Memory grows steadily and would be full before long, or has taken much already."""

    def __init__(self, settings: AlertsSection, status: RunStatus) -> None:
        self._settings = settings
        self._status = status
        self._tracks: dict[str, Track] = {}
        self._raised: dict[str, float] = {}
        """What grows, and by how many bytes a second when that was told."""
        self._readings: dict[str, float] = {}
        self._since = 0.0

    def take(self, event: Event) -> Iterable[str]:
        """Take in the worker's own readings."""
        if isinstance(event, WorkerMeasured):
            return self.read(event.time, event.readings)
        return ()

    def read(self, time_s: float, readings: Mapping[str, float]) -> Iterator[str]:
        """Look at what may grow."""
        self._readings.update(readings)
        status = self._status
        if not status.running or status.running_since != self._since:
            # A pause: what was seen before it is not one piece with what comes after.
            self._tracks.clear()
            self._since = status.running_since
        if not status.running or time_s - self._since < self._settings.creep_warmup_s:
            return
        for name in _watched(readings):
            track = self._tracks.setdefault(name, Track(self._settings.creep_window_s))
            if track.add(time_s, status.step, readings[name]) and track.is_full:
                yield from self._judge(name, track, readings[name])

    def _judge(self, name: str, track: Track, value: float) -> Iterable[str]:
        slope = track.growth_per_s
        if name in self._raised:
            if slope < _OVER * self._raised[name]:
                del self._raised[name]
            return ()
        limits = self._limits(name)
        if limits is None or not track.is_steady or slope <= 0 or self._is_told(name):
            return ()
        free, total = limits
        left_s, lost = free / slope, value - track.first
        soon = left_s < self._settings.creep_hours * 3600
        if not soon and lost < self._settings.creep_share * total:
            return ()
        self._raised[name] = slope
        return (self._text(name, track, left_s),)

    def _is_told(self, name: str) -> bool:
        """Two readings of a device's memory grow together: one of them is told."""
        on_device = not name.startswith("host/")
        return on_device and any(not told.startswith("host/") for told in self._raised)

    def _limits(self, name: str) -> tuple[float, float] | None:
        """Return what is free of the memory that `name` is part of, and all of it."""
        device = "host" if name.startswith("host/") else name.partition("/")[0]
        if device == "torch":
            device = self._trained_on()
        used = self._readings.get(f"{device}/memory_used_bytes")
        total = self._readings.get(f"{device}/memory_total_bytes")
        return None if used is None or total is None else (max(0.0, total - used), total)

    def _trained_on(self) -> str:
        """Return the GPU that the worker uses; torch's readings do not name it."""
        using = [name for name, value in gpu_names(self._readings, "worker_bytes") if value > 0]
        there = [name for name, _ in gpu_names(self._readings, "memory_total_bytes")]
        candidates = using or there
        return candidates[0] if len(candidates) == 1 else ""

    def _text(self, name: str, track: Track, left_s: float) -> str:
        slope, speed = track.growth_per_s, track.steps_per_s
        whose = "host memory of the worker" if name.startswith("host/") else "device memory"
        a_step = f"{rough_size(slope / speed)} a step ({rough_size(slope * 60)} a minute)"
        grows = a_step if speed > 0 else f"{rough_size(slope * 60)} a minute"
        return f"{whose} grows by {grows}: full in {rough_time(left_s)}"


def _watched(readings: Mapping[str, float]) -> Iterator[str]:
    for name in ("host/worker_rss_bytes", "torch/allocated_bytes"):
        if name in readings:
            yield name
    for device, _value in gpu_names(readings, "worker_bytes"):
        yield f"{device}/worker_bytes"
