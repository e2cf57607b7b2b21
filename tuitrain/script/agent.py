"""One process of a script, as it is watched: counts steps, sends what is logged, obeys commands.

The one place that holds the parts together; what counts and logs calls it, and it calls nobody
back but the loop's own `Controls`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from tuitrain.script import wire
from tuitrain.script.controls import NO_CHECKPOINT, Controls
from tuitrain.script.link import Link, Message
from tuitrain.script.points import SEEN_LOSS, PointLog
from tuitrain.script.rates import Rates, current_rate

_Function = TypeVar("_Function", bound=Callable[..., Any])

_STOP_LIMIT_S = 10.0
"""A loop that reaches no boundary for so long, as one that is over, is stopped as by Ctrl-C."""


class Agent:
    """What watches this process.

    Attributes:
        points: what is counted and logged.
        controls: of the loop.
        paused: training is held at a boundary.
    """

    def __init__(self) -> None:
        self.points = PointLog()
        self.controls = Controls()
        self.paused = False
        self._link: Link | None = None
        self._mute = self._tells_end = False
        self._stepped = self._own_steps = False
        self._optimizer: Callable[[], Any] = lambda: None
        self._rates = Rates()
        self._heard_of: dict[str, str] = {}
        self._told: set[str] = set()
        self._ability = ""
        self._stop_asked: float | None = None

    # --- being heard ----------------------------------------------------------------------------

    @property
    def is_heard(self) -> bool:
        """Return whether this process speaks for the run; the first to count or log does."""
        if self._link is None and not self._mute:
            self._connect()
        return self._link is not None

    def _connect(self) -> None:
        self._mute = True
        if not wire.is_supervised():
            return
        try:
            claimed = wire.claim()
        except wire.LinkError as error:
            wire.say(f"not watched: {error}")
            return
        if claimed is not None:
            self.attach(*claimed)

    def attach(self, pipes: wire.Pipes, lock: int = -1, *, tells_end: bool = False) -> None:
        """Speak through pipes that are open.

        Args:
            pipes: to the supervisor.
            lock: the descriptor that is held meanwhile; -1: none.
            tells_end: nobody waits for this process, so it says itself how it ends.
        """
        self._tells_end = tells_end
        self._link = link = Link(pipes, lock, self._collect)
        self._mute = True
        link.start({"type": "WorkerStarted", "time": time.time(), "pid": os.getpid()})
        # Registered late, so that it is called before what the script's libraries registered.
        atexit.register(self.finish)

    def finish(self, error: BaseException | None = None) -> None:
        """Send the last, and be silent from then on.

        Args:
            error: what ended training, where something did.
        """
        link = self._link
        if link is None or link.closed:
            return
        with contextlib.suppress(Exception):
            self.points.read_device()
        if self._tells_end:
            link.flush()
            failed = error or getattr(sys, "last_value", None)
            link.send(_ending(failed, self._step_now()))
        link.finish()

    def renew(self) -> None:
        """Begin anew, as another run of the same process."""
        self.points = PointLog()
        self.controls = Controls()
        self._link = None
        self._mute = self._stepped = self._own_steps = self.paused = False
        self._ability = ""

    @property
    def link(self) -> Link | None:
        """The connection; None where this process is not heard."""
        return self._link

    def forget(self) -> None:
        """Be silent in a forked child: its parent speaks, or whichever of them trains first."""
        link, self._link = self._link, None
        if link is not None:
            link.forget()
            atexit.unregister(self.finish)
        self.points = PointLog()
        self._mute = self._stepped = self.paused = False

    def hear(self, source: str, words: str) -> None:
        """Note where metrics or steps come from, for the run's header.

        Args:
            source: a short word.
            words: what it is to be called.
        """
        self._heard_of.setdefault(source, words)

    def tell(self, text: str, detail: str = "") -> None:
        """Raise an alert, once for each text."""
        if text in self._told:
            return
        self._told.add(text)
        step = self.points.placing.step(self.points.updates)
        alert = {"type": "AlertRaised", "time": time.time(), "step": step, "kind": "script"}
        if self._link is not None:
            self._link.send({**alert, "text": text, "detail": detail})

    def drop(self, what: str, error: BaseException) -> None:
        """Say, once, that a hook failed and is gone."""
        text = f"the hook on {what} failed and is off: {type(error).__name__}: {error}"
        if text not in self._told:
            wire.say(text)
        self.tell(text)

    # --- metrics --------------------------------------------------------------------------------

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Take in values; numbers are kept, all else is passed over."""
        if not self.is_heard:
            return
        points = self.points
        points.begin()
        kept = [(name, _still(value)) for name, value in values.items()]
        if any(hasattr(value, "detach") for _name, value in kept):
            points.log_device(kept, step)
        else:
            points.log(kept, step)
        if points.due:
            points.read_device()

    def _collect(self) -> Iterable[Message]:
        """Return what there is to send; called in the thread."""
        try:
            self._watch_stop()
            rate = current_rate(self._optimizer())
            if rate is not None and self.points.updates and not self.paused:
                self.points.log([("lr", rate)], None)
            yield from self.points.take(time.time())
            yield from self._abilities()
        except Exception as error:  # what is logged is anybody's
            self.drop("what is logged", error)

    def _abilities(self) -> Iterable[Message]:
        """Say what can be asked, where that has changed."""
        level = "watched"
        if self._stepped:
            level = "checkpoint" if self.controls.can_save else "stepped"
        by = [self.controls.name, *self._heard_of.values()]
        total = self.controls.total_steps
        seen = f"{level} {by} {total}"
        if seen != self._ability:
            self._ability = seen
            yield {
                "type": "ScriptSeen",
                "time": time.time(),
                "ability": level,
                "by": [each for each in dict.fromkeys(by) if each],
                "total_steps": total,
            }

    # --- steps ----------------------------------------------------------------------------------

    def count_own_steps(self) -> None:
        """Count what calls `step` alone; updates of optimizers are no steps any more."""
        if not self._own_steps:
            self._own_steps = True
            # The update of the step that is about to be told is counted.
            self.points.updates = max(0, self.points.updates - 1)

    def update(self, optimizer: Any, loss: Any = None) -> None:
        """Take in an update of an optimizer: a step, and a boundary.

        Args:
            optimizer: the one that counts.
            loss: seen in the backward pass before it; None: none was.
        """
        points = self.points
        if loss is not None:
            if type(loss) is float:
                points.losses.append((points.updates + (not self._own_steps), loss))
            else:
                points.log_device(((SEEN_LOSS, loss),), None)
        if not self._own_steps:
            self.step(optimizer)

    def step(self, optimizer: Any = None) -> None:
        """Take in a step, and obey what was asked; pauses are spent here.

        Raises:
            Stop: the run is to end, and the loop has no flag for it.
        """
        points = self.points
        points.updates += 1
        if not self._stepped:
            self._begin_steps()
        if points.due:
            points.read_device()
        link = self._link
        if link is not None and link.attention:
            self._obey(link, optimizer)

    def _begin_steps(self) -> None:
        self._stepped = True
        if self.is_heard:
            self.points.begin()

    @property
    def is_following(self) -> bool:
        """Return whether there is an optimizer whose rate can be changed."""
        return self._optimizer() is not None

    def follow(self, optimizer: Callable[[], Any]) -> None:
        """Change the rate of this optimizer; called to get it, None once it is gone."""
        self._optimizer = optimizer

    # --- commands -------------------------------------------------------------------------------

    def _obey(self, link: Link, optimizer: Any) -> None:
        begun = time.time()
        held = False
        while True:
            while (command := link.next_command()) is not None:
                self._carry_out(link, command, optimizer)
            if not self.paused or link.closed:
                break
            held = True
            link.arrived.wait(1.0)
        self.paused = False
        if held:
            self.points.stood_still(time.time() - begun)

    def _carry_out(self, link: Link, command: Mapping[str, Any], optimizer: Any) -> None:
        answer = _Answer(link, int(command.get("command_id") or 0), self._step_now)
        kind = command.get("type")
        if kind == "Pause":
            self._pause(link, command, answer)
        elif kind == "Continue":
            self._continue(link, answer)
        elif kind == "Stop":
            self._stop_asked = None
            self.paused = False
            answer("done", f"stops after step {self._step_now()}")
            self.controls.stop()
        elif kind == "SaveCheckpoint":
            self._save(command, answer)
        elif kind == "ChangeSetting":
            self._set(link, command, optimizer, answer)
        else:
            answer("refused", _REFUSALS.get(str(kind), f"a script does not know {kind}"))

    def _step_now(self) -> int:
        return self.points.placing.step(self.points.updates)

    def _pause(self, link: Link, command: Mapping[str, Any], answer: _Answer) -> None:
        if command.get("release"):
            answer("refused", _REFUSALS["release"])
            return
        step = self._step_now()
        if not self.paused:
            self.paused = True
            reason = "by command; the process holds, and keeps its memory"
            link.send(
                {"type": "TrainingPaused", "time": time.time(), "step": step, "reason": reason}
            )
        answer("done", f"holds after step {step}")

    def _continue(self, link: Link, answer: _Answer) -> None:
        step = self._step_now()
        if self.paused:
            self.paused = False
            link.send({"type": "TrainingContinued", "time": time.time(), "step": step})
        answer("done", f"goes on after step {step}")

    def _save(self, command: Mapping[str, Any], answer: _Answer) -> None:
        name = str(command.get("name") or "") or f"step-{self._step_now():08d}"
        try:
            self.controls.save(name, answer)
        except Exception as error:  # the script's own function, or a full disk
            answer("refused", f"the script's own saving failed: {type(error).__name__}: {error}")

    def _set(self, link: Link, command: Mapping[str, Any], optimizer: Any, answer: _Answer) -> None:
        key, value = command.get("key"), command.get("value")
        found = optimizer if optimizer is not None else self._optimizer()
        if key != "optimizer.lr" or found is None:
            answer("refused", _REFUSALS["set"] if key != "optimizer.lr" else _REFUSALS["rate"])
            return
        try:
            old, schedulers = self._rates.change(found, float(value))  # type: ignore[arg-type]
        except Exception as error:  # an optimizer of anybody's
            answer("refused", f"{type(error).__name__}: {error}")
            return
        step = self._step_now()
        changed = {"type": "SettingChanged", "time": time.time(), "step": step, "key": key}
        link.send({**changed, "old": old, "new": float(value)})  # type: ignore[arg-type]
        answer("done", f"{type(found).__name__}: {old:.6g} -> {value:.6g}{_proportion(schedulers)}")

    def _watch_stop(self) -> None:
        """Interrupt a loop that is to stop and comes to no boundary, as after its end."""
        link = self._link
        if link is None or not link.waits_for("Stop"):
            self._stop_asked = None
            return
        now = time.monotonic()
        if self._stop_asked is None:
            self._stop_asked = now
        elif now - self._stop_asked > _STOP_LIMIT_S:
            for command in link.drop("Stop"):
                answer = _Answer(link, int(command.get("command_id") or 0), self._step_now)
                answer("done", "no step came for 10 s: interrupted as by Ctrl-C")
            import _thread

            _thread.interrupt_main()


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
    "Profile": "steps of a script can't be profiled; `tuitrain stacks` shows where it is",
    "SaveCheckpoint": NO_CHECKPOINT,
}


def _ending(error: BaseException | None, step: int) -> Message:
    """Return how this process ends, as an event."""
    state, reason = "finished", "the script ended"
    if isinstance(error, KeyboardInterrupt):
        state, reason = "stopped", str(error) or "interrupted, as by Ctrl-C"
    elif error is not None:
        state, reason = "failed", f"{type(error).__name__}: {error}"
    trace = ""
    if error is not None:
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    ended = {"type": "TrainingEnded", "time": time.time(), "step": step}
    return {**ended, "state": state, "reason": reason, "traceback": trace}


def _proportion(schedulers: list[str]) -> str:
    return f"; {' and '.join(schedulers)} goes on from it in proportion" if schedulers else ""


def _still(value: Any) -> Any:
    """Return a value that no later step changes."""
    if isinstance(value, (float, int, str)):
        return value
    try:
        if hasattr(value, "detach"):
            # Of a GPU: copied there, and read later, for reading waits for the device.
            return value.item() if value.is_cpu else value.detach().clone()
        return value.item() if hasattr(value, "item") else value
    except Exception:  # several numbers, or an object of anybody's
        return None


_agent: Agent | None = None
_making = threading.Lock()


def agent() -> Agent:
    """Return what watches this process."""
    global _agent  # noqa: PLW0603
    with _making:
        if _agent is None:
            _agent = Agent()
            os.register_at_fork(after_in_child=_agent.forget)
    return _agent


def guarded(what: str) -> Callable[[_Function], _Function]:
    """Let a function of ours fail without harm: it is told once, and the function is a no-op then.

    Args:
        what: is said to have been hooked.
    """

    def wrap(function: _Function) -> _Function:
        failed = False

        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal failed
            if failed:
                return None
            try:
                return function(*args, **kwargs)
            except Exception as error:
                failed = True
                with contextlib.suppress(Exception):
                    agent().drop(what, error)
                return None

        return call  # type: ignore[return-value]

    return wrap
