"""Where an operator belongs: its module and its source lines, also in the backward pass.

Knows nested events; nothing of tables.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tuitrain.traces.events import HostEvent, Trace

OUTSIDE = "(outside modules)"
OPTIMIZER = "(optimizer)"
BACKWARD = "(backward)"
"""Of autograd itself: adding up gradients, and functions whose forward was not recorded."""
NO_LINE = "(no source line)"
_LIBRARY = ("torch/", "<", "tuitrain/script/", "tuitrain/tracing/", "tuitrain/training/")
"""Where lines lie that nobody changes for a model's or a data set's sake."""
_OPTIMIZER_MARK = "Optimizer."


class Place(NamedTuple):
    """Names from the innermost to the outermost."""

    modules: tuple[str, ...]
    lines: tuple[str, ...]
    """The first is the innermost outside torch itself, where there is one."""


class Places:
    """Finds the places of one trace's operators."""

    def __init__(self, trace: Trace) -> None:
        self._forward = _forward_operators(trace)
        self._lines: dict[int, tuple[str, ...]] = {}
        self._paths: dict[tuple[str, int], tuple[str, ...]] = {}
        self._own_first: dict[int, tuple[str, ...]] = {}
        self._modules: dict[int, tuple[str, ...]] = {}

    def of(self, event: HostEvent) -> Place:
        """Return where an operator belongs; a backward one belongs where its forward one was."""
        source = event
        if event.backward is not None:
            forward = self._forward.get(event.backward.sequence)
            if forward is None:
                return Place((BACKWARD,), (BACKWARD,))
            source = forward
        return Place(self._modules_of(source), self._lines_of(source))

    def _modules_of(self, event: HostEvent) -> tuple[str, ...]:
        module = event.in_module
        if module is None:
            return (OPTIMIZER,) if _in_optimizer(event) else (OUTSIDE,)
        known = self._modules.get(id(module))
        if known is None:
            outer = self._modules_of(module) if module.in_module is not None else ()
            known = self._modules[id(module)] = (module.name, *outer)
        return known

    def _lines_of(self, event: HostEvent) -> tuple[str, ...]:
        frame = event.in_python
        if frame is None:
            return (NO_LINE,)
        known = self._own_first.get(id(frame))
        if known is None:
            known = self._own_first[id(frame)] = _own_first(self._frames(frame) or (NO_LINE,))
        return known

    def _frames(self, frame: HostEvent) -> tuple[str, ...]:
        """Return the lines that led to a call, each path held once: there are few of them."""
        chain: list[HostEvent] = []
        around: HostEvent | None = frame
        while around is not None and around.in_step and id(around) not in self._lines:
            chain.append(around)
            around = around.in_python
        lines = self._lines.get(id(around), ())
        for each in reversed(chain):
            line = each.called_from or each.name
            if line not in lines:
                lines = self._paths.setdefault((line, id(lines)), (line, *lines))
            self._lines[id(each)] = lines
        return lines


def _own_first(lines: Sequence[str]) -> tuple[str, ...]:
    """Put the innermost line of a model or a data set first: there something can be changed.

    What has none, as a model of torch's own parts, keeps the innermost line of all.
    """
    for place, line in enumerate(lines):
        if not line.startswith(_LIBRARY):
            return tuple(lines[place:])
    return tuple(lines)


def _forward_operators(trace: Trace) -> dict[int, HostEvent]:
    """Return the innermost forward operator of each of autograd's numbers, as Kineto does."""
    found: dict[int, HostEvent] = {}
    for events in trace.host.values():
        for event in events:
            if event.sequence >= 0 and not event.is_backward and event.backward is None:
                known = found.get(event.sequence)
                if known is None or event.start >= known.start:
                    found[event.sequence] = event
    return found


def _in_optimizer(event: HostEvent) -> bool:
    around = event.parent
    while around is not None:
        if around.kind == "mark" and around.name.startswith(_OPTIMIZER_MARK):
            return True
        around = around.parent
    return False
