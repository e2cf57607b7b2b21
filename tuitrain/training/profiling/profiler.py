"""Profiles of the running run: which of its next steps are recorded, and how many fit.

Nothing is spent on it while none is asked for. It knows steps as calls, and profiles/ as a folder;
what a trace says is read by `tuitrain.traces`, elsewhere.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from tuitrain.messages import CommandDone, Event, Profile, ProfileFacts, ProfileWritten
from tuitrain.metric_names import MOST_PROFILE_STEPS, PROFILE_TRACE
from tuitrain.training.build import TrainingComponents
from tuitrain.training.profiling.tracing import Trace, modules_named, record_step, write_packed

MOST_TRACE_BYTES = 200_000_000
"""Of JSON before it is packed: about 150 steps of ResNet-18, 560,000 events. While torch orders
the events at the end training stands still, 12 ms for each step of that kind."""
_WAIT, _WARM_UP = 1, 2


class NothingRecordedError(Exception):
    """A profile ended before it had a step to show; the text says why."""


def roots_of(components: TrainingComponents) -> dict[str, Any]:
    """Return the parts whose modules a profile tells apart, by what they are called."""
    # Inside a compiled model hooks don't fire.
    compiled = components.preset.train.compile
    return {"loss": components.loss, **({} if compiled else {"model": components.model})}


class Profiler:
    """Takes one profile at a time of a trainer's steps.

    Attributes:
        under_way: the profile that steps are to be taken through, if there is one.
    """

    def __init__(
        self,
        roots: Mapping[str, Any],
        device: torch.device,
        folder: Path,
        send: Callable[[Event], None],
        most_bytes: int = MOST_TRACE_BYTES,
    ) -> None:
        """Take profiles.

        Args:
            roots: the modules whose parts are told apart, by what they are called.
            device: what they run on.
            folder: gets a folder for each profile.
            send: is given what became of a profile.
            most_bytes: a trace is not to be larger.
        """
        self.under_way: ProfileCapture | None = None
        # A user's loss may be a plain function, which has no parts.
        self._roots = {name: root for name, root in roots.items() if isinstance(root, nn.Module)}
        self._device = device
        self._folder = folder
        self._send = send
        self._most_bytes = most_bytes
        self._writing: threading.Thread | None = None

    def begin(self, order: Profile, step: int) -> None:
        """Profile the next steps, or refuse to."""
        fault = self._fault(order)
        if fault:
            self._answer(order, "refused", fault, step)
            return
        self._writing = None
        self.under_way = ProfileCapture(
            order, self._roots, self._device, self._folder, self._most_bytes
        )

    def _fault(self, order: Profile) -> str:
        if self.under_way is not None:
            return f"profile {self.under_way.order.name} is under way"
        if self._writing is not None and self._writing.is_alive():
            return "the profile before is still being written"
        if not 1 <= order.steps <= MOST_PROFILE_STEPS:
            return f"a profile has 1 to {MOST_PROFILE_STEPS} steps, not {order.steps}"
        return ""

    def step(self, take: Callable[[], None], number: int) -> None:
        """Take a step as the profile under way wants it: recorded or not.

        Args:
            take: takes the step; what it raises goes through.
            number: of the step.
        """
        course = self.under_way
        if course is None or not self._advance(course, number - 1):
            take()
            return
        course.take(take, number)
        if course.fault is not None:
            self._give_up(course, course.fault, number)
        elif course.complete:
            self._advance(course, number)

    def expect(self, batches: int, step: int) -> None:
        """Prepare for an evaluation: it is recorded too, and the trace must not outgrow its bound.

        Its batches are no larger than a step, which has a backward pass as well.
        """
        if self.under_way is not None and not self.under_way.make_room(batches):
            self._end("an evaluation came that would not have fitted the trace", step)

    def finish(self, step: int) -> None:
        """End what is under way with the steps it has, and wait until it is written."""
        self._end("the run ended", step)
        if self._writing is not None:
            self._writing.join()

    def _end(self, note: str, step: int) -> None:
        if self.under_way is not None:
            self.under_way.end(note)
            self._advance(self.under_way, step)

    def _advance(self, course: "ProfileCapture", step: int) -> bool:
        """Let the profile prepare the next step; return whether it still wants one."""
        try:
            if next(course.phases, None) is not None:
                return True
        except Exception as error:
            # What CUPTI, a disk or a model's modules lack ends the profile, never the run.
            self._give_up(course, error, step)
            return False
        else:
            self._writing = threading.Thread(target=self._write, args=(course,), name="profile")
            self._writing.start()
        self.under_way = None
        return False

    def _give_up(self, course: "ProfileCapture", error: Exception, step: int) -> None:
        """End a profile that there is none of, and say why."""
        self.under_way = None
        with suppress(Exception):
            course.close()
        self._answer(course.order, "refused", f"no profile: {_first_line(error)}", step)

    def _write(self, course: "ProfileCapture") -> None:
        order, last = course.order, course.last_step
        try:
            written = course.write()
        except Exception as error:
            text = f"the trace could not be written: {_first_line(error)}"
            self._answer(order, "refused", text, last)
            return
        self._send(written)
        note = f"; {course.note}" if course.note else ""
        steps = f"{len(course.steps_s)} steps to step {last}"
        self._answer(order, "done", f"profile {order.name}: {steps}{note}", last)

    def _answer(
        self, order: Profile, outcome: Literal["done", "refused"], text: str, step: int
    ) -> None:
        self._send(CommandDone(time.time(), order.command_id, outcome, text, step))


class ProfileCapture:
    """One profile, from the order to its trace."""

    def __init__(
        self,
        order: Profile,
        roots: dict[str, nn.Module],
        device: torch.device,
        folder: Path,
        most_bytes: int,
    ) -> None:
        self.order = order
        self.note = ""
        """Why there are fewer steps than were asked for."""
        self.steps_s: list[float] = []
        self.last_step = 0
        self.fault: Exception | None = None
        """What was raised as a step was marked."""
        self.phases: Generator[bool, None, None] = self._phases()
        """Each `next` prepares a step and says whether it is recorded."""
        self._roots = roots
        self._device = device
        self._folder = folder / order.name
        self._most_bytes = most_bytes
        self._recording = False
        self._ended = False
        self._wanted = 1
        self._room = 0
        """Of how many steps the trace has room."""
        self._held_up_s = 0.0

    @property
    def complete(self) -> bool:
        """Whether every step that is to be recorded was taken."""
        return self._recording and len(self.steps_s) >= self._wanted

    def end(self, note: str) -> None:
        """Record no more steps."""
        self.note, self._ended = note, True

    def make_room(self, batches: int) -> bool:
        """Make room for what is recorded besides, with fewer steps if need be.

        Returns:
            Whether there is room, and for one more step.
        """
        if not self._recording:
            return True
        self._room -= batches
        if self._room < self._wanted:
            self._wanted = self._room
            self.note = f"{self._fewer()}, with the evaluation that came in between"
        return self._wanted > len(self.steps_s)

    def take(self, take: Callable[[], None], number: int) -> None:
        """Take the step that was prepared."""
        if not self._recording:
            take()
            return
        with self._marked(number):
            started = time.perf_counter()
            take()
            self.steps_s.append(time.perf_counter() - started)
        self.last_step = number

    @contextmanager
    def _marked(self, number: int) -> Iterator[None]:
        """Let a step be recorded with its number and its modules; what that raises is kept."""
        marks = ExitStack()
        self._spare(lambda: marks.enter_context(modules_named(self._roots)))
        self._spare(lambda: marks.enter_context(record_step(number)))
        try:
            yield
        finally:
            self._spare(marks.close)

    def _spare(self, mark: Callable[[], Any]) -> None:
        try:
            mark()
        except Exception as error:
            self.fault = self.fault or error

    def close(self) -> None:
        """Record no more, and leave nothing behind."""
        self.phases.close()
        self._remove_empty_folder()

    def _phases(self) -> Generator[bool, None, None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            yield from self._unrecorded(_WAIT)
            fitting = yield from self._probe()
            self._limit(fitting)
            self._trace = self._new_trace()
            yield from self._unrecorded(_WARM_UP)
            yield from self._record(self._trace)
        except Exception:
            self._remove_empty_folder()
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
        if self._ended:
            raise NothingRecordedError(f"{self.note} before a step was recorded")

    def _probe(self) -> Generator[bool, None, int]:
        """Record one step and throw it away; return how many such steps fit."""
        trace = self._new_trace()
        yield from self._unrecorded(1)
        yield from self._record(trace)
        self._held_up_s += trace.held_up_s
        self.steps_s.clear()
        sizes: list[int | Exception] = []
        measuring = threading.Thread(target=self._measure, args=(trace, sizes), name="probe")
        measuring.start()
        del trace
        try:
            yield from self._unrecorded(1)
            while measuring.is_alive():
                yield from self._unrecorded(1)
        finally:
            measuring.join()
        [size] = sizes
        if isinstance(size, Exception):
            raise size
        return self._most_bytes // max(1, size)

    def _measure(self, trace: Trace, sizes: list[int | Exception]) -> None:
        path = self._folder / ".probe.json.tmp"
        try:
            sizes.append(trace.export(path))
        except Exception as error:
            sizes.append(error)
        finally:
            path.unlink(missing_ok=True)

    def _limit(self, fitting: int) -> None:
        """Decide how many steps are recorded; one always is, as it was already."""
        self._room = max(1, fitting)
        self._wanted = min(self.order.steps, self._room)
        if self._wanted < self.order.steps:
            self.note = self._fewer()

    def _fewer(self) -> str:
        return (
            f"{self.order.steps} steps were asked for: more than {self._wanted} would make a "
            f"trace of over {self._most_bytes / 1e6:,.0f} MB"
        )

    def _record(self, trace: Trace) -> Iterator[bool]:
        trace.start()
        self._recording = True
        try:
            while not (self.complete or self._ended):
                yield True
        finally:
            self._recording = False
            trace.stop()
        if not self.steps_s:
            raise NothingRecordedError(f"{self.note} before a step was recorded")

    def _remove_empty_folder(self) -> None:
        if self._folder.exists() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def write(self) -> ProfileWritten:
        """Write the trace.

        Raises:
            RuntimeError, OSError: it can't be written.
        """
        trace = self._trace
        del self._trace
        try:
            json_bytes, trace_bytes = write_packed(trace, self._folder)
        except Exception:
            self._remove_empty_folder()
            raise
        facts = ProfileFacts(
            asked_steps=self.order.steps,
            trace=PROFILE_TRACE,
            trace_bytes=trace_bytes,
            json_bytes=json_bytes,
            with_stacks=self.order.stacks,
            device=str(self._device),
            held_up_s=self._held_up_s + trace.held_up_s,
            steps_s=tuple(self.steps_s),
            note=self.note,
        )
        first = self.last_step - len(self.steps_s) + 1
        return ProfileWritten(
            time.time(), self.order.command_id, self.order.name, first, self.last_step, facts
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
