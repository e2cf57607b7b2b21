"""On which time line a script's steps can be timed: that of the device its optimizer updates.

Imports no torch: it is there where the script has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tuitrain.tracing.clocks import Clock, EventClock, HostClock


class ScriptStream(EventClock):
    """Events on a stream of CUDA's that a script may be capturing a graph of.

    An event that is recorded meanwhile would be a part of the graph, and asking for one would end
    the capture.
    """

    def __init__(self, new_event: Callable[[], Any], is_capturing: Callable[[], bool]) -> None:
        """Use events.

        Args:
            new_event: makes one.
            is_capturing: says that now is not the time.
        """
        super().__init__(new_event)
        self._is_capturing = is_capturing

    def mark(self) -> Any:
        """Record an event; None where it can't be."""
        return None if self._is_capturing() else super().mark()

    def passed(self, mark: Any) -> bool:
        """Ask whether the device has come to it, where that may be asked."""
        return not self._is_capturing() and super().passed(mark)

    def reuse(self, marks: Any) -> None:
        """Record these again some time."""
        super().reuse([mark for mark in marks if mark is not None])


_HOST = HostClock()
_streams: list[ScriptStream] = []


def clock_for(optimizer: Any) -> Clock | None:
    """Return the time line of steps; None where there is none (MPS), or it is not known.

    Args:
        optimizer: the one of the step; None: it is not known.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    device = _device_of(optimizer)
    if not device and not torch.cuda.is_available() and not torch.backends.mps.is_available():
        device = "cpu"
    if device == "cuda":
        return _stream(torch)
    if device != "cpu" or (torch.cuda.is_initialized() and torch.cuda.memory_allocated()):
        # What the host asks a GPU for beside, as for parameters that are held here, goes on
        # behind its calls.
        return None
    return _HOST


def _device_of(optimizer: Any) -> str:
    """Return the kind of the device that the first parameters are on; empty: not known."""
    for group in getattr(optimizer, "param_groups", ()):
        for parameter in group.get("params", ()):
            return str(parameter.device.type)
    return ""


def _stream(torch: Any) -> Clock:
    if not _streams:
        cuda = torch.cuda
        _streams.append(
            ScriptStream(lambda: cuda.Event(enable_timing=True), cuda.is_current_stream_capturing)
        )
    return _streams[0]
