"""Profiles of a script's steps; where the script profiles itself, its own profiler goes first.

Imports torch only where the script has, and only once a profile is asked for.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuitrain.script.link import Link

if TYPE_CHECKING:
    from tuitrain.tracing.profiler import StepProfiler

_OWN = "the script's own profiler is at work: torch records for one at a time"
_NO_TORCH = "this script has not imported torch: there is nothing that torch.profiler would record"


@dataclass(frozen=True)
class ProfileOrder:
    """What was asked for."""

    command_id: int
    steps: int
    name: str
    stacks: bool
    ranks: tuple[int, ...] = ()


class ScriptProfiles:
    """Takes one profile at a time of the steps of a script."""

    def __init__(self, link: Link) -> None:
        """Take profiles.

        Args:
            link: is told what became of them; knows the run's folder.
        """
        self._link = link
        self._profiler: StepProfiler | None = None
        self._names: Any = None
        self._usual = 0
        """Calls of whole modules in a step, once one was recorded."""
        self._thread = 0
        self._step = 0
        self._watch = ExitStack()

    def begin(self, command: Mapping[str, Any], step: int) -> None:
        """Profile the next steps, or say why not.

        Args:
            command: a Profile.
            step: that has ended.
        """
        order = ProfileOrder(
            int(command.get("command_id") or 0),
            int(command.get("steps") or 0),
            str(command.get("name") or ""),
            # Python calls one function for stacks: that of a debugger or coverage stays.
            bool(command.get("stacks", True)) and sys.getprofile() is None,
        )
        try:
            fault = self._fault()
            if not fault:
                self._begin(order, step)
        except Exception as error:  # a torch that is not as those known
            fault = f"no profile: {type(error).__name__}: {error}"
        if fault:
            self._answer(order, "refused", fault, step)

    def _fault(self) -> str:
        if self._link.folder is None:
            return "no profile: this script does not know its run's folder"
        if "torch" not in sys.modules:
            return _NO_TORCH
        from tuitrain.tracing.others import is_profiled

        under_way = self._profiler is not None and self._profiler.under_way is not None
        return _OWN if not under_way and is_profiled() else ""

    def _begin(self, order: ProfileOrder, step: int) -> None:
        from tuitrain.tracing.others import watch_profilers

        profiler = self._profiler or self._new_profiler()
        self._profiler = profiler
        if profiler.under_way is None:
            self._usual, self._thread = 0, threading.get_ident()
            # Only while there is a profile are torch's own classes not as they were.
            self._watch.callback(watch_profilers(self._give_way))
            self._watch.callback(self._names.clear)
        profiler.begin(order, step)

    def _new_profiler(self) -> StepProfiler:
        from tuitrain.tracing.profiler import StepProfiler
        from tuitrain.tracing.recording import ModuleNames, device_in_use

        assert self._link.folder is not None
        self._names = ModuleNames(self._called)
        folder = self._link.folder / "profiles"
        return StepProfiler(self._names.marked, device_in_use(), folder, self._answer, self._wrote)

    def leave(self, step: int) -> None:
        """End a step that is recorded.

        Args:
            step: its number.
        """
        profiler, self._step = self._profiler, step
        if profiler is not None and profiler.under_way is not None and self._is_here:
            if profiler.under_way.steps.is_recording:
                self._usual = self._usual or self._names.called
            self._spare(lambda: profiler.leave(step))

    def go_on(self, step: int) -> bool:
        """Begin the next step; return whether that is to be told of as well.

        Args:
            step: that has ended.
        """
        profiler, self._step = self._profiler, step
        if profiler is not None and profiler.under_way is not None and self._is_here:
            self._spare(lambda: profiler.go_on(step))
        if profiler is None or profiler.under_way is None:
            self._watch.close()
            return False
        return True

    def _spare(self, call: Callable[[], None]) -> None:
        """Call something that may end the profile, and never the script."""
        try:
            call()
        except Exception as error:  # a torch that is not as those known
            if self._profiler is not None:
                self._profiler.give_up(error, self._step)

    def forget(self) -> None:
        """Leave it to the parent of this process, which was forked."""
        self._watch.close()
        self._profiler = None

    @property
    def is_under_way(self) -> bool:
        """Return whether there is a profile that has not ended."""
        return self._profiler is not None and self._profiler.under_way is not None

    def finish(self, step: int) -> None:
        """End what is under way with the steps it has, and wait until it is written."""
        if self._profiler is not None:
            self._watch.close()
            self._profiler.finish(step)

    @property
    def _is_here(self) -> bool:
        return self._thread == threading.get_ident()

    def _called(self) -> None:
        """Make room for an evaluation within a step: the trace must not outgrow its bound."""
        profiler, more = self._profiler, self._names.called - self._usual
        if not self._usual or more <= 0 or more % self._usual or not self._is_here:
            return
        under_way = None if profiler is None else profiler.under_way
        if profiler is not None and under_way is not None and not under_way.make_room(1):
            profiler.give_up(_TooLongError(), self._step)

    def _give_way(self) -> None:
        """Leave torch to the script's own profiler."""
        if self._profiler is not None and self._is_here:
            self._profiler.give_up(_OwnProfilerError(_OWN), self._step)

    def _answer(self, order: ProfileOrder, outcome: str, text: str, step: int) -> None:
        done = {"type": "CommandDone", "time": time.time(), "command_id": order.command_id}
        self._link.send({**done, "outcome": outcome, "text": text, "step": step})

    def _wrote(self, order: ProfileOrder, first: int, last: int, facts: Mapping[str, Any]) -> None:
        written = {"type": "ProfileWritten", "time": time.time(), "command_id": order.command_id}
        steps = {"name": order.name, "first_step": first, "last_step": last}
        self._link.send({**written, **steps, "facts": dict(facts)})


class _OwnProfilerError(Exception):
    """The script profiles itself."""


class _TooLongError(Exception):
    """A step was longer than any before."""

    def __str__(self) -> str:
        return (
            "between two steps came what calls the model far more often, as an evaluation does, "
            "and would not have fitted the trace; ask again, or for fewer steps"
        )
