"""Carries out what was asked of a script, between two of its steps.

Knows the link, the steps and the loop's controls; nothing of what is logged. A pause is spent here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from tuitrain.script.controls import NO_CHECKPOINT, Controls
from tuitrain.script.link import Link
from tuitrain.script.points import PointLog
from tuitrain.script.profiles import ScriptProfiles
from tuitrain.script.rates import Rates

_STOP_LIMIT_S = 10.0
"""A loop that reaches no boundary for so long, as one that is over, is stopped as by Ctrl-C."""


class Commands:
    """Obeys, for one run.

    Attributes:
        controls: of the loop.
        optimizer: returns the one whose rate can be changed; None where there is none.
        paused: training is held at a boundary.
    """

    def __init__(self, points: PointLog) -> None:
        """Obey at the steps of a log.

        Args:
            points: what is counted.
        """
        self.controls = Controls()
        self.optimizer: Callable[[], Any] = lambda: None
        self.paused = False
        self._points = points
        self._rates = Rates()
        self._profiles: ScriptProfiles | None = None
        self._stop_asked: float | None = None

    @property
    def is_following(self) -> bool:
        """Return whether there is an optimizer whose rate can be changed."""
        return self.optimizer() is not None

    @property
    def is_profiling(self) -> bool:
        """Return whether steps are being profiled, or about to be."""
        return self._profiles is not None and self._profiles.is_under_way

    def obey(self, link: Link, optimizer: Any) -> None:
        """Carry out what waits; returns once training goes on.

        Args:
            link: has the commands.
            optimizer: the one of this step; None: it is not known.

        Raises:
            Stop: the run is to end, and the loop has no flag for it.
        """
        begun, held = time.time(), False
        if self._profiles is not None:
            self._profiles.leave(self._points.step_now)
        while True:
            while (command := link.next_command()) is not None:
                self._carry_out(link, command, optimizer)
            if not self.paused or link.closed:
                break
            held = True
            link.arrived.wait(1.0)
        self.paused = False
        if held:
            self._points.stood_still(time.time() - begun)
        if self._profiles is not None and self._profiles.go_on(self._points.step_now):
            # It wants to know of each step.
            link.attention = True

    def finish(self) -> None:
        """End a profile that is under way, as training is over."""
        if self._profiles is not None:
            self._profiles.finish(self._points.step_now)

    def forget(self) -> None:
        """Leave everything to the parent of this process, which was forked."""
        self.paused = False
        if self._profiles is not None:
            self._profiles.forget()

    def watch_stop(self, link: Link) -> None:
        """Interrupt a loop that is to stop and comes to no boundary, as after its end."""
        if not link.waits_for("Stop"):
            self._stop_asked = None
            return
        now = time.monotonic()
        if self._stop_asked is None:
            self._stop_asked = now
        elif now - self._stop_asked > _STOP_LIMIT_S:
            for command in link.drop("Stop"):
                answer = self._answer_to(link, command)
                answer("done", "no step came for 10 s: interrupted as by Ctrl-C")
            import _thread

            _thread.interrupt_main()

    def _answer_to(self, link: Link, command: Mapping[str, Any]) -> _Answer:
        return _Answer(link, int(command.get("command_id") or 0), lambda: self._points.step_now)

    def _carry_out(self, link: Link, command: Mapping[str, Any], optimizer: Any) -> None:
        answer = self._answer_to(link, command)
        kind = command.get("type")
        if kind == "Pause":
            self._pause(link, command, answer)
        elif kind == "Continue":
            self._continue(link, answer)
        elif kind == "Stop":
            self._stop_asked = None
            self.paused = False
            answer("done", f"stops after step {self._points.step_now}")
            self.controls.stop()
        elif kind == "SaveCheckpoint":
            self._save(command, answer)
        elif kind == "ChangeSetting":
            self._set(link, command, optimizer, answer)
        elif kind == "Profile":
            self._profile(link, command)
        else:
            answer("refused", _REFUSALS.get(str(kind), f"a script does not know {kind}"))

    def _pause(self, link: Link, command: Mapping[str, Any], answer: _Answer) -> None:
        if command.get("release"):
            answer("refused", _REFUSALS["release"])
            return
        step = self._points.step_now
        if not self.paused:
            self.paused = True
            reason = "by command; the process holds, and keeps its memory"
            link.send(
                {"type": "TrainingPaused", "time": time.time(), "step": step, "reason": reason}
            )
        answer("done", f"holds after step {step}")

    def _continue(self, link: Link, answer: _Answer) -> None:
        step = self._points.step_now
        if self.paused:
            self.paused = False
            link.send({"type": "TrainingContinued", "time": time.time(), "step": step})
        answer("done", f"goes on after step {step}")

    def _save(self, command: Mapping[str, Any], answer: _Answer) -> None:
        name = str(command.get("name") or "") or f"step-{self._points.step_now:08d}"
        try:
            self.controls.save(name, answer)
        except Exception as error:  # the script's own function, or a full disk
            answer("refused", f"the script's own saving failed: {type(error).__name__}: {error}")

    def _set(self, link: Link, command: Mapping[str, Any], optimizer: Any, answer: _Answer) -> None:
        key, value = command.get("key"), command.get("value")
        found = optimizer if optimizer is not None else self.optimizer()
        if key != "optimizer.lr" or found is None:
            answer("refused", _REFUSALS["set"] if key != "optimizer.lr" else _REFUSALS["rate"])
            return
        try:
            old, schedulers = self._rates.change(found, float(value))  # type: ignore[arg-type]
        except Exception as error:  # an optimizer of anybody's
            answer("refused", f"{type(error).__name__}: {error}")
            return
        step = self._points.step_now
        changed = {"type": "SettingChanged", "time": time.time(), "step": step, "key": key}
        link.send({**changed, "old": old, "new": float(value)})  # type: ignore[arg-type]
        answer("done", f"{type(found).__name__}: {old:.6g} -> {value:.6g}{_proportion(schedulers)}")

    def _profile(self, link: Link, command: Mapping[str, Any]) -> None:
        if self._profiles is None:
            self._profiles = ScriptProfiles(link)
        self._profiles.begin(command, self._points.step_now)


class _Answer:
    """Says what became of one command."""

    def __init__(self, link: Link, command_id: int, step: Callable[[], int]) -> None:
        self._link, self._id, self._step = link, command_id, step

    def __call__(self, outcome: str, text: str) -> None:
        if self._id:
            done = {"type": "CommandDone", "time": time.time(), "command_id": self._id}
            self._link.send({**done, "outcome": outcome, "text": text, "step": self._step()})


_REFUSALS = {
    "release": (
        "a script can't give its memory back and go on: only presets of tuitrain resume exactly; "
        "pause holds it as it is, stop ends it"
    ),
    "set": "of a script only optimizer.lr can be changed",
    "rate": (
        "no optimizer of torch was seen, so there is no learning rate to set: "
        "`run.step(optimizer)` of the API names it"
    ),
    "Evaluate": "when this script evaluates is its own business: only presets evaluate on command",
    "SaveCheckpoint": NO_CHECKPOINT,
}


def _proportion(schedulers: list[str]) -> str:
    return f"; {' and '.join(schedulers)} goes on from it in proportion" if schedulers else ""
