"""What a far end says of a run is what a reader there reads, and only what has changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trackers.recorded import first_attempt, new_run, record, second_attempt, steps
from tests.ui.makers import keep_alive
from tuitrain import messages as m
from tuitrain.errors import RunBusyError, RunNotFoundError, UsageError
from tuitrain.remote.client import RemoteClient
from tuitrain.remote.protocol import CALLS, HELLO, PARTS, PROTOCOL, bound_call, method_of
from tuitrain.remote.reader import (
    RemoteDirectory,
    RemoteList,
    RemoteReader,
    find_remote,
)
from tuitrain.remote.registry import Hosts
from tuitrain.remote.serve import Service
from tuitrain.runs.directory import RunDirectory, host_of, remote_path
from tuitrain.runs.listing import list_runs
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writer import RunWriter


class Host:
    name = "gpu1"


class Line:
    """A connection without a process: asks a service in this one, by lines as over ssh."""

    host = Host()
    connections = 1

    def __init__(self, root: Path, *, readonly: bool = False) -> None:
        self.service = Service(root, readonly=readonly)
        self.received = 0

    def ask(self, call: str, *arguments: Any, run: str = "") -> Any:
        question = {"id": 1, "run": run, "call": call, "args": list(arguments)}
        answer = json.dumps(self.service.answer(json.dumps(question).encode()), default=str)
        self.received = len(answer)
        found = json.loads(answer)
        if "error" in found:
            from tuitrain.remote.connection import _error

            raise _error(found["error"], found["kind"])
        return found["value"]


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    directory = new_run(tmp_path)
    first_attempt(directory)
    second_attempt(directory, 100)
    with RunWriter(directory) as writer:
        writer.add_samples(1.7e9, {"gpu0/temperature_c": 60.0})
        writer.set_devices(1.7e9, {"gpus": [{"name": "A100"}]})
    return directory


@pytest.fixture
def line(run: RunDirectory) -> Line:
    return Line(run.path.parent)


def there(run: RunDirectory, line: Line) -> RemoteDirectory:
    return RemoteDirectory(Path(remote_path("gpu1", run.id)), line)  # type: ignore[arg-type]


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "recorded_now": (1.7e9,), "entries.last_evaluations": (2,), "entries.evaluated": (130,),
    "curves.points": ("train/loss",), "curves.last_step": ("lr",),
    "curves.series": ("train/loss", 1, 200, 40), "curves.split": (3,),
    "readings.samples": ("gpu0/temperature_c",),
    "readings.sample_series": ("gpu0/temperature_c", 0, 2_000_000_000, 10),
    "steps.recent_progress": (4,), "steps.speed": (8,), "steps.progress_at": (120,),
    "steps.step_times": (1, 160, 20),
}  # fmt: skip


@pytest.mark.parametrize("call", sorted(CALLS - {"version", "summary"}))
def test_every_call_gives_what_it_gives_there(run: RunDirectory, line: Line, call: str) -> None:
    arguments = ARGUMENTS.get(call, ())
    remote: Any = RemoteReader(there(run, line))
    part, _, name = call.rpartition(".")
    found = getattr(getattr(remote, part) if part else remote, name)(*arguments)
    with RunReader(run, clock=lambda: 1.7e9) as reader:
        expected = bound_call(reader, call)(*arguments)
        expected = list(expected) if call == "curves.points" else expected
        # NaN is no value of its own.
        assert found == expected or repr(found) == repr(expected)


def test_calls_are_methods_that_there_are_and_none_of_them_writes() -> None:
    assert all(callable(method_of(call)) for call in CALLS)
    assert not [call for call in CALLS if any(word in call for word in ("close", "_", "write"))
                and call.startswith("_")]  # fmt: skip
    assert set(PARTS) == {"", "entries", "curves", "readings", "steps"}


def test_only_what_has_changed_comes_again(run: RunDirectory, line: Line) -> None:
    reader: Any = RemoteReader(there(run, line))

    def look() -> tuple[Any, int]:
        version = reader.version()
        size = line.received
        curve = reader.curves.series("train/loss", 1, 2000, 300)
        reader.entries.marks()
        reader.state()
        return (version, curve), size

    look()
    asked_first = line.received
    (version, _curve), size = look()
    (again, _), size = look()
    assert again == version
    assert size < 150
    record(run, 3, *steps(161, 200))
    (newer, curve), grown = look()
    assert newer != version
    with RunReader(run) as local:
        assert repr(curve) == repr(local.curves.series("train/loss", 1, 2000, 300))
    assert grown < 2000 < asked_first + 2000


@pytest.mark.parametrize(
    ("ask", "error", "text"),
    [
        (lambda line, run: line.ask("close", run=run.id), UsageError, "no call 'close'"),
        (lambda line, run: line.ask("_record", run=run.id), UsageError, "no call '_record'"),
        (lambda line, _: line.ask("state", run="../x"), RunNotFoundError, "no run '../x'"),
        (lambda line, _: line.ask("state", run="/etc"), RunNotFoundError, "no run '/etc'"),
        (lambda line, run: line.ask("state", 7, run=run.id), UsageError, "TypeError"),
        (lambda line, run: line.ask("command", "pause", {}, run=run.id), RunBusyError, "not live"),
    ],
    ids=["closing", "private", "outside", "absolute", "arguments", "ended"],
)
def test_what_is_not_offered_is_refused(
    run: RunDirectory, line: Line, ask: Callable[[Line, RunDirectory], Any],
    error: type[Exception], text: str,
) -> None:  # fmt: skip
    with pytest.raises(error, match=text):
        ask(line, run)


def test_a_command_is_a_row_there_and_its_outcome_comes_back(run: RunDirectory, line: Line) -> None:
    directory, client = there(run, line), RemoteClient(Hosts())
    lock = keep_alive(run)
    number = client.send(directory, m.ChangeSetting(0, "optimizer.lr", 0.5))
    with pytest.raises(RunBusyError, match="not answered yet"):
        client.wait_for_answer(directory, number, timeout_s=0.0)
    with RunWriter(run) as writer:
        [row] = writer.commands.take(1.0)
        assert (row.kind, row.arguments) == ("set", {"key": "optimizer.lr", "value": 0.5})
        writer.commands.finish(number, 2.0, "done", "optimizer.lr 0.01 -> 0.5")
    answer = client.wait_for_answer(directory, number)
    assert answer.text == "optimizer.lr 0.01 -> 0.5"
    line.service = Service(run.path.parent, readonly=True)
    with pytest.raises(UsageError, match="only to be looked at"):
        client.send(directory, m.Pause())
    with pytest.raises(UsageError, match="only to be looked at"):
        client.remove(directory)
    lock.release()


def test_runs_are_listed_and_found_by_what_they_answer_to(run: RunDirectory, line: Line) -> None:
    listed = RemoteList(line)  # type: ignore[arg-type]
    [found] = listed.read()
    [local] = list_runs(run.path.parent)
    assert (found.id, found.state, found.best_value) == (local.id, local.state, local.best_value)
    assert host_of(found.path) == "gpu1"
    assert host_of(local.path) == ""
    assert listed.read() == (found,)
    assert line.received < 40
    assert find_remote(line, "tracked").id == run.id  # type: ignore[arg-type]


def test_lines_that_are_no_questions_are_answered_too(run: RunDirectory) -> None:
    said: list[dict[str, Any]] = []

    class Out:
        def write(self, text: bytes) -> None:
            said.append(json.loads(text))

        def flush(self) -> None:
            pass

    lines = [b"hello\n", b"[]\n", b'{"id": 4, "call": "find", "args": ["last"]}\n']
    Service(run.path.parent).serve(lines, Out())  # type: ignore[arg-type]
    hello, no_json, no_table, found = said
    assert hello[HELLO] == PROTOCOL
    assert "error" in no_json
    assert "error" in no_table
    assert found == {"id": 4, "value": run.id}
