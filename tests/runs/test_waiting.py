"""Whoever waits for a run's answer is told why it takes long."""

import signal
import subprocess
from collections.abc import Callable

import psutil
import pytest

from tests.runs.holding import holder_of
from tuitrain import messages as m
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.waiting import Patience, find_delay
from tuitrain.runs.writer import RunWriter

Number = Callable[..., list[m.Numbered]]


def evaluated(step: int, time: float) -> m.Evaluated:
    return m.Evaluated(time, step, 1.0, 0.5, {"val/loss": 1.0}, None)


def taken(step: int, time: float) -> m.StepsTaken:
    return m.StepsTaken(time, step, step, 1.0, 1.0, ())


@pytest.mark.parametrize("who", ["supervisor", "worker"])
def test_a_process_that_is_stopped_is_named_with_what_lets_it_go_on(
    run: RunDirectory, who: str
) -> None:
    path = run.lock_path if who == "supervisor" else run.worker_lock_path
    with RunWriter(run) as writer, holder_of(path) as process:
        writer.change_state(100.0, "running", "")
        assert "stopped" not in find_delay(run, lambda: 104.0).text
        process.send_signal(signal.SIGSTOP)
        until_stopped(process)
        text = find_delay(run, lambda: 104.0).text
    assert text == (
        f"its {who}, process {process.pid}, is stopped (state T): "
        f"`kill -CONT {process.pid}` lets it go on"
    )


def until_stopped(process: "subprocess.Popen[str]") -> None:
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        pass


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([m.PreparationReported(90.0, "loading data")], "it is starting: loading data, for 30 s"),
        ([m.TrainingPaused(100.0, 7, "by command")], "it is paused: by command, for 20 s"),
        ([taken(7, 105.0)], "its worker has been busy with one step for 15 s, after step 7"),
        (
            [taken(10, 105.0), evaluated(10, 112.0)],
            "its worker has been busy with one step for 8 s, after step 10",
        ),
    ],
)
def test_what_a_worker_is_busy_with_is_told_and_for_how_long(
    run: RunDirectory, number: Number, events: list[m.Event], text: str
) -> None:
    prepared = m.TrainingPrepared(89.0, 0, 100, 10, 5, "cpu", m.Environment())
    with RunWriter(run) as writer:
        writer.begin_attempt(80.0)
        writer.record(number(prepared, *events))
    assert find_delay(run, lambda: 120.0).text == text


def test_it_is_told_after_some_seconds_once_and_again_when_the_reason_changes(
    run: RunDirectory, number: Number
) -> None:
    now, told = [0.0], list[str]()
    patience = Patience(run, told.append, lambda: now[0])

    def wait(seconds: float) -> None:
        for _ in range(int(seconds * 10)):
            now[0] += 0.1
            patience.poll()

    with RunWriter(run) as writer:
        writer.begin_attempt(1.0)
        writer.change_state(2.0, "running", "")
        wait(2.5)
        assert told == []
        wait(20)
        assert ["one step" in text for text in told] == [True]
        writer.record(number(m.TrainingPaused(3.0, 7, "the disk is full")))
        wait(5)
        assert "paused: the disk is full" in told[1]
        wait(200)
    assert len(told) == 5
