"""How the host's time in the profiled steps splits: operators and what is outside them.

Knows nested events; nothing of tables.
"""

from typing import Any

from tuitrain.traces.events import HostEvent, Trace


def describe_host(trace: Trace) -> dict[str, Any]:
    """Return the shares of the time, and what each thread had of it."""
    main_us = _operators_us(trace.host[trace.main_thread])
    steps = len(trace.steps)
    return {
        "step_us": sum(step.duration for step in trace.steps) / steps,
        "between_us": (trace.window_us - sum(step.duration for step in trace.steps)) / steps,
        "operators_us": main_us / steps,
        "outside_us": (sum(step.duration for step in trace.steps) - main_us) / steps,
        "threads": [
            {
                "name": trace.threads.get(thread, f"thread {thread}"),
                "operators_us": _operators_us(events) / steps,
                "main": thread == trace.main_thread,
            }
            for thread, events in sorted(trace.host.items())
        ],
    }


def _operators_us(events: list[HostEvent]) -> float:
    """Return the time in operators that no other one contains."""
    return sum(
        event.duration
        for event in events
        if event.is_work and event.in_step and event.in_operator is None
    )
