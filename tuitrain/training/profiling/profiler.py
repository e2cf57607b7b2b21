"""Profiles of the running run, one at a time, each by command.

It says what becomes of them in messages; what a trace says is read by `tuitrain.traces`, elsewhere.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from tuitrain.messages import CommandDone, Event, Profile, ProfileFacts, ProfileWritten
from tuitrain.metric_names import EXCHANGE, STAGES
from tuitrain.tracing.profiler import MOST_TRACE_BYTES, StepProfiler
from tuitrain.tracing.recording import modules_named
from tuitrain.training.build import TrainingComponents
from tuitrain.training.instruments import Instrument
from tuitrain.training.profiling.timing import Laps, clock_of


def roots_of(components: TrainingComponents) -> dict[str, Any]:
    """Return the parts whose modules a profile tells apart, by what they are called."""
    # Inside a compiled model hooks don't fire.
    compiled = components.preset.train.compile
    return {"loss": components.loss, **({} if compiled else {"model": components.model})}


class Profiler(StepProfiler):
    """Takes one profile at a time of a trainer's steps."""

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
        # A user's loss may be a plain function, which has no parts.
        modules = {name: root for name, root in roots.items() if isinstance(root, nn.Module)}
        super().__init__(
            partial(modules_named, modules),
            device,
            folder,
            self._say,
            self._say_written,
            most_bytes,
        )
        self._send = send
        self._clock = clock_of(device)
        self._laps: dict[str, list[Laps]] = {}
        """Of the steps of each profile that ranks take together, by its name, until it is told."""

    def step(self, take: Callable[[], None], number: int) -> None:
        """Take a step as the profile under way wants it: recorded or not."""
        super().step(partial(self._timed, take), number)

    def lap(self, step: int) -> Laps | None:
        """Return what times the step under way, counted from 0, where ranks are profiled.

        Ranks are compared by the very steps that they were profiled in.
        """
        course = self.under_way
        if course is None or self._clock is None or not course.is_shared:
            return None
        laps = Laps(step, self._clock, Instrument("the stages of a profiled step"))
        self._laps.setdefault(course.order.name, []).append(laps)
        return laps

    def _timed(self, take: Callable[[], None]) -> None:
        take()
        course = self.under_way
        if course is not None and (laps := self._laps.get(course.order.name)):
            laps[-1].mark("other")

    def _say(
        self, order: Profile, outcome: Literal["done", "refused"], text: str, step: int
    ) -> None:
        self._laps.pop(order.name, None)
        self._send(CommandDone(time.time(), order.command_id, outcome, text, step))

    def _say_written(self, order: Profile, first: int, last: int, facts: Mapping[str, Any]) -> None:
        written = ProfileFacts(**facts, **self._of_rank(order))
        self._send(ProfileWritten(time.time(), order.command_id, order.name, first, last, written))

    def _of_rank(self, order: Profile) -> dict[str, Any]:
        """Return whose it is and where its steps' time went, where ranks are profiled together."""
        if not order.ranks or self._clock is None:
            return {}
        split = [each.seconds(self._clock) for each in self._laps.pop(order.name, ())]
        means = {
            stage: sum(each.get(stage, 0.0) for each in split) / max(1, len(split))
            for stage in STAGES
        }
        exchange_s = tuple(each.get(EXCHANGE, 0.0) for each in split)
        rank = int(order.name.rpartition("-rank")[2])
        return {"rank": rank, "stages_s": means, "exchange_s": exchange_s}
