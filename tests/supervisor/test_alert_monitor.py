"""Alerts reach the record, whoever watches, and the webhook, also while the disk is full."""

import math
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.supervisor.workers import Shows
from tests.ui.makers import new_run
from tuitrain import messages as m
from tuitrain.alerts.rules import Rules
from tuitrain.config.load import load_preset, to_toml
from tuitrain.errors import DiskFullError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.launch import LaunchSpec
from tuitrain.supervisor.observers.alert_monitor import AlertMonitor
from tuitrain.supervisor.observers.observer import Observers
from tuitrain.supervisor.observers.services import Form, Post
from tuitrain.supervisor.observers.standard import alert_observers
from tuitrain.supervisor.observers.webhook import webhook_queue
from tuitrain.supervisor.record_keeper import RecordKeeper
from tuitrain.supervisor.stacks import as_text, catches, collect_stacks

PATIENCE_S = 60.0


def until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class FullDisk:
    """What a keeper of a record asks of a writer for alerts, on a disk that is full at first."""

    def __init__(self) -> None:
        self.full = True
        self.kinds: list[str] = []

    def add_alert(self, _time: float, kind: str, *_: object) -> None:
        if self.full:
            raise DiskFullError("no space")
        self.kinds.append(kind)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return new_run(tmp_path / "runs", "alpha")


def spec_of(run: RunDirectory) -> LaunchSpec:
    return LaunchSpec(run, load_preset(run.config_path), False, Path("data"))


def finished() -> m.TrainingEnded:
    return m.TrainingEnded(time.time(), 7, "finished", "10 epochs done")


def nowhere(_command: m.Command) -> None:
    pass


def followed(
    run: RunDirectory,
    writer: RunWriter,
    show: Callable[[m.Event], None] = lambda _event: None,
    environ: Mapping[str, str] | None = None,
) -> Observers:
    """Return the observers that every run has, begun, and one that shows what is told."""
    record = RecordKeeper(writer, nowhere)
    alerts = alert_observers(spec_of(run), environ or {}, time.time)
    observers = Observers([*alerts, Shows(show)], record)
    observers.begun()
    return observers


def test_alerts_that_a_full_disk_does_not_take_are_told_at_once_and_recorded_later(
    run: RunDirectory,
) -> None:
    told: list[m.Event] = []
    disk: Any = FullDisk()
    record = RecordKeeper(disk, nowhere)
    rules = Rules(load_preset(run.config_path))
    observers = Observers([AlertMonitor(run, rules), Shows(told.append)], record)
    observers.arrived(finished())
    assert [event.kind for event in told if isinstance(event, m.AlertRaised)] == ["ended"]
    assert disk.kinds == []
    disk.full = False
    record.retry(at_once=True)
    assert disk.kinds == ["ended"]


def test_a_run_that_was_lost_is_told_when_it_is_resumed(run: RunDirectory) -> None:
    with RunWriter(run) as writer:
        followed(run, writer)
        writer.begin_attempt(1.0)
        followed(run, writer)
        writer.change_state(2.0, "stopped", "by command", at_rest=True)
        followed(run, writer)
    with RunReader(run) as reader:
        [lost] = reader.entries.alerts()
    assert lost.kind == "ended"
    assert lost.text.startswith("the run was lost: ")


def test_a_configuration_at_fault_is_an_alert_and_the_run_goes_on(
    run: RunDirectory, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[notify]\nbell = 3\ndesk = 1\n")
    with RunWriter(run) as writer:
        followed(run, writer, environ={"TUITRAIN_CONFIG": str(path)}).arrived(finished())
    with RunReader(run) as reader:
        webhook, ended = reader.entries.alerts()
    assert f"{path}:2: notify.bell: found 3" in webhook.text
    assert "\n" not in webhook.text
    assert (webhook.kind, ended.kind) == ("webhook", "ended")


# --- over a resume --------------------------------------------------------------------------------


class Course:
    """The same losses and evaluations, for a run that goes on and for one that is resumed."""

    def __init__(
        self, losses: Sequence[float], *, message: int = 37, evaluation: int = 300
    ) -> None:
        self.events: list[m.Event] = []
        for first in range(1, len(losses) + 1, message):
            self._steps(first, losses[first - 1 : first - 1 + message])
            last = self.events[-1].last_step  # type: ignore[union-attr]
            if last // evaluation > (first - 1) // evaluation:
                metrics = {"val/loss": losses[last - 1]}
                self.events.append(m.Evaluated(1.0, last, 0.1, 0.1, metrics, None))

    def _steps(self, first: int, losses: Sequence[float]) -> None:
        points = (m.MetricPoints("train/loss", first, tuple(losses)),)
        last = first + len(losses) - 1
        self.events.append(m.StepsTaken(1.0, first, last, last / 100, last / 10, points))

    def undisturbed(self, rules: Rules) -> list[str]:
        return [alert.text for event in self.events for alert in rules.take(event, 1.0)]

    def resumed(self, run: RunDirectory, cuts: Sequence[int], unheard: int) -> list[str]:
        """Return what is told where supervisors end after `cuts` events, the last ones unheard.

        What was unheard is in the checkpoint that the next one goes on from.
        """
        told: list[str] = []

        def show(event: m.Event) -> None:
            told.append(event.text)  # type: ignore[union-attr]

        for attempt, (first, last) in enumerate(pairwise([0, *cuts, len(self.events)]), 1):
            with RunWriter(run) as writer:
                observers = followed(run, writer, show)
                writer.begin_attempt(1.0)
                numbered = [
                    m.Numbered(1, number, event) for number, event in enumerate(self.events, 1)
                ]
                if first:
                    step = self.events[first - 1].last_step  # type: ignore[union-attr]
                    carried = m.encode_pending(numbered[max(0, first - unheard) : first])
                    resume = m.TrainingResumed(1.0, step, "checkpoints/x.pt", carried)
                    observers.arrived(resume)
                    writer.record([m.Numbered(attempt, 10**6, resume)])
                for event in self.events[first:last]:
                    observers.arrived(event)
                writer.record(numbered[first : max(first, last - unheard)])
                writer.change_state(2.0, "paused", "released", at_rest=True)
        return told


def converged(count: int) -> list[float]:
    """Return losses near zero after a steep descent: their noise is many times the best of them."""
    source = random.Random(5)
    fall = [2.0 * math.exp(-n / 20) for n in range(400)]
    return fall + [10 ** source.uniform(-12, -6) for _ in range(count)]


@pytest.mark.parametrize("unheard", [0, 5])
@pytest.mark.parametrize(
    ("losses", "settings"),
    [
        (converged(6000), []),
        (converged(1500) + [1.5] * 600 + converged(800)[500:] + [1.9] * 600, []),
        ([1.0] * 3000 + [0.5] * 3000, ["alerts.plateau_evaluations=4"]),
        (
            converged(500) + [3.0] * 3000,
            ["stop.monitor=train/loss", "alerts.plateau_evaluations=3"],
        ),
    ],
)
def test_resumes_raise_no_alert_on_learning_that_one_run_would_not(
    tmp_path: Path, losses: list[float], settings: list[str], unheard: int
) -> None:
    run = new_run(tmp_path / "runs", "alpha")
    preset = load_preset(run.config_path, settings)
    run.config_path.write_text(to_toml(preset))
    course = Course(losses)
    ends = [
        place
        for place, event in enumerate(course.events, 1)
        if isinstance(event, m.StepsTaken) and place % 30 == 0
    ]
    assert course.resumed(run, ends, unheard) == course.undisturbed(Rules(preset))


# --- webhook --------------------------------------------------------------------------------------


def as_json(address: str) -> Form:
    return lambda message: Post(address, message)


def test_a_webhook_that_refuses_is_named_once_and_later_messages_still_come(server: Any) -> None:
    webhook = webhook_queue(as_json(f"http://127.0.0.1:{server.server_port}/"))
    for answer in (500, 403, 200):
        webhook.put({"answer": answer})
    webhook.wait(PATIENCE_S)
    assert [body["answer"] for body in server.bodies] == [500, 403, 200]
    assert webhook.take_failure() == "it answered 403 Forbidden"
    assert webhook.take_failure() == ""


def test_what_a_webhook_can_not_post_is_a_failure_that_ends_nothing(server: Any) -> None:
    webhook = webhook_queue(as_json(f"http://127.0.0.1:{server.server_port}/"))
    webhook.put({"text": object()})
    webhook.put({"answer": 200})
    webhook.wait(PATIENCE_S)
    assert server.bodies == [{"answer": 200}]
    assert "not JSON serializable" in webhook.take_failure()
    lost = webhook_queue(as_json("no address"))
    lost.put({})
    lost.wait(PATIENCE_S)
    assert "unknown url type" in lost.take_failure()


def test_a_webhook_that_never_answers_takes_any_number_without_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        webhook = webhook_queue(
            as_json(f"http://127.0.0.1:{deaf.getsockname()[1]}/"), timeout_s=PATIENCE_S
        )
        for number in range(1000):
            webhook.put({"number": number})
        assert webhook.take_failure() == "64 messages wait already"
        webhook.wait(0.05)


# --- stacks ---------------------------------------------------------------------------------------

CHILD = """
import sys, threading
from pathlib import Path
from tuitrain.training.runtime.stacks import write_stacks_at_signal
write_stacks_at_signal(Path(sys.argv[1]))
import os
def wait_in_the_child():
    os.write(1, b"ready\\n")
    sys.stdin.readline()
def wait_in_the_parent():
    os.write(1, b"ready\\n")
    sys.stdin.readline()
if os.fork() == 0:
    wait_in_the_child()
else:
    wait_in_the_parent()
    os.wait()
"""


def test_each_process_that_catches_the_signal_gives_its_own_stacks(tmp_path: Path) -> None:
    path = tmp_path / "stacks.txt"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert [child.stdout.readline() for _ in "ab"] == ["ready\n", "ready\n"]
        for _ in range(3):
            parent, forked = collect_stacks(child.pid, path)
            assert "wait_in_the_parent" in parent.stacks
            assert "wait_in_the_child" in forked.stacks
            assert "wait_in_the_parent" not in forked.stacks
            assert parent.title.startswith(f"worker, process {child.pid}, ")
        child.stdin.write("\n\n")
        child.stdin.flush()
        child.stdin.close()
    assert child.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which signals are caught")
def test_a_process_that_the_signal_would_end_is_not_sent_it(tmp_path: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with sleeper:
        [asked] = collect_stacks(sleeper.pid, tmp_path / "stacks.txt")
        assert asked.stacks == ""
        assert asked.title.endswith(": it gives no stacks")
        assert sleeper.poll() is None
        assert sleeper.stdin is not None
        sleeper.stdin.write(b"\n")
        sleeper.stdin.close()
    assert sleeper.returncode == 0


def test_which_signals_a_process_catches_is_read_from_its_status(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    status = tmp_path / "1" / "status"
    status.write_text(f"Name:\tx\nSigCgt:\t{1 << (signal.SIGUSR2 - 1):016x}\n")
    assert catches(1, is_worker=False, proc=tmp_path)
    status.write_text(f"Name:\tx\nSigCgt:\t{1 << (signal.SIGUSR1 - 1):016x}\n")
    assert not catches(1, is_worker=True, proc=tmp_path)


def test_a_worker_that_has_gone_gives_nothing(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert as_text(collect_stacks(gone.pid, tmp_path / "stacks.txt")) == ""
    assert not list(tmp_path.iterdir())
