"""The digest of a trace: everything that is shown of a profile, as bounded plain data.

Puts together what the other modules find out; knows nothing of files.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from tuitrain.traces.device import describe_device
from tuitrain.traces.events import build_trace
from tuitrain.traces.flame import build_flame
from tuitrain.traces.host import describe_host
from tuitrain.traces.nesting import nest
from tuitrain.traces.store import DIGEST_FORMAT
from tuitrain.traces.tables import build_tables
from tuitrain.traces.words import largest_costs


def digest_events(name: str, events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the events of a trace say; times are microseconds a step.

    Args:
        name: of the profile.
        events: of its trace.

    Raises:
        ProfileError: the trace says nothing of steps.
    """
    trace = build_trace(events)
    nest(trace)
    tables, host, device = build_tables(trace), describe_host(trace), describe_device(trace)
    digest = {
        "format": DIGEST_FORMAT,
        "name": name,
        "steps": len(trace.steps),
        "steps_us": [step.duration for step in trace.steps],
        "window_us": trace.window_us / len(trace.steps),
        "host": host,
        "device": device,
        "tables": tables,
        "flame": build_flame(trace),
    }
    return {**digest, "summary": summarise(digest)}


def summarise(digest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what lists say of a profile."""
    device, step_us = digest["device"], digest["window_us"]
    costs = largest_costs(digest["tables"]["operator"], step_us, on_device=device is not None)
    return {
        "steps": digest["steps"],
        "step_us": step_us,
        "measure": "host" if device is None else "device",
        "idle_share": None if device is None else device["idle_share"],
        "outside_share": digest["host"]["outside_us"] / digest["host"]["step_us"],
        "costs": costs,
    }
