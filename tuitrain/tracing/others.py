"""Profilers of a script's own, which go before ours: torch records for one at a time."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch.profiler.profiler import _KinetoProfile

from tuitrain.tracing.recording import Recording


def is_profiled() -> bool:
    """Return whether a profiler of the script's is recording, or about to."""
    if torch.autograd._profiler_enabled():  # type: ignore[attr-defined]
        return True
    ready = (
        getattr(each, "profiler", None)
        for each in gc.get_objects()
        if issubclass(type(each), _KinetoProfile) and not issubclass(type(each), Recording)
    )
    return any(
        getattr(each, "entered", False) and getattr(each, "kineto_results", None) is None
        for each in ready
    )


def watch_profilers(give_way: Callable[[], None]) -> Callable[[], None]:
    """Have a function called before a profiler of the script's begins.

    Args:
        give_way: ends ours.

    Returns:
        What leaves torch's classes as they were.
    """
    places = (
        (_KinetoProfile, "prepare_trace"),
        (_KinetoProfile, "start_trace"),
        (torch.autograd.profiler.profile, "__enter__"),
    )
    originals = [(kind, name, getattr(kind, name)) for kind, name in places]
    for kind, name, original in originals:
        setattr(kind, name, _after(give_way, original))

    def undo() -> None:
        for kind, name, original in originals:
            setattr(kind, name, original)

    return undo


def _after(give_way: Callable[[], None], original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, Recording):
            give_way()
        return original(self, *args, **kwargs)

    return call
