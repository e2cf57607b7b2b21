"""One process of a script, as it is watched: counts steps, and sends what is logged.

The one place that holds the parts together; what counts and logs calls it, and it calls nobody
back.
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
from pathlib import Path
from typing import Any, TypeVar

from tuitrain.script import wire
from tuitrain.script.boundary import Boundary
from tuitrain.script.commands import Commands
from tuitrain.script.link import Link, Message
from tuitrain.script.media import Media, media_of
from tuitrain.script.notes import Notes
from tuitrain.script.points import PointLog
from tuitrain.script.ranks import is_rank_open, rank_here
from tuitrain.script.rates import current_rate
from tuitrain.script.split import StepSplit

_MOST_WAITING = 10_000
"""Values that wait until it is known which process is rank 0: then this one tries to speak."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Agent:
    """What watches this process.

    Attributes:
        points: what is counted and logged.
        commands: carries out what is asked.
        boundary: where that is done.
        notes: what is said of the run beside its numbers.
        split: where the time of steps goes.
    """

    def __init__(self) -> None:
        self.split = StepSplit()
        self.points = PointLog()
        self.commands = Commands(self.points)
        self.boundary = Boundary(self.points, self.commands)
        self.notes = Notes()
        self._link: Link | None = None
        self._mute = self._tells_end = False

    # --- being heard ----------------------------------------------------------------------------

    @property
    def is_heard(self) -> bool:
        """Return whether this process speaks for the run; the first to count or log does."""
        if self._link is None and not self._mute:
            self._connect()
        return self._link is not None

    def _connect(self) -> None:
        supervised = wire.is_supervised()
        if supervised and self._waits and is_rank_open():
            return
        self._mute = True
        if not supervised:
            return
        try:
            claimed = wire.claim(rank_here()[0])
        except wire.LinkError as error:
            wire.say(f"not watched: {error}")
            return
        if claimed is not None:
            self.attach(*claimed, folder=wire.run_folder())

    @property
    def _waits(self) -> bool:
        """Whether what is logged may wait until the rank of this process is known."""
        return not self.points.updates and self.points.waiting < _MOST_WAITING

    def attach(
        self,
        pipes: wire.Pipes,
        lock: int = -1,
        *,
        folder: Path | None = None,
        tells_end: bool = False,
    ) -> None:
        """Speak through pipes that are open.

        Args:
            pipes: to the supervisor.
            lock: the descriptor that is held meanwhile; -1: none.
            folder: of the run.
            tells_end: nobody waits for this process, so it says itself how it ends.
        """
        self._tells_end = tells_end
        self._link = link = Link(pipes, lock, self._collect, folder)
        self._mute = True
        self.split.start()
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
        with contextlib.suppress(Exception):
            self.commands.finish()
        if self._tells_end:
            link.flush()
            failed = error or getattr(sys, "last_value", None)
            link.send(_ending(failed, self.points.step_now))
        link.finish()

    def renew(self) -> None:
        """Begin anew, as another run of the same process."""
        self._count_anew()
        self._link = None
        self._mute = False

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
        self.commands.forget()
        self.boundary.forget()
        raised_by = self.points.raised_by
        self._count_anew()
        self.points.raised_by = raised_by
        self._mute = False

    def _count_anew(self) -> None:
        optimizer = self.commands.optimizer
        self.points = PointLog()
        self.commands = Commands(self.points)
        self.commands.optimizer = optimizer
        self.boundary = Boundary(self.points, self.commands)
        self.split.reset()
        self.notes.say_again()

    # --- metrics --------------------------------------------------------------------------------

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Take in values: numbers, images and the like are kept, all else is passed over."""
        if not self.is_heard and self._mute:
            return
        points = self.points
        points.begin()
        kept = [(name, _still(value)) for name, value in values.items()]
        if any(value is None for _name, value in kept):
            self.log_media(media_of(values), step)
        if any(hasattr(value, "detach") for _name, value in kept):
            points.log_device(kept, step)
        else:
            points.log(kept, step)
        if points.device_due:
            points.read_device()

    def log_media(self, items: Iterable[tuple[str, Media]], step: int | None) -> None:
        """Take in images, texts and histograms, by name."""
        if self.is_heard or not self._mute:
            problem = self.points.log_media(items, step)
            if problem:
                self.notes.complain(problem, self.points.step_now)

    def _collect(self) -> Iterable[Message]:
        """Return what there is to send; called in the thread, right after a command has come."""
        points, link = self.points, self._link
        try:
            if link is not None:
                self.commands.watch_stop(link)
                points.due = points.due or link.attention
            rate = current_rate(self.commands.optimizer())
            if rate is not None and points.updates and not self.commands.paused:
                points.log([("lr", rate)], None)
            yield from _steps_of(points, self.split)
            if self.split.fault is not None:
                self.notes.drop("the parts of steps", self.split.fault, points.step_now)
            yield from points.take_media(time.time())
            if points.problem:
                self.notes.complain(points.problem, points.step_now)
                points.problem = ""
            yield from self.notes.take(self.commands.controls, stepped=self.boundary.crossed)
        except Exception as error:  # what is logged is anybody's
            self.notes.drop("what is logged", error, points.step_now)

    # --- steps ----------------------------------------------------------------------------------

    def step(self, optimizer: Any = None) -> None:
        """Take in a step, and obey what was asked; pauses are spent here.

        Raises:
            Stop: the run is to end, and the loop has no flag for it.
        """
        points, split = self.points, self.split
        points.updates += 1
        timed = points.updates >= split.due
        if timed:
            split.end(points.updates, at_update=False)
        if points.due:
            self.bound(optimizer)
        if timed:
            self.boundary.time_next(split, optimizer)

    def bound(self, optimizer: Any) -> None:
        """See to what is due between two steps.

        Raises:
            Stop: the run is to end, and the loop has no flag for it.
        """
        self.boundary.cross(self._link if self.is_heard else None, optimizer)


def _steps_of(points: PointLog, split: StepSplit) -> list[dict[str, Any]]:
    """Return messages of the steps since the last call, with what they are split into."""
    messages = points.take(time.time())
    split.follow(points.updates, points.step_s)
    told = split.take() if messages else None
    if told is not None:
        step = min(messages[0]["last_step"], points.placing.step(told.updates))
        messages[0]["split"] = told.message(step)
    return messages


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


def _still(value: Any) -> Any:
    """Return a value that no later step changes; None for what is no number."""
    if isinstance(value, (float, int)):
        return value
    try:
        if hasattr(value, "detach"):
            # Of a GPU: copied there, and read later, for reading waits for the device.
            return value.item() if value.is_cpu else value.detach().clone()
        if hasattr(value, "item"):
            return value.item()
        return value if hasattr(value, "__float__") else None
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
                    watcher = agent()
                    watcher.notes.drop(what, error, watcher.points.step_now)
                return None

        return call  # type: ignore[return-value]

    return wrap
