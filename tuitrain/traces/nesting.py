"""Who ran inside what, on whose behalf, and how long by itself.

Works on a trace's events in place; knows nothing of tables.
"""

from bisect import bisect_right

from tuitrain.traces.events import DeviceEvent, HostEvent, Trace

_ROUNDING_US = 0.01
"""Clocks are rounded to a nanosecond: a child may seem to end after its parent."""


def nest(trace: Trace) -> None:
    """Fill in what an event is part of, its time by itself, and what it allocated and started."""
    _cut_at_steps(trace)
    for thread, events in trace.host.items():
        _nest_thread(trace, events)
        _place_allocations(events, trace.allocations.get(thread, []))
    _place_device_events(trace)


def _cut_at_steps(trace: Trace) -> None:
    """End what began in a step with it: a script's step ends in the middle of its optimizer's."""
    begins = [step.start for step in trace.steps]
    for event in trace.host.get(trace.steps[0].thread, ()):
        place = bisect_right(begins, event.start) - 1
        if place >= 0 and event.kind != "step":
            end = trace.steps[place].end
            if event.start < end < event.end - _ROUNDING_US:
                event.end = end


def _nest_thread(trace: Trace, events: list[HostEvent]) -> None:
    around: list[HostEvent] = []
    for event in events:
        # A mark begins within the python call that sets it and outlasts it: the call is left then.
        while around and (
            around[-1].end <= event.start or around[-1].end < event.end - _ROUNDING_US
        ):
            around.pop()
        parent = around[-1] if around else None
        if parent is not None:
            _put_inside(event, parent)
        event.in_step = trace.is_in_step(event.start)
        if event.is_work:
            _count_self(event)
        if event.is_backward and event.backward is None:
            event.backward = event
        around.append(event)


def _put_inside(event: HostEvent, parent: HostEvent) -> None:
    event.parent = parent
    event.end = min(event.end, parent.end)
    event.in_operator = parent if parent.is_work else parent.in_operator
    event.in_module = parent if parent.kind == "module" else parent.in_module
    event.in_python = parent if parent.kind == "python" else parent.in_python
    event.backward = parent.backward


def _count_self(event: HostEvent) -> None:
    event.self_us = event.duration
    if event.in_operator is not None:
        event.in_operator.self_us -= event.duration


def _place_allocations(events: list[HostEvent], allocations: list[tuple[float, int, bool]]) -> None:
    """Give each allocation to the innermost operator at that moment."""
    work = [event for event in events if event.is_work]
    for time_us, size_bytes, on_device in allocations:
        owner = _around(work, time_us)
        if owner is None:
            continue
        if on_device:
            owner.device_bytes += size_bytes
        else:
            owner.host_bytes += size_bytes


def _around(work: list[HostEvent], time_us: float) -> HostEvent | None:
    """Return the innermost of nested events at a moment."""
    place = bisect_right(work, time_us, key=lambda event: event.start) - 1
    event = work[place] if place >= 0 else None
    while event is not None and event.end < time_us:
        event = event.in_operator
    return event


def _place_device_events(trace: Trace) -> None:
    """Give each kernel to the operator that started it.

    A kernel runs long after its launch: what joins the two is the number of the launch, or that
    of the operator.
    """
    if not trace.device:
        return
    launches: dict[int, HostEvent] = {}
    operators: dict[int, HostEvent] = {}
    for events in trace.host.values():
        for event in events:
            if event.kind == "runtime" and event.correlation >= 0:
                launches[event.correlation] = event
            elif event.kind == "operator" and event.external >= 0:
                operators[event.external] = event
    for piece in trace.device:
        piece.owner = _owner(piece, launches, operators)
        if piece.owner is not None:
            piece.owner.device_us += piece.end - piece.start


def _owner(
    event: DeviceEvent, launches: dict[int, HostEvent], operators: dict[int, HostEvent]
) -> HostEvent | None:
    launch = launches.get(event.correlation)
    owner = launch
    while owner is not None and owner.kind != "operator":
        owner = owner.in_operator
    return owner or operators.get(event.external) or launch
