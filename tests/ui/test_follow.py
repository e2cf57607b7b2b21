import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from tests.ui.makers import keep_alive, new_run
from tests.ui.run_makers import STEPS, one_metric, steps, training, write
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.run import ListFollower, RunFollower
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot

PATIENCE_S = 60.0
LOOKS_S = 1.5
"""Time for some looks in which nothing must come: a longer wait could only find more faults."""


Follow = Callable[..., tuple[RunFollower, "Queue[RunSnapshot]"]]


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Follow runs; every follower's thread has ended when the test has."""
    started: list[RunFollower] = []

    def start(
        run: RunDirectory, request: Request | None = None
    ) -> tuple[RunFollower, "Queue[RunSnapshot]"]:
        came: Queue[RunSnapshot] = Queue()
        follower = RunFollower(run, came.put, request)
        started.append(follower)
        follower.start()
        return follower, came

    yield start
    for follower in started:
        follower.close()
        follower._thread.join()


def test_what_is_new_comes_and_nothing_else(root: Path, follow: Follow) -> None:
    run = training(root)
    lock = keep_alive(run)
    _, came = follow(run)
    assert came.get(timeout=PATIENCE_S).summary.step == STEPS
    with pytest.raises(Empty):
        came.get(timeout=LOOKS_S)
    write(run, steps(STEPS + 1, {"train/loss": [0.5]}), sequence=400)
    while came.get(timeout=PATIENCE_S).summary.step != STEPS + 1:
        pass
    lock.release()
    while came.get(timeout=PATIENCE_S).state.state != "lost":
        pass


def test_another_window_is_read_at_once_without_anything_new(root: Path, follow: Follow) -> None:
    follower, came = follow(training(root), Request(columns=10))
    assert len(came.get(timeout=PATIENCE_S).series["train/loss"].columns) == 10
    follower.ask(Request(first_step=20, last_step=39, columns=50))
    series = came.get(timeout=PATIENCE_S).series["train/loss"]
    assert (series.first_step, series.last_step, len(series.columns)) == (20, 39, 20)


def test_only_the_metrics_asked_for_are_read(root: Path, follow: Follow) -> None:
    _, came = follow(training(root), Request(metrics=("val/loss",)))
    snapshot = came.get(timeout=PATIENCE_S)
    assert list(snapshot.series) == ["val/loss"]
    assert "train/loss" in snapshot.metric_names


def test_a_damaged_record_is_an_error_in_words_and_comes_back_when_it_is_whole(
    root: Path, follow: Follow
) -> None:
    run = one_metric(root, "broken", [1.0])
    whole = run.database_path.read_bytes()
    run.database_path.write_bytes(b"x" * 4096)
    _, came = follow(run)
    assert "is damaged" in came.get(timeout=PATIENCE_S).error
    run.database_path.write_bytes(whole)
    deadline = time.monotonic() + PATIENCE_S
    while (snapshot := came.get(timeout=PATIENCE_S)).error:
        assert time.monotonic() < deadline
    assert snapshot.summary.step == 1


def test_a_run_that_is_deleted_says_so(root: Path, follow: Follow) -> None:
    _, came = follow(RunDirectory(root / "gone"))
    assert "is missing" in came.get(timeout=PATIENCE_S).error


def test_nothing_is_delivered_after_the_end_and_the_thread_ends(root: Path) -> None:
    run = training(root)
    before = threading.active_count()
    follower = RunFollower(run, lambda _snapshot: None)
    follower.start()
    follower.close()
    follower._thread.join(PATIENCE_S)
    assert threading.active_count() == before


def test_the_list_comes_again_when_a_run_came_or_went(root: Path) -> None:
    import shutil

    first = new_run(root, "first")
    came: Queue[tuple[str, ...]] = Queue()
    follower = ListFollower(root, lambda runs: came.put(tuple(run.name for run in runs)))
    follower.start()
    try:
        assert came.get(timeout=PATIENCE_S) == ("first",)
        new_run(root, "second", age_s=1)
        while came.get(timeout=PATIENCE_S) != ("second", "first"):
            pass
        shutil.rmtree(first.path)
        while came.get(timeout=PATIENCE_S) != ("second",):
            pass
    finally:
        follower.close()
        follower._thread.join()
