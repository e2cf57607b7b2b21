"""What a resume leaves in the record is what a run that was never interrupted would have left."""

import math
import struct
import tempfile
import zlib
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tuitrain.messages import (
    BatchSplit,
    Evaluated,
    Event,
    MetricPoints,
    Numbered,
    StepsTaken,
    TrainingResumed,
    encode_pending,
)
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.reader import RunReader
from tuitrain.runs.storage.database import open_for_reading
from tuitrain.runs.storage.pyramid import LEVELS, bucket_steps, summarise
from tuitrain.runs.writer import RunWriter

CONFIG = 'name = "demo"\ntask = "classification"\n'
NAMES = ("train/loss", "grad_norm", "val/loss")
EVALUATE_EVERY, GRAD_NORM_EVERY = 40, 7


def value(name: str, step: int) -> float:
    """Return the one value that a deterministic training has there, now and then not finite."""
    number = zlib.crc32(f"{name} {step}".encode())
    special = {0: math.nan, 1: math.inf, 2: -math.inf}
    return special.get(number % 17, (number % 1000) / 8 - 50)


@dataclass
class Worker:
    """Sends what a deterministic training sends, and dies when it is told to."""

    attempt: int = 0
    sequence: int = 0
    step: int = 0
    queue: list[Numbered] = field(default_factory=list)
    unacknowledged: list[Numbered] = field(default_factory=list)
    recorded: list[Numbered] = field(default_factory=list)
    checkpoints: list[tuple[int, str]] = field(default_factory=list)

    def send(self, event: Event) -> None:
        self.sequence += 1
        item = Numbered(self.attempt, self.sequence, event)
        self.queue.append(item)
        self.unacknowledged.append(item)

    def train(self, count: int) -> None:
        while count:
            part = min(count, EVALUATE_EVERY - self.step % EVALUATE_EVERY)
            self.take_steps(self.step + 1, self.step + part)
            if self.step % EVALUATE_EVERY == 0:
                metrics = {"val/loss": value("val/loss", self.step)}
                self.send(Evaluated(self.step, self.step, self.step / 100, 0.1, metrics, None))
            count -= part

    def take_steps(self, first: int, last: int) -> None:
        steps = range(first, last + 1)
        sparse = tuple(step for step in steps if step % GRAD_NORM_EVERY == 0)
        points = [MetricPoints("train/loss", first, tuple(value("train/loss", s) for s in steps))]
        if sparse:
            values = tuple(value("grad_norm", step) for step in sparse)
            points.append(MetricPoints("grad_norm", sparse[0], values, sparse))
        self.step = last
        self.send(StepsTaken(last, first, last, last / 100, last / 10, tuple(points)))

    def save(self) -> None:
        self.checkpoints.append((self.step, encode_pending(self.unacknowledged)))

    def resume(self, back: int) -> None:
        """Die with what is still under way, and go on from an earlier checkpoint, or from zero."""
        self.attempt, self.sequence = self.attempt + 1, 0
        self.queue.clear()
        self.unacknowledged.clear()
        del self.checkpoints[len(self.checkpoints) - min(back, len(self.checkpoints)) :]
        self.step, pending = self.checkpoints[-1] if self.checkpoints else (0, "")
        path = f"checkpoints/step-{self.step:08}.pt" if self.checkpoints else ""
        self.send(TrainingResumed(self.step, self.step, path, pending))

    def deliver(self, writer: RunWriter, repeats: int) -> None:
        """Let the supervisor record all that is under way, some of it for the second time."""
        again = self.recorded[len(self.recorded) - min(repeats, len(self.recorded)) :]
        writer.record([*again, *self.queue])
        self.recorded += self.queue
        self.queue.clear()


ACTIONS = st.one_of(
    st.tuples(st.just("train"), st.integers(1, 700)),
    st.tuples(st.just("train"), st.integers(1, 9)),
    st.tuples(st.just("deliver"), st.integers(0, 3)),
    st.tuples(st.just("acknowledge"), st.just(0)),
    st.tuples(st.just("save"), st.just(0)),
    st.tuples(st.just("resume"), st.integers(0, 2)),
)


def act(worker: Worker, writer: RunWriter, action: str, number: int) -> None:
    if action == "train":
        worker.train(number)
    elif action == "deliver":
        worker.deliver(writer, number)
    elif action == "acknowledge":
        worker.unacknowledged = list(worker.queue)
    elif action == "save":
        worker.save()
    else:
        worker.resume(number)


def bits(points: list[tuple[int, float]]) -> list[tuple[int, bytes]]:
    return [(step, struct.pack("<d", number)) for step, number in points]


def expected(name: str, last: int) -> list[tuple[int, float]]:
    every = {"train/loss": 1, "grad_norm": GRAD_NORM_EVERY, "val/loss": EVALUATE_EVERY}[name]
    return [(step, value(name, step)) for step in range(every, last + 1, every)]


def assert_pyramid_is_true(directory: RunDirectory, name: str, last: int) -> None:
    points = expected(name, last)
    with closing(open_for_reading(directory)) as connection:
        row = connection.execute("SELECT id FROM metrics WHERE name=?", (name,)).fetchone()
        assert (row is not None) == bool(points)
        for level in range(LEVELS):
            rows = connection.execute(
                "SELECT * FROM summaries WHERE metric=? AND level=? ORDER BY bucket",
                (row[0] if row else 0, level),
            ).fetchall()
            buckets: dict[int, list[tuple[int, float]]] = {}
            for step, number in points:
                buckets.setdefault(step // bucket_steps(level), []).append((step, number))
            assert [found[2] for found in rows] == sorted(buckets)
            for found in rows:
                inside = buckets[found[2]]
                cell = summarise(inside[0][0], inside[-1][0], [number for _, number in inside])
                # The totals here are exact in binary, in whatever order they are added up.
                assert tuple(found[3:]) == tuple(cell)


@settings(max_examples=60, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=25))
def test_a_run_killed_and_resumed_at_random_is_recorded_like_one_that_never_was(
    actions: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = create_run(Path(folder), "demo", None, CONFIG)
        worker = Worker(attempt=1)
        with RunWriter(directory) as writer:
            for action, number in actions:
                act(worker, writer, action, number)
            worker.deliver(writer, 0)
        with RunReader(directory) as reader:
            for name in NAMES:
                points = list(reader.curves.points(name))
                assert bits(points) == bits(expected(name, worker.step))
            evaluated = [row.step for row in reader.entries.evaluations()]
            assert evaluated == [step for step, _ in expected("val/loss", worker.step)]
            progress = reader.steps.progress()
            assert (progress.step if progress else 0) == worker.step
        for name in NAMES:
            assert_pyramid_is_true(directory, name, worker.step)


def test_split_batches_are_marked_once_where_a_resumed_run_splits_them_again(
    tmp_path: Path,
) -> None:
    run = create_run(tmp_path, "demo", None, CONFIG)
    split = BatchSplit(2.0, 12, 64, 32, 2, "memory ran out")
    with RunWriter(run) as writer:
        for step in (12, 7, 20):
            attempt = writer.begin_attempt(1.0, "")
            resumed = TrainingResumed(1.0, step, f"checkpoints/step-{step:08}.pt", "")
            events: list[Event] = [resumed, split] if step < 20 else [resumed]
            numbered = [Numbered(attempt, place, event) for place, event in enumerate(events, 1)]
            writer.record([*numbered, Numbered(attempt, 9, split)] if step == 12 else numbered)
    with RunReader(run) as reader:
        assert [mark.step for mark in reader.entries.marks() if mark.kind == "batch"] == [12]
