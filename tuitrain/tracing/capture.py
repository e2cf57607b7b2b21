"""One profile from the order to its trace: which steps are recorded, and how many fit.

It knows steps as calls, and the profile's folder; nothing of commands or of what a trace says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Protocol

import torch

from tuitrain.metric_names import PROFILE_TRACE
from tuitrain.tracing.recording import Trace, record_step, write_packed

_WAIT, _WARM_UP = 1, 2


class Order(Protocol):
    """What is asked for, as `messages.Profile` is."""

    @property
    def steps(self) -> int:
        """How many are recorded."""

    @property
    def name(self) -> str:
        """The folder's."""

    @property
    def stacks(self) -> bool:
        """With the source lines that called each operator."""

    @property
    def ranks(self) -> Sequence[int]:
        """The ranks that record the same steps; empty: this process by itself."""


class NothingRecordedError(Exception):
    """A profile ended before it had a step to show; the text says why."""


class StepBudget:
    """How many steps are recorded, so that the trace stays within its bound.

    Attributes:
        wanted: steps that are to be recorded.
        note: why there are fewer than were asked for; empty: there are not.
    """

    def __init__(self, asked: int, most_bytes: int) -> None:
        """Until it is known how much a step takes, one is wanted.

        Args:
            asked: steps that were asked for.
            most_bytes: the trace is not to be larger.
        """
        self.wanted = 1
        self.note = ""
        self._asked = asked
        self._most_bytes = most_bytes
        self._room = 0

    def agree(self, steps: int) -> None:
        """Record so many steps, which all ranks have room for."""
        if steps < self.wanted:
            self.note = f"{self._asked} steps were asked for: a rank has room for {steps} only"
        self.wanted = self._room = steps

    def limit(self, step_bytes: int) -> None:
        """Decide how many steps of a size are recorded; one always is, as it was already."""
        self._room = max(1, self._most_bytes // max(1, step_bytes))
        self.wanted = min(self._asked, self._room)
        if self.wanted < self._asked:
            self.note = self._fewer()

    def make_room(self, steps: int) -> None:
        """Make room for as much as so many steps take, with fewer steps if need be."""
        self._room -= steps
        if self._room < self.wanted:
            self.wanted = self._room
            self.note = f"{self._fewer()}, with the evaluation that came in between"

    def _fewer(self) -> str:
        return (
            f"{self._asked} steps were asked for: more than {self.wanted} would make a trace of "
            f"over {self._most_bytes / 1e6:,.0f} MB"
        )


class ProfileFolder:
    """The folder of one profile, which is there only with something in it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self) -> None:
        """Make the folder.

        Raises:
            OSError: it can't be made.
        """
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def size_of(self, trace: Trace) -> int:
        """Return the size of a trace as JSON; nothing of it is kept.

        Raises:
            RuntimeError, OSError: it can't be written.
        """
        path = self._path / ".probe.json.tmp"
        try:
            return trace.export(path)
        finally:
            path.unlink(missing_ok=True)

    def write(self, trace: Trace) -> tuple[int, int]:
        """Write a trace; return its sizes as JSON and packed.

        Raises:
            RuntimeError, OSError: it can't be written; then nothing is left.
        """
        try:
            return write_packed(trace, self._path)
        except Exception:
            self.remove_empty()
            raise

    def remove_empty(self) -> None:
        """Remove the folder, if nothing is in it."""
        if self._path.exists() and not any(self._path.iterdir()):
            self._path.rmdir()


class StepMarks:
    """Marks what a step does in the trace: its number, and the modules that it goes through.

    Attributes:
        fault: the first thing that was raised as a step was marked.
    """

    def __init__(self, modules: Callable[[], AbstractContextManager[Any]]) -> None:
        """Mark steps.

        Args:
            modules: has modules marked within its block.
        """
        self.fault: Exception | None = None
        self._modules = modules
        self._open = ExitStack()

    def open(self, number: int) -> None:
        """Mark what happens from now on as one step; what marking raises is kept, not raised."""
        self._spare(lambda: self._open.enter_context(self._modules()))
        self._spare(lambda: self._open.enter_context(record_step(number)))

    def close(self) -> None:
        """End the step's marks."""
        self._spare(self._open.close)

    def _spare(self, mark: Callable[[], Any]) -> None:
        try:
            mark()
        except Exception as error:
            self.fault = self.fault or error


class RecordedSteps:
    """The steps of a profile while they are recorded: marked in the trace, and timed.

    Attributes:
        is_recording: steps are recorded now.
        times_s: how long each of them took.
        last: the number of the last one.
    """

    def __init__(self, modules: Callable[[], AbstractContextManager[Any]]) -> None:
        """Record none yet.

        Args:
            modules: has modules marked within its block.
        """
        self.is_recording = False
        self.times_s: list[float] = []
        self.last = 0
        self._marks = StepMarks(modules)
        self._opened: float | None = None

    @property
    def fault(self) -> Exception | None:
        """What was raised as a step was marked."""
        return self._marks.fault

    def take(self, take: Callable[[], None], number: int) -> None:
        """Take the step that was prepared."""
        self.open(number)
        try:
            take()
        except BaseException:
            self.give_up()
            raise
        self.close(number)

    def open(self, number: int) -> None:
        """Record what happens from now on as a step, if it is one to record."""
        if self.is_recording:
            self._marks.open(number)
            self._opened = time.perf_counter()

    def close(self, number: int) -> None:
        """End the step that was opened, if one was."""
        if self._opened is not None:
            self.times_s.append(time.perf_counter() - self._opened)
            self.give_up()
            self.last = number

    def give_up(self) -> None:
        """End a step that was opened as if it had not been."""
        self._opened = None
        self._marks.close()


class ProfileCapture:
    """One profile: prepares each step, and writes what was recorded.

    Attributes:
        order: what was asked for.
        steps: those that are recorded.
        phases: each `next` prepares a step and says whether it is recorded.
    """

    def __init__(
        self,
        order: Order,
        modules: Callable[[], AbstractContextManager[Any]],
        device: torch.device,
        folder: Path,
        most_bytes: int,
    ) -> None:
        """Begin a profile.

        Args:
            order: what is asked for.
            modules: has modules marked within its block.
            device: that steps run on.
            folder: gets the profile's folder.
            most_bytes: the trace is not to be larger.
        """
        self.order = order
        self.steps = RecordedSteps(modules)
        self.phases: Generator[bool, None, None] = self._phases()
        self._device = device
        self._budget = StepBudget(order.steps, most_bytes)
        self._folder = ProfileFolder(folder / order.name)
        self._end_note: str | None = None
        self._held_up_s = 0.0
        self.room = 0
        """Steps that this rank is ready to record with others; 0: not yet, or never."""
        self._agreed = not order.ranks

    @property
    def note(self) -> str:
        """Why there are fewer steps than were asked for."""
        return self._budget.note if self._end_note is None else self._end_note

    @property
    def is_shared(self) -> bool:
        """Whether steps are recorded now that other ranks record too."""
        return self.steps.is_recording and self._agreed and bool(self.order.ranks)

    @property
    def complete(self) -> bool:
        """Whether every step that is to be recorded was taken."""
        return self.steps.is_recording and len(self.steps.times_s) >= self._budget.wanted

    def end(self, note: str) -> None:
        """Record no more steps."""
        self._end_note = note

    def agree(self, steps: int) -> None:
        """Record so many steps, from the next one on, as all ranks do that are profiled."""
        self._budget.agree(steps)
        self._agreed = True

    def make_room(self, batches: int) -> bool:
        """Make room for what is recorded besides, with fewer steps if need be.

        Returns:
            Whether there is room, and for one more step.
        """
        if not self.steps.is_recording:
            return True
        self._budget.make_room(batches)
        return self._budget.wanted > len(self.steps.times_s)

    def close(self) -> None:
        """Record no more, and leave nothing behind."""
        self.steps.give_up()
        self.phases.close()
        self._folder.remove_empty()

    def _phases(self) -> Generator[bool, None, None]:
        self._folder.create()
        try:
            yield from self._unrecorded(_WAIT)
            self._budget.limit((yield from self._probe()))
            self._trace = self._new_trace()
            yield from self._unrecorded(_WARM_UP)
            self.room = self._budget.wanted
            while not self._agreed:
                yield from self._unrecorded(1)
            yield from self._record(self._trace)
        except Exception:
            self._folder.remove_empty()
            raise

    def _new_trace(self) -> Trace:
        trace = Trace(self._device, stacks=self.order.stacks)
        trace.prepare()
        return trace

    def _unrecorded(self, steps: int) -> Iterator[bool]:
        self._check_wanted()
        for _step in range(steps):
            yield False
            self._check_wanted()

    def _check_wanted(self) -> None:
        if self._end_note is not None:
            raise NothingRecordedError(f"{self.note} before a step was recorded")

    def _probe(self) -> Generator[bool, None, int]:
        """Record one step and throw it away; return the size of its trace."""
        trace = self._new_trace()
        yield from self._unrecorded(1)
        yield from self._record(trace)
        self._held_up_s += trace.held_up_s
        self.steps.times_s.clear()
        measurement = _Measurement(self._folder, trace)
        del trace
        try:
            yield from self._unrecorded(1)
            while measurement.under_way:
                yield from self._unrecorded(1)
        finally:
            measurement.wait()
        return measurement.size_bytes()

    def _record(self, trace: Trace) -> Iterator[bool]:
        trace.start()
        self.steps.is_recording = True
        try:
            while not (self.complete or self._end_note is not None):
                yield True
        finally:
            self.steps.is_recording = False
            trace.stop()
        if not self.steps.times_s:
            raise NothingRecordedError(f"{self.note} before a step was recorded")

    def write(self) -> dict[str, Any]:
        """Write the trace; return its facts, as `messages.ProfileFacts` has them.

        Raises:
            RuntimeError, OSError: it can't be written.
        """
        trace = self._trace
        del self._trace
        json_bytes, trace_bytes = self._folder.write(trace)
        return {
            "asked_steps": self.order.steps,
            "trace": PROFILE_TRACE,
            "trace_bytes": trace_bytes,
            "json_bytes": json_bytes,
            "with_stacks": self.order.stacks,
            "device": str(self._device),
            "held_up_s": self._held_up_s + trace.held_up_s,
            "steps_s": tuple(self.steps.times_s),
            "note": self.note,
        }


class _Measurement:
    """The size of a trace, worked out in a thread of its own while training goes on."""

    def __init__(self, folder: ProfileFolder, trace: Trace) -> None:
        self._outcome: int | Exception = 0
        self._thread = threading.Thread(target=self._measure, args=(folder, trace), name="probe")
        self._thread.start()

    def _measure(self, folder: ProfileFolder, trace: Trace) -> None:
        try:
            self._outcome = folder.size_of(trace)
        except Exception as error:
            self._outcome = error

    @property
    def under_way(self) -> bool:
        """Whether it is still being worked out."""
        return self._thread.is_alive()

    def wait(self) -> None:
        """Wait until it is known."""
        self._thread.join()

    def size_bytes(self) -> int:
        """Return the size.

        Raises:
            RuntimeError, OSError: the trace can't be written.
        """
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome
