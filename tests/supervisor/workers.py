"""A worker that says what a test wants it to say, to a real supervisor, in this process."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tuitrain import messages as m
from tuitrain.config.load import load_preset
from tuitrain.messages import Numbered
from tuitrain.runs.directory import RunDirectory
from tuitrain.supervisor.launch import LaunchSpec
from tuitrain.supervisor.observers.observer import Alerts, Observer
from tuitrain.supervisor.supervisor import Supervisor

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


class ScriptedWorker:
    """Says one batch of messages at each look, and has ended after the last."""

    exit_code = 0

    def __init__(self, batches: Sequence[Sequence[object]]) -> None:
        self.pid = os.getpid()
        self._batches = list(batches)
        self.heard: list[m.Command] = []

    @property
    def is_alive(self) -> bool:
        return bool(self._batches)

    def take_events(self, _wait_s: float) -> list[Any]:
        return list(self._batches.pop(0)) if self._batches else []

    def take_last_events(self) -> list[Any]:
        return []

    def send(self, command: m.Command) -> None:
        self.heard.append(command)

    def end(self) -> None:
        pass


class Shows(Observer):
    """Gives what is recorded and what is told to a function."""

    name = "what shows the run"

    def __init__(self, show: Callable[[m.Event], None]) -> None:
        self._show = show

    def recorded(self, event: m.Event) -> Alerts:
        self._show(event)
        return ()

    def told(self, alert: m.AlertRaised) -> None:
        self._show(alert)


def no_digest(_run_folder: Path, _name: str) -> Any:
    """Work out no profile: that takes a process each."""
    raise RuntimeError("no digest today")


def numbered(*events: object, start: int = 1, attempt: int = 1) -> list[Numbered]:
    return [Numbered(attempt, start + i, event) for i, event in enumerate(events)]  # type: ignore[arg-type]


def supervise(
    run: RunDirectory,
    batches: Sequence[Sequence[object]],
    observe: Callable[[m.Event], None] = lambda _event: None,
    *,
    resume: bool = False,
) -> int:
    """Let a supervisor live through what a worker says; return its exit code."""
    worker: Any = ScriptedWorker(batches)
    return supervise_worker(run, worker, observe, resume=resume)


def supervise_worker(
    run: RunDirectory,
    worker: Any,
    observe: Callable[[m.Event], None] = lambda _event: None,
    *,
    resume: bool = False,
) -> int:
    """The same, with the worker as it is."""
    spec = LaunchSpec(run, load_preset(run.config_path), resume, Path("data"))
    supervisor = Supervisor(spec, [Shows(observe)], worker, digest=no_digest, environ={})
    with signals_kept():
        return supervisor.run()


@contextmanager
def signals_kept() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
