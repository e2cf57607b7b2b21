"""Profiles of the running run, one at a time, each by command.

Nothing is spent on it while none is asked for. It knows steps as calls, and profiles/ as a folder;
what a trace says is read by `tuitrain.traces`, elsewhere.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from tuitrain.messages import CommandDone, Event, Profile
from tuitrain.metric_names import MOST_PROFILE_STEPS
from tuitrain.training.build import TrainingComponents
from tuitrain.training.profiling.capture import ProfileCapture
from tuitrain.training.profiling.timing import Laps

MOST_TRACE_BYTES = 200_000_000
"""Of JSON before it is packed: about 150 steps of ResNet-18, 560,000 events. While torch orders
the events at the end training stands still, 12 ms for each step of that kind."""


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

    def lap(self, step: int) -> Laps | None:
        """Return what times the step under way, counted from 0, where ranks are profiled."""
        return self.under_way.lap(step) if self.under_way is not None else None

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

    def _advance(self, course: ProfileCapture, step: int) -> bool:
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

    def _give_up(self, course: ProfileCapture, error: Exception, step: int) -> None:
        """End a profile that there is none of, and say why."""
        self.under_way = None
        with suppress(Exception):
            course.close()
        self._answer(course.order, "refused", f"no profile: {_first_line(error)}", step)

    def _write(self, course: ProfileCapture) -> None:
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


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
