"""Nothing that a worker says, and nothing that watches or shows a run, ends its supervisor."""

import io
import json
import math
import sqlite3
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import closing, redirect_stdout
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import numpy
import pytest
from hypothesis import Verbosity, given, settings
from hypothesis import strategies as st

from tests.supervisor.workers import (
    ScriptedWorker,
    no_digest,
    numbered,
    signals_kept,
    supervise,
)
from tests.ui.makers import new_run
from tuitrain import messages as m
from tuitrain.alerts.catalogue import severity
from tuitrain.cli.launch.progress import JsonLines, LiveLine, PlainLines, RunProgress
from tuitrain.messages import Numbered
from tuitrain.ranks import Board, board_path, read_board
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.reader import RunReader
from tuitrain.supervisor.intake import Unreadable
from tuitrain.supervisor.scripts.launch import ScriptLaunch, script_facts
from tuitrain.supervisor.supervisor import Supervisor

EVENTS = get_args(m.Event)


class Tensor:
    """As one of torch's: a number in it or several, and a truth only where it is one."""

    def __init__(self, *numbers: float) -> None:
        self._numbers = numbers

    def item(self) -> float:
        [number] = self._numbers
        return number

    def __float__(self) -> float:
        return self.item()

    def __bool__(self) -> bool:
        raise RuntimeError("truth of several numbers")


class OfNoVersion:
    """A message that this version does not know."""


NASTY_TEXTS = st.one_of(
    st.text(st.characters(), max_size=20),
    st.text(st.characters(categories=["Cs", "Cc"]), max_size=5),
    st.sampled_from(["", "\udce9", "\x00", "\x1b]0;title\x07\x1b[2J", "../../etc", "x" * 3_000]),
)
NASTY_NUMBERS = st.one_of(
    st.sampled_from([0, -1, 2**62, 2**63, -(2**63) - 1, 10**400, 1e308, -0.0, 5e-324, True]),
    st.sampled_from([math.nan, math.inf, -math.inf]),
    st.integers(),
    st.floats(),
    st.sampled_from([numpy.float32(0.5), numpy.int64(7), numpy.float64(math.nan), numpy.bool_(1)]),
)
NASTY_THINGS = st.sampled_from(
    [None, Tensor(0.5), Tensor(1.0, 2.0), Tensor(math.nan), b"\xff", object(), OfNoVersion(), int,
     deque([1]), {1}, 1j, numpy.zeros(3), numpy.str_("\udce9"), ...]
)  # fmt: skip
LEAVES = NASTY_TEXTS | NASTY_NUMBERS | NASTY_THINGS
POINTS = st.builds(
    m.MetricPoints,
    st.sampled_from(["train/loss", "lr", "\udce9", 7]) | LEAVES,
    st.integers(1, 50) | LEAVES,
    st.lists(st.floats() | LEAVES, max_size=4).map(tuple) | LEAVES,
    st.none() | st.lists(st.integers(1, 60) | LEAVES, max_size=4).map(tuple) | LEAVES,
)
KEYS = st.sampled_from(["val/loss", "host/disk_free_bytes", "gpu0/temperature_c"]) | LEAVES.filter(
    lambda value: type(value).__hash__ is not None
)
ANYTHING = st.recursive(
    LEAVES | POINTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=6,
)


PAYLOADS = [
    m.CostEstimate, m.DeviceMemory, m.Environment, m.MemoryAccount, m.MemoryParts, m.NoEstimate,
    m.OomAccount, m.PerClassCounts, m.ProfileFacts,
]  # fmt: skip


def payload_of(kind: type) -> st.SearchStrategy[Any]:
    """Return what events of a class may carry, with anything in every field."""
    return st.builds(kind, *(ANYTHING for _field in fields(kind)))


def sound(name: str) -> st.SearchStrategy[Any]:
    """Return values that a field may well have, so that not every event is refused at sight."""
    if name == "points":
        return st.lists(POINTS, max_size=3).map(tuple)
    if name in ("metrics", "readings"):
        return st.dictionaries(KEYS, ANYTHING, max_size=3)
    if name in ("account", "facts", "environment", "counts", "devices", "estimate"):
        return st.sampled_from(PAYLOADS).flatmap(payload_of)
    return st.sampled_from([1, 2.5, "checkpoints/x.pt", "running", "failed", (), ("last",), None])


def anything_of(kind: type) -> st.SearchStrategy[Any]:
    """Return events of a class with anything in every field."""
    return st.builds(kind, *(sound(field.name) | ANYTHING for field in fields(kind)))


SAID = st.tuples(*map(anything_of, EVENTS), ANYTHING | st.just(OfNoVersion()))


def control(start: int) -> list[Numbered]:
    """Return what a run says whose end is heard, whatever came before."""
    points = m.MetricPoints("control", 10**7, (1.0, 2.0))
    return numbered(
        m.StepsTaken(1.0, 10**7, 10**7 + 1, 1.0, 1.0, (points,)),
        m.TrainingEnded(2.0, 10**7 + 1, "finished", "all is said"),
        start=start,
    )


def shows(run: RunDirectory) -> Any:
    """Return whoever shows a run to people and programs, all at once."""
    progress = [RunProgress("run", 3) for _ in "ab"]
    lines: list[str] = []
    shown = [
        LiveLine(progress[0], io.StringIO()),
        PlainLines(progress[1], lines.append),
        JsonLines(run.id, str(run.path)),
    ]

    def observe(event: m.Event) -> None:
        for each in shown:
            each.observe(event)
        json.dumps(m.to_plain(event)).encode()
        "".join(lines).encode()

    return observe


def readable(run: RunDirectory) -> None:
    """Read everything that readers of a record read."""
    with RunReader(run) as reader:
        (
            reader.summary(),
            reader.meta(),
            reader.entries.marks(),
            reader.entries.evaluations(),
            reader.curves.metrics(),
        )
        (
            reader.entries.checkpoints(),
            reader.entries.profiles(),
            reader.spent(),
            reader.readings.latest_samples(),
        )
        for row in (*reader.states(), *reader.entries.alerts()):
            str(row).encode()
        told = [row.text for row in reader.entries.alerts() if row.kind == "record"]
        assert len(told) == len(set(told))
        assert all(len(row.text) < 3000 for row in reader.entries.alerts())


# Quiet: no report of a failure could be printed with what is drawn here.
@settings(max_examples=15, verbosity=Verbosity.quiet)
@given(SAID)
def test_whatever_a_worker_says_its_run_goes_on_and_is_recorded(said: tuple[object, ...]) -> None:
    batch: list[object] = list(numbered(*said))
    batch += [Unreadable("UnpicklingError: what is this"), None, 7, Numbered("a", None, None)]  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        run = new_run(Path(folder), "alpha")
        observe = shows(run)
        code = supervise(run, [batch[::2], batch[1::2], control(start=100)], observe)
        assert code == 0
        with RunReader(run) as reader:
            assert list(reader.curves.points("control")) == [(10**7, 1.0), (10**7 + 1, 2.0)]
            assert (reader.state().state, reader.state().reason) == ("finished", "all is said")
        readable(run)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return new_run(tmp_path / "runs", "alpha")


def alerts_of(run: RunDirectory, kind: str = "record") -> list[str]:
    with RunReader(run) as reader:
        return [row.text for row in reader.entries.alerts() if row.kind == kind]


def test_a_number_may_be_a_tensor_or_of_numpy_and_what_is_none_is_named_once(
    run: RunDirectory,
) -> None:
    rates = (Tensor(0.5), numpy.float32(0.25), 1, None, Tensor(1.0, 2.0))
    points = m.MetricPoints("lr", 1, rates)  # type: ignore[arg-type]
    taken = m.StepsTaken(1.0, 1, 5, 0.1, 0.1, (points,))
    again = m.StepsTaken(1.0, 6, 10, 0.2, 0.2, (m.MetricPoints("lr", 6, rates),))  # type: ignore[arg-type]
    assert supervise(run, [numbered(taken, again), control(start=3)]) == 0
    with RunReader(run) as reader:
        values = [value for _step, value in reader.curves.points("lr")]
    assert [repr(value) for value in values] == ["0.5", "0.25", "1.0", "nan", "nan"] * 2
    assert alerts_of(run) == [
        "left out of the record, which goes on: StepsTaken.points[lr], None; "
        "StepsTaken.points[lr], of the type Tensor"
    ]
    assert severity("record") == "warning"


def test_who_shows_a_run_may_fail_at_each_event_and_it_is_told_once(run: RunDirectory) -> None:
    def observe(_event: m.Event) -> None:
        raise RuntimeError("the formatter is broken")

    profile = m.ProfileWritten(1.0, 3, "p1", 1, 2, m.ProfileFacts())
    assert supervise(run, [numbered(profile), control(start=2)], observe) == 0
    assert sorted(alerts_of(run), reverse=True) == [
        "what shows the run failed and is left out, the run goes on: "
        "RuntimeError: the formatter is broken",
        "the digest of a profile failed and is left out, the run goes on: "
        "RuntimeError: no digest today",
    ]
    with RunReader(run) as reader:
        assert "the formatter is broken" in " ".join(row.detail for row in reader.entries.alerts())


def test_an_exception_text_of_two_megabytes_is_cut_and_says_by_how_much(run: RunDirectory) -> None:
    shown: list[str] = []
    text = "begin " + "x" * 2_000_000 + " end"
    ended = m.TrainingEnded(1.0, 3, "failed", f"ValueError: {text}", f"Traceback ...\n{text}")
    assert supervise(run, [numbered(ended)], lambda event: shown.append(str(event))) == 1
    with RunReader(run) as reader:
        state = reader.state()
    assert state.reason.startswith("ValueError: begin xxx") and state.reason.endswith("xxx end")
    assert "(1,998,022 more characters; all of it is in worker.log)" in state.reason
    assert len(state.reason) < 2200 and len(state.detail) < 201_000
    assert all(len(text) < 210_000 for text in shown)


def test_a_command_row_without_what_it_needs_is_refused(run: RunDirectory) -> None:
    wrong: list[tuple[str, Mapping[str, Any]]] = [
        ("profile", {}), ("profile", {"steps": None}), ("set", {"key": 1, "value": "x"}),
        ("profile", {"steps": math.inf}), ("nonsense", {}),
    ]  # fmt: skip
    batches: list[list[Numbered]] = [[] for _ in range(2)]

    class Orders(list[Any]):
        """Gives the commands once the supervisor is there: earlier ones are refused as stale."""

        def pop(self, *place: Any) -> Any:
            if len(self) == 3:
                with closing(sqlite3.connect(run.database_path)) as record, record:
                    record.executemany(
                        "INSERT INTO commands (given, given_by, kind, arguments_json)"
                        " VALUES (1, 'another version', ?, ?)",
                        [(kind, json.dumps(arguments)) for kind, arguments in wrong],
                    )
            return super().pop(*place)

    from tests.supervisor import workers

    worker: Any = workers.ScriptedWorker([])
    worker._batches = Orders([*batches, control(start=1)])
    assert workers.supervise_worker(run, worker) == 0
    with RunReader(run) as reader:
        assert {row.outcome for row in reader.entries.commands()} == {"refused"}
        assert all("ended" not in row.text for row in reader.entries.commands())


def test_ranks_of_a_script_that_were_there_before_its_supervisor_stay_on_the_board(
    tmp_path: Path,
) -> None:
    """A script that asks for a supervisor goes on training while that one begins."""
    command = ["python", "train.py"]
    facts = script_facts(command)
    run = create_run(tmp_path, "train", None, "", command_line=command, facts=facts)
    Board.join(board_path(run.path), 2).put(1, 4, "step")
    worker: Any = ScriptedWorker([])
    spec = ScriptLaunch(run, tuple(command), str(tmp_path))
    with signals_kept():
        Supervisor(spec, worker=worker, digest=no_digest, environ={}).run()
    assert [each.step for each in read_board(run.path)] == [0, 4]
