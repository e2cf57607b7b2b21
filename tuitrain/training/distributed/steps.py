"""The steps since the last beat, of all ranks together: what a rank brings to a beat and takes.

Losses and train metrics become those of the whole batch, as one rank would have measured them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tuitrain.messages import AlertRaised, Event, MetricPoints
from tuitrain.metric_names import STAGES, rank_metric, split_metric
from tuitrain.ranks import RANK_MEMORY, RankMemory
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.distributed.beat import Met, Slot
from tuitrain.training.distributed.channel import QuietChannel
from tuitrain.training.distributed.profiles import ProfileAnswers, RankProfiles
from tuitrain.training.distributed.world import World
from tuitrain.training.metrics.named import Values
from tuitrain.training.metrics.recorder import KEPT_BYTES, Flushed, StepRecorder
from tuitrain.training.profiling.timing import StepTimer

TELL_S = 1.0
"""How often what each rank takes is recorded."""
_NUMBERS = 3
"""Of a step: its loss, its train metric times its samples, its samples."""


class SharedSteps:
    """Brings this rank's steps to a beat and hands out those of all ranks."""

    def __init__(
        self,
        recorder: StepRecorder,
        timer: StepTimer,
        world: World,
        channel: WorkerChannel,
        held: Callable[[], RankMemory],
        profiles: RankProfiles,
        answers: ProfileAnswers,
    ) -> None:
        """Share what `recorder` holds.

        Args:
            recorder: of this rank.
            timer: of this rank's steps.
            world: the ranks.
            channel: takes events; that of a rank other than 0 keeps alerts for the beat.
            held: what this rank holds of its machine.
            profiles: of this rank.
            answers: on rank 0, puts what becomes of those of all ranks together.
        """
        self._recorder = recorder
        self._timer = timer
        self._world = world
        self._send = channel.send
        self._quiet = channel if isinstance(channel, QuietChannel) else None
        self._held = held
        self._profiles = profiles
        self._answers = answers
        self._first = 1
        self._own: Flushed | None = None
        self._sizes: list[int] = []
        self._whole: Flushed | None = None
        self._step_bytes = 0
        self._stages = (0.0,) * len(STAGES)
        self._slots: tuple[Slot, ...] = ()
        self._told_at = 0.0
        self._passed_on: set[str] = set()

    def begin(self, step: int) -> None:
        """Count from a step on."""
        self._first = step + 1

    # --- for the beat -----------------------------------------------------------------------------

    def load(self) -> list[float]:
        """Return this rank's part of each step's numbers."""
        if not len(self._recorder):
            self._own = None
            return []
        self._timer.begin_flush()
        self._sizes = self._recorder.step_samples()
        steps = len(self._sizes)
        self._step_bytes = max(self._step_bytes, self._recorder.kept_bytes // steps)
        own = self._own = self._recorder.flush(self._first)
        self._first = own.last_step + 1
        found: list[float] = []
        for loss, measured, size in zip(own.losses, own.measured, self._sizes, strict=True):
            found += (loss, measured * size if size else 0.0, size)
        return found

    def slot(self) -> Slot:
        """Return what this rank tells of itself."""
        named = self._own is not None and bool(self._own.named)
        speaks = named or (self._quiet is not None and self._quiet.has_events)
        return Slot(
            speaks=float(speaks),
            profile=self._profiles.room(),
            held=self._held(),
            stages_s=self._stages,
        )

    def say(self) -> Any:
        """Return named values with the samples of each step, and events of this rank alone."""
        named = self._own.named if self._own is not None else {}
        return named, self._sizes, self._take_own()

    def _take_own(self) -> list[Event]:
        return self._quiet.take_own() if self._quiet is not None else []

    def tell_rest(self) -> None:
        """Tell what is left once all ranks have taken their last step."""
        for rank, events in enumerate(self._world.gather(self._take_own())):
            self._pass_on(rank, events)

    def take(self, met: Met, said: list[Any]) -> None:
        """Make of this rank's steps those of all ranks."""
        self._slots = met.slots
        self._profiles.meet([slot.profile for slot in met.slots])
        for rank, (_named, _sizes, events) in enumerate(said):
            self._pass_on(rank, events)
        own, self._own = self._own, None
        if own is None:
            return
        steps = [met.sums[at : at + _NUMBERS] for at in range(0, len(met.sums), _NUMBERS)]
        own.losses = [loss / self._world.size for loss, _measured, _samples in steps]
        own.measured = [measured / samples for _loss, measured, samples in steps]
        own.samples = int(sum(samples for _loss, _measured, samples in steps))
        own.named = merge_named([each[:2] for each in said], own.first_step)
        self._whole = own

    def most_steps(self) -> int:
        """Return how many steps' outputs may be held."""
        return max(1, KEPT_BYTES // self._step_bytes) if self._step_bytes else 1 << 30

    def _pass_on(self, rank: int, events: Sequence[Event]) -> None:
        for event in events if self._world.leads else ():
            if not isinstance(event, AlertRaised):
                self._answers.take(event, rank)
            elif event.text not in self._passed_on:
                self._passed_on.add(event.text)
                self._send(replace(event, text=f"{self._world.name(rank)}: {event.text}"))

    # --- for who tells of it ----------------------------------------------------------------------

    def flush(self) -> Flushed | None:
        """Hand out the steps of all ranks since the last time, if there are any."""
        whole, self._whole = self._whole, None
        return whole

    def note_split(self, points: Sequence[MetricPoints]) -> None:
        """Take what a step was last split into on this rank."""
        named = {point.name: point.values[-1] for point in points}
        if named:
            self._stages = tuple(named.get(split_metric(stage), 0.0) for stage in STAGES)

    def points(self, step: int) -> tuple[MetricPoints, ...]:
        """Return what each rank last took for a stage and holds in memory, once a second."""
        now = time.monotonic()
        if now < self._told_at or not self._slots:
            return ()
        self._told_at = now + TELL_S
        # Ranks are compared: a step of one of them says nothing before all have timed some.
        timed = all(any(slot.stages_s) for slot in self._slots)
        return tuple(
            MetricPoints(rank_metric(rank, name), step, (value,))
            for rank, slot in enumerate(self._slots)
            for name, value in _told(slot, timed)
        )


def _told(slot: Slot, timed: bool) -> list[tuple[str, float]]:
    held = zip(RANK_MEMORY, slot.held.numbers(), strict=True)
    # A device that tells nothing has no curve.
    told = [(name, value) for name, value in held if value]
    return [*zip(STAGES, slot.stages_s, strict=True), *told] if timed else told


def merge_named(said: Sequence[tuple[Values, Sequence[int]]], first_step: int) -> Values:
    """Return the mean over all ranks of what each was told by name, weighed by samples.

    Args:
        said: of each rank, values by name, and the samples of each step.
        first_step: the number of the first step.
    """
    sums: dict[str, dict[int, tuple[float, float]]] = {}
    for named, sizes in said:
        for name, (steps, values) in named.items():
            found = sums.setdefault(name, {})
            for step, value in zip(steps, values, strict=True):
                size = sizes[step - first_step]
                total, weight = found.get(step, (0.0, 0.0))
                found[step] = (total + value * size, weight + size) if size else (total, weight)
    return {name: _means(found) for name, found in sums.items()}


def _means(sums: Mapping[int, tuple[float, float]]) -> tuple[list[int], list[float]]:
    steps = sorted(step for step, (_total, weight) in sums.items() if weight)
    return steps, [sums[step][0] / sums[step][1] for step in steps]
