import subprocess
import sys

import pytest

from tuitrain.errors import RecordError, RunBusyError
from tuitrain.messages import Pause, Stop
from tuitrain.runs.commands import command_status, give_command, wait_for_command
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import FileLock
from tuitrain.runs.writer import RunWriter

OBEY_ONE = """
import sys, time
from pathlib import Path
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import FileLock
from tuitrain.runs.writer import RunWriter
directory = RunDirectory(Path(sys.argv[1]))
with FileLock(directory.lock_path), RunWriter(directory) as writer:
    print("alive", flush=True)
    while not (commands := writer.commands.take(1.0)):
        time.sleep(0.01)
    writer.commands.finish(commands[0].id, 2.0, "done", "obeyed " + commands[0].kind, 3)
"""


def test_a_command_is_obeyed_by_another_process_and_its_answer_comes_back(
    run: RunDirectory,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OBEY_ONE, str(run.path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "alive\n"
        answer = wait_for_command(run, give_command(run, Pause(release=True)))
    assert (answer.outcome, answer.text, answer.step) == ("done", "obeyed pause", 3)
    assert answer.arguments == {"release": True}


def test_waiting_for_a_dead_supervisor_ends_with_a_clear_word(run: RunDirectory) -> None:
    command = give_command(run, Pause())
    with pytest.raises(RunBusyError, match="supervisor ended before it answered"):
        wait_for_command(run, command)


def test_an_answer_given_just_before_the_end_counts(run: RunDirectory) -> None:
    command = give_command(run, Stop())
    with RunWriter(run) as writer:
        writer.commands.finish(command, 1.0, "done", "stopped")
    assert wait_for_command(run, command).outcome == "done"


def test_waiting_can_be_limited(run: RunDirectory) -> None:
    command = give_command(run, Pause())
    with FileLock(run.lock_path), pytest.raises(RunBusyError, match="no answer"):
        wait_for_command(run, command, poll_s=0.001, limit_s=0.01)


def test_a_command_that_was_never_given_is_named(run: RunDirectory) -> None:
    with pytest.raises(RecordError, match="no command 5"):
        command_status(run, 5)
