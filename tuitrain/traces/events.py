"""A trace in memory: what ran on the host, nested, and what ran on devices.

Knows the categories and arguments of Kineto's events; decides nothing about them.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any, Literal

from tuitrain.errors import ProfileError
from tuitrain.metric_names import MODULE_MARK, STEP_MARK

Kind = Literal["operator", "runtime", "python", "module", "step", "mark"]

_KINDS: Mapping[str, Kind] = {
    "cpu_op": "operator",
    "cuda_runtime": "runtime",
    "cuda_driver": "runtime",
    "python_function": "python",
    "user_annotation": "mark",
}
_DEVICE_KINDS = {"kernel": "kernel", "gpu_memcpy": "copy", "gpu_memset": "copy"}
_ADDRESS = re.compile(r"( of type)? object at 0x[0-9a-f]+")
_MOST_SHAPES = 4


@dataclass(slots=True, eq=False)
class HostEvent:
    """Something that took a time on a thread of the host; times are microseconds."""

    kind: Kind
    name: str
    thread: str
    start: float
    end: float
    shapes: str = ""
    called_from: str = ""
    """file:line of the call, of a python function."""
    sequence: int = -1
    """Autograd's number: a backward function has that of its forward operator."""
    is_backward: bool = False
    correlation: int = -1
    external: int = -1
    parent: "HostEvent | None" = None
    in_operator: "HostEvent | None" = None
    """The nearest operator or runtime call around it."""
    in_module: "HostEvent | None" = None
    in_python: "HostEvent | None" = None
    backward: "HostEvent | None" = None
    """The backward function that it is part of, or is."""
    in_step: bool = False
    self_us: float = 0.0
    """Without the operators inside it; of operators and runtime calls."""
    device_us: float = 0.0
    """What the device worked because of it and of nothing inside it."""
    host_bytes: int = 0
    device_bytes: int = 0
    node: Any = None
    """Its place in the flame tree."""

    @property
    def duration(self) -> float:
        """Microseconds from its begin to its end."""
        return self.end - self.start

    @property
    def is_work(self) -> bool:
        """Whether it is an operator or a call of the device's library."""
        return self.kind in ("operator", "runtime")


@dataclass(slots=True, eq=False)
class DeviceEvent:
    """A kernel or a copy."""

    kind: str
    name: str
    device: int
    stream: str
    start: float
    end: float
    correlation: int
    external: int
    bytes: int = 0
    owner: HostEvent | None = None
    """The operator that started it."""


@dataclass(slots=True)
class Trace:
    """Everything that is used of a trace."""

    host: dict[str, list[HostEvent]] = field(default_factory=dict)
    """By thread, in order of their begin, the outer ones first."""
    device: list[DeviceEvent] = field(default_factory=list)
    allocations: dict[str, list[tuple[float, int, bool]]] = field(default_factory=dict)
    """By thread: (time, bytes, on a device)."""
    threads: dict[str, str] = field(default_factory=dict)
    """Names of threads."""
    steps: list[HostEvent] = field(default_factory=list)
    windows: list[tuple[float, float]] = field(default_factory=list)
    """The time of the steps; an evaluation between two of them is in none."""

    @property
    def window_us(self) -> float:
        """Microseconds in all windows."""
        return sum(end - start for start, end in self.windows)

    def is_in_step(self, time_us: float) -> bool:
        """Say whether a moment lies within a step."""
        place = bisect_right(self.steps, time_us, key=lambda step: step.start) - 1
        return place >= 0 and time_us < self.steps[place].end

    @property
    def main_thread(self) -> str:
        """The thread that takes the steps."""
        return self.steps[0].thread


def build_trace(events: Iterable[Mapping[str, Any]]) -> Trace:
    """Sort events into a trace, nested, with its steps found.

    Raises:
        ProfileError: there is no step in it, or an event lacks what it must have.
    """
    trace = Trace()
    try:
        for event in events:
            _take(trace, event)
    except (KeyError, TypeError, ValueError) as error:
        raise ProfileError(f"the trace has an event that can't be understood: {error}") from error
    for found in trace.host.values():
        found.sort(key=lambda event: (event.start, -event.end))
    trace.steps = sorted(
        (event for found in trace.host.values() for event in found if event.kind == "step"),
        key=lambda step: step.start,
    )
    if not trace.steps:
        raise ProfileError("the trace holds no step: nothing in it is marked as ProfilerStep")
    trace.windows = _windows(trace.steps)
    return trace


def _take(trace: Trace, event: Mapping[str, Any]) -> None:
    phase, category = event.get("ph"), str(event.get("cat", ""))
    if phase == "X" and category in _KINDS:
        found = _host_event(event, _KINDS[category])
        trace.host.setdefault(found.thread, []).append(found)
    elif phase == "X" and category in _DEVICE_KINDS:
        trace.device.append(_device_event(event, _DEVICE_KINDS[category]))
    elif phase == "i" and event.get("name") == "[memory]":
        given = event["args"]
        if given["Bytes"] > 0:
            at = (float(event["ts"]), int(given["Bytes"]), int(given["Device Type"]) != 0)
            trace.allocations.setdefault(str(event["tid"]), []).append(at)
    elif phase == "M" and event.get("name") == "thread_name":
        trace.threads[str(event["tid"])] = str(event["args"]["name"])


def _host_event(event: Mapping[str, Any], kind: Kind) -> HostEvent:
    given = event.get("args", {})
    name, start = str(event["name"]), float(event["ts"])
    if kind == "mark" and name.startswith(STEP_MARK):
        kind = "step"
    elif kind == "mark" and name.startswith(MODULE_MARK):
        kind, name = "module", name[len(MODULE_MARK) :]
    elif kind == "python":
        name = _ADDRESS.sub("", name)
    forward_thread = int(given.get("Fwd thread id", 0))
    return HostEvent(
        kind,
        intern(name),
        intern(str(event["tid"])),
        start,
        start + float(event.get("dur", 0.0)),
        shapes=intern(_shapes(given.get("Input Dims"))),
        called_from=intern(str(given.get("CallFrom", ""))),
        sequence=int(given.get("Sequence number", -1)),
        is_backward=kind == "operator" and forward_thread > 0,
        correlation=int(given.get("correlation", -1)),
        external=int(given.get("External id", -1)),
    )


def _device_event(event: Mapping[str, Any], kind: str) -> DeviceEvent:
    given = event.get("args", {})
    start = float(event["ts"])
    return DeviceEvent(
        kind,
        intern(str(event["name"])),
        int(given.get("device", 0)),
        str(given.get("stream", event.get("tid", ""))),
        start,
        start + float(event.get("dur", 0.0)),
        int(given.get("correlation", -1)),
        int(given.get("External id", -1)),
        int(given.get("bytes", 0)),
    )


def _shapes(dims: Any) -> str:
    """Return the sizes of an operator's tensors: `64x1x8x8, 32x1x3x3`."""
    if not isinstance(dims, list):
        return ""
    sizes = [
        "x".join(map(str, size))
        for size in dims
        if isinstance(size, list) and size and all(isinstance(each, int) for each in size)
    ]
    more = ", ..." if len(sizes) > _MOST_SHAPES else ""
    return ", ".join(sizes[:_MOST_SHAPES]) + more


def _windows(steps: list[HostEvent]) -> list[tuple[float, float]]:
    """Return the spans of steps that follow each other.

    Between two steps values are read and sent, which is part of training; a pause longer than a
    usual step is an evaluation, a checkpoint or a hold, which is not.
    """
    usual = sorted(step.duration for step in steps)[len(steps) // 2]
    windows = [(steps[0].start, steps[0].end)]
    for step in steps[1:]:
        start, end = windows[-1]
        if step.start - end <= usual:
            windows[-1] = (start, max(end, step.end))
        else:
            windows.append((step.start, step.end))
    return windows
