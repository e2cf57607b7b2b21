"""The flame tree: host calls of all profiled steps laid over each other by their path.

Knows nested events; nothing of how a tree is drawn.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tuitrain.traces.events import HostEvent, Trace

_MOST_NODES = 4000
_DEEPEST = 120
_LEAST_SHARE = 0.0005
"""Of the root's time: below half a thousandth nothing can be seen."""
_LONGEST_NAME = 200
_HIDDEN = (
    "nn.Module: ", "tuitrain/script/", "tuitrain/tracing/",
    "torch/autograd/profiler.py",
)  # fmt: skip
"""Frames of the profile itself, and torch's own names of modules, which lack their paths."""


@dataclass(slots=True)
class _Node:
    name: str
    kind: str
    parent: "_Node | None" = None
    total_us: float = 0.0
    device_us: float = 0.0
    parts: dict[str, "_Node"] = field(default_factory=dict)

    def part(self, name: str, kind: str) -> "_Node":
        found = self.parts.get(name)
        if found is None:
            found = self.parts[name] = _Node(name, kind, self)
        return found


def build_flame(trace: Trace) -> dict[str, Any]:
    """Return the tree as nested plain data, times a step; small parts are left out."""
    root = _Node("step", "step")
    threads: list[_Node] = []
    for thread, events in trace.host.items():
        top = root
        if thread != trace.main_thread:
            if not any(event.is_work and event.in_step for event in events):
                continue  # It only waits, as the one that listens for commands does.
            threads.append(top := _Node(trace.threads.get(thread, f"thread {thread}"), "thread"))
        for event in events:
            if event.kind == "step":
                event.node = root
                root.total_us += event.duration
            elif event.in_step:
                _place(event, top)
    whole = _beside(root, threads)
    return _plain(whole, _least(whole), len(trace.steps))


def _beside(step: _Node, threads: list[_Node]) -> _Node:
    """Put the step and other threads that worked, as autograd's do on a GPU, under one root."""
    if not threads:
        return step
    for thread in threads:
        thread.total_us = sum(part.total_us for part in thread.parts.values())
    whole = _Node("all threads", "thread")
    whole.parts = {node.name: node for node in (step, *threads)}
    whole.total_us = sum(node.total_us for node in whole.parts.values())
    whole.device_us = sum(node.device_us for node in whole.parts.values())
    return whole


def _place(event: HostEvent, top: _Node) -> None:
    """Give an event its node, and its time to it; one that is hidden has the node around it."""
    around = event.parent.node if event.parent is not None else None
    around = around or top
    if event.name.startswith(_HIDDEN) or (event.parent is None and event.kind == "python"):
        event.node = around
        return
    event.node = node = around.part(event.name, event.kind)
    node.total_us += event.duration
    above: _Node | None = node
    while event.device_us and above is not None:
        above.device_us += event.device_us
        above = above.parent


def _least(root: _Node) -> float:
    """Return the time below which a node is left out: so that the tree stays within its bound."""
    times = sorted((node.total_us for node in _all(root)), reverse=True)
    return max(root.total_us * _LEAST_SHARE, times[_MOST_NODES] if len(times) > _MOST_NODES else 0)


def _all(root: _Node) -> Iterator[_Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.parts.values())


def _plain(node: _Node, least_us: float, steps: int, depth: int = 0) -> dict[str, Any]:
    parts = [part for part in node.parts.values() if part.total_us > least_us]
    parts.sort(key=lambda part: -part.total_us)
    return {
        "name": node.name[:_LONGEST_NAME],
        "kind": node.kind,
        "us": node.total_us / steps,
        "device_us": node.device_us / steps,
        "parts": [_plain(part, least_us, steps, depth + 1) for part in parts]
        if depth < _DEEPEST
        else [],
    }
