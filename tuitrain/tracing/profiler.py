"""Profiles of steps that go on, one at a time, each by order; a step is a call, or ends somewhere.

Nothing is spent while none is ordered. It knows profiles/ as a folder; nothing of messages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Literal

import torch

from tuitrain.metric_names import MOST_PROFILE_STEPS
from tuitrain.tracing.capture import Order, ProfileCapture

MOST_TRACE_BYTES = 200_000_000
"""Of JSON before it is packed: about 150 steps of ResNet-18, 560,000 events. While torch orders
the events at the end training stands still, 12 ms for each step of that kind."""

Answer = Callable[[Any, Literal["done", "refused"], str, int], None]
"""Is given an order, done or refused, a text, and the step."""
Wrote = Callable[[Any, int, int, Mapping[str, Any]], None]
"""Is given an order, the first and the last step of its trace, and the trace's facts."""


class StepProfiler:
    """Takes one profile at a time.

    Attributes:
        under_way: the profile that steps are to be taken through, if there is one.
    """

    def __init__(
        self,
        marks: Callable[[], AbstractContextManager[Any]],
        device: torch.device,
        folder: Path,
        answer: Answer,
        wrote: Wrote,
        most_bytes: int = MOST_TRACE_BYTES,
    ) -> None:
        """Take profiles.

        Args:
            marks: has modules marked within its block.
            device: that steps run on.
            folder: gets a folder for each profile.
            answer: is told what became of an order.
            wrote: is told of a trace that is on disk.
            most_bytes: a trace is not to be larger.
        """
        self.under_way: ProfileCapture | None = None
        self._marks = marks
        self._device = device
        self._folder = folder
        self._answer, self._wrote = answer, wrote
        self._most_bytes = most_bytes
        self._writing: threading.Thread | None = None

    def begin(self, order: Order, step: int) -> None:
        """Profile the next steps, or refuse to."""
        fault = self._fault(order)
        if fault:
            self._answer(order, "refused", fault, step)
            return
        self._writing = None
        self.under_way = ProfileCapture(
            order, self._marks, self._device, self._folder, self._most_bytes
        )

    def _fault(self, order: Order) -> str:
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
        course.steps.take(take, number)
        if course.steps.fault is not None:
            self.give_up(course.steps.fault, number)
        elif course.complete:
            self._advance(course, number)

    def leave(self, number: int) -> None:
        """End a step where it ends by itself, as in a loop of somebody else's.

        Args:
            number: of the step that has ended.
        """
        course = self.under_way
        if course is not None:
            course.steps.close(number)
            if course.steps.fault is not None:
                self.give_up(course.steps.fault, number)

    def go_on(self, number: int) -> None:
        """Begin the next step, after `leave`.

        Args:
            number: of the step that has ended.
        """
        course = self.under_way
        if course is not None and self._advance(course, number):
            course.steps.open(number + 1)

    def expect(self, batches: int, step: int) -> None:
        """Prepare for an evaluation: it is recorded too, and the trace must not outgrow its bound.

        Its batches are no larger than a step, which has a backward pass as well.
        """
        if self.under_way is not None and not self.under_way.make_room(batches):
            self.end("an evaluation came that would not have fitted the trace", step)

    def finish(self, step: int) -> None:
        """End what is under way with the steps it has, and wait until it is written."""
        self.end("the run ended", step)
        if self._writing is not None:
            self._writing.join()

    def end(self, note: str, step: int) -> None:
        """End what is under way with the steps it has.

        Args:
            note: why.
            step: the last one.
        """
        if self.under_way is not None:
            self.under_way.end(note)
            self._advance(self.under_way, step)

    def give_up(self, error: Exception, step: int) -> None:
        """End a profile that there is none of, and say why."""
        course, self.under_way = self.under_way, None
        if course is not None:
            with suppress(Exception):
                course.close()
            self._answer(course.order, "refused", f"no profile: {_first_line(error)}", step)

    def _advance(self, course: ProfileCapture, step: int) -> bool:
        """Let the profile prepare the next step; return whether it still wants one."""
        try:
            recorded = next(course.phases, None)
        except Exception as error:
            # What CUPTI, a disk or a model's modules lack ends the profile, never the run.
            self.give_up(error, step)
            return False
        if recorded is not None:
            return True
        self._writing = threading.Thread(target=self._write, args=(course,), name="profile")
        self._writing.start()
        self.under_way = None
        return False

    def _write(self, course: ProfileCapture) -> None:
        order, last = course.order, course.steps.last
        try:
            facts = course.write()
        except Exception as error:
            text = f"the trace could not be written: {_first_line(error)}"
            self._answer(order, "refused", text, last)
            return
        self._wrote(order, last - len(course.steps.times_s) + 1, last, facts)
        note = f"; {course.note}" if course.note else ""
        steps = f"{len(course.steps.times_s)} steps to step {last}"
        self._answer(order, "done", f"profile {order.name}: {steps}{note}", last)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
