"""What a script says, line by line, as the events of its run.

Knows messages; nothing of processes. Of several processes that speak one after the other, the
steps of each follow on those of the one before.
"""

import base64
import json
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import tomli_w

from tuitrain.messages import (
    CommandDone,
    Event,
    MetricPoints,
    Numbered,
    ProfileWritten,
    ScriptConfigured,
    ScriptSeen,
    SettingChanged,
    StepsTaken,
    TrainingContinued,
    TrainingEnded,
    TrainingPaused,
    WorkerStarted,
    decode_event,
)
from tuitrain.metric_names import (
    HOST_BOUND_METRIC,
    PARTS,
    WALL_METRIC,
    is_split_metric,
    split_metric,
)
from tuitrain.runs.samples import Kept
from tuitrain.supervisor.intake import Unreadable
from tuitrain.supervisor.scripts.media import kept_of

_SHOWN_CHARACTERS = 200
_UNSAID = frozenset({"lr", "train/loss"})
"""What is seen of a script that logs nothing."""


class ScriptHearing:
    """Turns lines into numbered events.

    Attributes:
        ability: as the script says it.
        last_step: of the run.
        train_s: how long it has trained; None before it said so.
        logs: metrics come by better means than from what it prints.
        by: what it said of where they come from.
        media: images and the like that are to be kept; whoever keeps them empties it.
        ended: it said how it ended, as one that is nobody's child does.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.ability: Literal["watched", "stepped", "checkpoint"] = "watched"
        self.last_step = 0
        self.train_s: float | None = None
        self.logs = False
        self.by: tuple[str, ...] = ()
        self.media: list[Kept] = []
        self.ended = False
        self._clock = clock
        self._attempt = self._sequence = self._offset = 0
        self._spoken = 0
        """The last step that a process told; what is printed may count anything."""

    def begin(self, attempt: int) -> None:
        """Number events as those of this attempt."""
        self._attempt, self._sequence = attempt, 0

    def number(self, event: Event) -> Numbered:
        """Give an event its place."""
        self._sequence += 1
        return Numbered(self._attempt, self._sequence, event)

    def take(self, line: bytes) -> Numbered | Unreadable | None:
        """Return what a line says; None where it is nothing for the record."""
        try:
            message = json.loads(line)
            if isinstance(message, Mapping) and message.get("type") == "MediaLogged":
                kept = kept_of(message)
                self.media.append(replace(kept, step=kept.step + self._offset))
                return None
            event = _event(message, self._clock())
        except ValueError as error:
            shown = line[:_SHOWN_CHARACTERS].decode("utf-8", errors="replace")
            return Unreadable(f"a line of the script, {shown!r}: {error}")
        if isinstance(event, WorkerStarted):
            # Another process speaks from now on; the run's own was told when it was started.
            self._offset, self.ability = self._spoken, "watched"
            return None
        if isinstance(event, ScriptSeen):
            self.ability, self.by = event.ability, event.by
        self.ended = self.ended or isinstance(event, TrainingEnded)
        return self.number(self._shifted(event))

    def _shifted(self, event: Event) -> Event:
        by = self._offset
        if isinstance(event, StepsTaken):
            self._spoken = max(self._spoken, event.last_step + by)
            self.last_step = max(self.last_step, self._spoken)
            self.train_s = event.train_s
            self.logs = self.logs or any(_is_logged(each.name) for each in event.points)
            if not by:
                return event
            points = tuple(_shift_points(each, by) for each in event.points)
            first, last = event.first_step + by, event.last_step + by
            return replace(event, first_step=first, last_step=last, points=points)
        if by and isinstance(event, ProfileWritten):
            first, last = event.first_step + by, event.last_step + by
            return replace(event, first_step=first, last_step=last)
        stepped = SettingChanged | TrainingPaused | TrainingContinued | CommandDone
        if by and isinstance(event, stepped):
            return replace(event, step=(event.step or 0) + by)
        return event


def _event(message: object, now: float) -> Event:
    """Return a message as an event; settings come as they are, and are kept as TOML.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(message, Mapping) or message.get("type") != "Settings":
        return decode_event(_unpacked(message))
    settings = message.get("settings")
    if not isinstance(settings, Mapping):
        raise ValueError("settings that are no table")
    return ScriptConfigured(now, tomli_w.dumps(_for_toml(settings)))


def _is_logged(name: str) -> bool:
    return name not in _UNSAID and not is_split_metric(name)


def _unpacked(message: object) -> object:
    """Return a message whose points are numbers where they came as base64 of float64.

    The parts of its steps are points as well.
    """
    if not isinstance(message, Mapping) or message.get("type") != "StepsTaken":
        return message
    points = [
        {**each, "values": _numbers(each["values"])}
        if isinstance(each.get("values"), str)
        else each
        for each in message.get("points", ())
    ]
    split = message.get("split")
    parts = _parts(split) if isinstance(split, Mapping) else ()
    kept = {name: value for name, value in message.items() if name != "split"}
    return {**kept, "points": [*points, *parts]}


def _parts(split: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield points of what the parts of a step took.

    Raises:
        ValueError: they are no numbers by the names of parts.
    """
    seconds, step, dry = split.get("seconds"), split.get("step"), split.get("ran_dry")
    if not isinstance(seconds, Mapping) or not set(seconds) <= set(PARTS):
        raise ValueError("parts of a step that are none")
    named = {split_metric(part): took_s for part, took_s in seconds.items()}
    if not all(isinstance(number, float) for number in (*named.values(), dry or 0.0)):
        raise ValueError("parts of a step that are no numbers")
    named[WALL_METRIC] = sum(named.values())
    if dry is not None:
        named[HOST_BOUND_METRIC] = dry
    for name, value in named.items():
        yield {"type": "MetricPoints", "name": name, "first_step": step, "values": [value]}


def _numbers(text: str) -> list[float]:
    packed = array("d", base64.b64decode(text, validate=True))
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tolist()


def _for_toml(value: Any) -> Any:
    """Return JSON data without what TOML lacks: a null is left out."""
    if isinstance(value, Mapping):
        return {str(key): _for_toml(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_for_toml(each) for each in value if each is not None]
    return value


def _shift_points(points: MetricPoints, by: int) -> MetricPoints:
    steps = None if points.steps is None else tuple(step + by for step in points.steps)
    return replace(points, first_step=points.first_step + by, steps=steps)
