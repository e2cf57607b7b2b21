"""What a script has counted and logged since the last message, and at which steps it stands.

Knows steps, names and numbers; nothing of pipes or of who logs.
"""

from __future__ import annotations

import base64
import contextlib
import sys
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tuitrain.script.losses import SeenLosses, taken
from tuitrain.script.media import Media

_EPOCHLIKE = 2
"""A metric with fewer steps than a half of the updates counts something else, as epochs."""
_SLACK = 8
"""Updates for which that can't be told yet."""
_FEW = 64
"""Values of a message that are written as digits."""
SEEN_LOSS = "train/loss"
"""What a loss is called that nobody logs, but the backward pass is given."""
_LAST_STEP = 2**62 - 1
"""No step on record is larger."""
_AHEAD = 2
"""Scripts count from 0 or 1, and log before or after the update: so far apart is the same step."""

_MOST_HELD = 64 << 20
"""Bytes of images and the like that wait to be sent."""

Logged = tuple[int, Any, Sequence[tuple[str, Any]]]
"""Updates so far, the script's own step where it gave one, and names with their values."""


class Placing:
    """At which step of the run each metric's values stand.

    The script's own steps hold where they can: a count that goes on from an earlier run, or counts
    batches or samples, moves the run's step along with it. A metric whose steps run slower than
    the updates, as epochs do, or go back, as folds do, stands at the update that it was logged at.
    """

    def __init__(self) -> None:
        self._ahead = 0
        """Added to the updates, it gives the run's step."""
        self._last: dict[str, int] = {}
        self._by_update: set[str] = set()

    def step(self, updates: int) -> int:
        """Return the run's step after so many updates."""
        return updates + self._ahead

    def place(self, name: str, updates: int, given: int | None) -> int:
        """Return the step at which a value stands.

        Args:
            name: of the metric.
            updates: that were made when it was logged.
            given: the step that the script gave with it.
        """
        shown, before = self.step(updates), self._last.get(name, -1)
        if given is not None and (given < shown / _EPOCHLIKE - _SLACK or given < before):
            self._by_update.add(name)
        if given is None or name in self._by_update:
            # Of several values at one update none is lost: each is a step of its own.
            step = max(shown, before + 1)
            follows = not updates
        else:
            step, follows = max(0, given), True
        self._last[name] = step
        if follows and step > shown + (_AHEAD if updates else 0):
            self._ahead += step - shown
        return step


class PointLog:
    """Collects what is to be sent.

    Attributes:
        updates: of the optimizer that counts, or calls of `step`; only ever raised.
        raised_by: what an update of an optimizer adds to them: 0 where calls of `step` alone count.
        seen: losses as the backward pass is given them, for as long as nobody logs one.
        due: there is something to do at the next boundary: it is the first, or something waits.
        device_due: values on a device wait to be read where the script's own thread may wait.
        problem: what is to be said of steps that were given; empty: nothing.
        step_s: how long a step took between the last two messages; 0: it is not known.
    """

    def __init__(self) -> None:
        self.updates = 0
        self.raised_by = 1
        self.seen = SeenLosses()
        self.due = True
        self.device_due = False
        self.problem = ""
        self.placing = Placing()
        self._on_device: list[Logged] = []
        self._media: list[tuple[int, int | None, str, Media]] = []
        self._logged: list[Logged] = []
        self.step_s = 0.0
        self._sent = 0
        self._begun: float | None = None
        self._taken_at = 0.0
        self._still_s = 0.0

    @property
    def step_now(self) -> int:
        """The run's step."""
        return self.placing.step(self.updates)

    @property
    def waiting(self) -> int:
        """How many values, images and the like wait to be taken."""
        return len(self._logged) + len(self._media)

    def count_own_steps(self) -> None:
        """Count what calls `step` alone; updates of optimizers are no steps any more."""
        if self.raised_by:
            self.raised_by = 0
            # The update of the step that is about to be told is counted.
            self.updates = max(0, self.updates - 1)

    def begin(self) -> None:
        """Note that training begins now, unless it has."""
        if self._begun is None:
            self._begun = time.time()

    def stood_still(self, seconds: float) -> None:
        """Note that training was held for so long."""
        self._still_s += seconds

    def log(self, values: Sequence[tuple[str, Any]], given: int | None) -> None:
        """Take in values of now; costs as little as an append."""
        self._logged.append((self.updates, given, values))

    def log_media(self, items: Iterable[tuple[str, Media]], given: int | None) -> str:
        """Take in images and the like; return what is to be said of those that are left out."""
        problem = ""
        held = sum(each.size_bytes for _at, _given, _name, each in tuple(self._media))
        for name, item in items:
            held += item.size_bytes
            if item.problem:
                problem = item.problem
            elif held > _MOST_HELD:
                problem = f"more than {_MOST_HELD >> 20} MiB of images wait: some were left out"
            else:
                self._media.append((self.updates, given, name, item))
        return problem

    def take_media(self, now: float) -> Iterator[dict[str, Any]]:
        """Yield messages of the images and the like that came since the last call."""
        for at, given, name, item in taken(self._media):
            # One of a training step stands where the numbers that are logged with it do.
            step = self.placing.place(name, at, self._given(given))
            placed = {"type": "MediaLogged", "time": now, "step": step, "name": name}
            yield {**placed, "media": item.message()}

    def log_device(self, values: Sequence[tuple[str, Any]], given: int | None) -> None:
        """Take in tensors of a device, which are read with the others a moment later."""
        self._on_device.append((self.updates, given, values))

    def read_device(self) -> None:
        """Read what is on a device: waits for it, so the thread that trains calls this."""
        self.device_due = False
        self._logged += [
            (at, given, [(name, as_number(value)) for name, value in values])
            for at, given, values in taken(self._on_device)
        ]

    def take(self, now: float) -> list[dict[str, Any]]:
        """Return messages of what came since the last call."""
        self.device_due = bool(self._on_device)
        self.due = self.due or self.device_due
        updates, logged = self.updates, taken(self._logged)
        curves: dict[str, dict[int, float]] = {}
        for at, given, values in logged:
            wanted = self._given(given)
            for name, value in values:
                number = as_number(value)
                if number is not None:
                    curves.setdefault(str(name), {})[self.placing.place(name, at, wanted)] = number
        self.seen.wanted = self.seen.wanted and not any("loss" in name.lower() for name in curves)
        self.step_s = self._step_s(updates, now)
        self.seen.follow(self.step_s)
        packed = [_packed(name, curve) for name, curve in curves.items()]
        places, losses = self.seen.take()
        if places:
            ahead = self.placing.step(0)
            packed.append(_message(SEEN_LOSS, [at + ahead for at in places], losses))
        if not packed and updates == self._sent:
            return []
        first, last = self.placing.step(self._sent + 1), self.placing.step(updates)
        self._sent = updates
        begun = self._begun if self._begun is not None else now
        return [
            {
                "type": "StepsTaken",
                "time": now,
                "first_step": min(first, last),
                "last_step": last,
                "epoch": 0.0,
                "train_s": max(0.0, now - begun - self._still_s),
                "points": packed,
            }
        ]

    def _given(self, step: Any) -> int | None:
        """Return the step that a script gave, which may be anything; None where it is none."""
        if step is None:
            return None
        with contextlib.suppress(Exception):  # an object of anybody's
            whole = int(step)
            if whole <= _LAST_STEP:
                return whole
        self.problem = f"step={step!r} is no step: its values stand at the run's own"
        return None

    def _step_s(self, updates: int, now: float) -> float:
        """Return how long a step took since the last message; 0: there was none."""
        before, self._taken_at = self._taken_at, now
        steps = updates - self._sent
        return max(0.0, now - before) / steps if before and steps else 0.0


def _packed(name: str, curve: Mapping[int, float]) -> dict[str, Any]:
    steps = sorted(curve)
    return _message(name, steps, [curve[step] for step in steps])


def _message(name: str, steps: list[int], values: list[float]) -> dict[str, Any]:
    gapless = steps[-1] - steps[0] + 1 == len(steps)
    return {
        "type": "MetricPoints",
        "name": name,
        "first_step": steps[0],
        "values": values if len(values) < _FEW else pack(values),
        "steps": None if gapless else steps,
    }


def pack(values: Sequence[float]) -> str:
    """Return numbers as text: base64 of float64, little-endian, which is faster than digits."""
    packed = array("d", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode("ascii")


def as_number(value: Any) -> float | None:
    """Return a value as a number; None where it is none, or several."""
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (str, bytes)) or value is None:
        return None
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except Exception:  # an object of anybody's
        return None
