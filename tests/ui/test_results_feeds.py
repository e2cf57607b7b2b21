"""What is kept of evaluations in a session, and how samples are looked up."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ui.results_makers import Answers, trained_run
from tuitrain.runs.directory import RunDirectory
from tuitrain.supervisor.inspection import Question
from tuitrain.ui.feeds.child import Ask
from tuitrain.ui.feeds.results import (
    Choice,
    KeptResults,
    Results,
    Source,
    choices,
    find_results,
    key_of,
)
from tuitrain.ui.feeds.sample_forms import SampleForms

LIMIT_S = 60


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return trained_run(tmp_path / "runs")


def results(run: RunDirectory, kept: KeptResults, ask: Ask, **options: Any) -> Results:
    again = options.pop("again", False)
    return find_results(
        Source(run, kept, ask),
        Choice(**options),
        lambda _text: None,
        lambda _child: None,
        again=again,
    )


def test_weights_are_evaluated_once_and_again_when_their_file_changes(run: RunDirectory) -> None:
    kept, answers = KeptResults(), Answers()
    first = results(run, kept, answers)
    # `best` is the same file under another name.
    assert results(run, kept, answers, checkpoint="step-00000040") is first
    assert len(answers.asked) == 1
    results(run, kept, answers, checkpoint="last")
    assert results(run, kept, answers) is first
    (run.checkpoints / "step-00000040.pt").write_bytes(b"other")
    assert results(run, kept, answers) is not first
    assert results(run, kept, answers, again=True) is not results(run, kept, answers, again=True)


def test_the_oldest_results_make_room(run: RunDirectory) -> None:
    kept, one = KeptResults(), results(run, KeptResults(), Answers())
    keys = [("a", 0, number, False) for number in range(6)]
    for key in keys:
        kept.put(key, one)
    assert [kept.get(key) is not None for key in keys] == [False] * 2 + [True] * 4
    # One number that is repeated: large to who asks, and takes no memory.
    scores = np.broadcast_to(np.zeros(1), ((1 << 28) + 1,))
    large = replace(one.found, arrays={"scores": scores})
    kept.put(("b", 0, 0, False), replace(one, found=large))
    assert kept.get(keys[-1]) is None and kept.get(("b", 0, 0, False)) is not None


def test_averaged_weights_are_others(run: RunDirectory) -> None:
    path = run.checkpoints / "best.pt"
    assert key_of(path, False) != key_of(path, True)


def test_checkpoints_are_offered_best_and_last_first_then_the_newest(run: RunDirectory) -> None:
    assert [each.checkpoint for each in choices(run)] == [
        "best", "last", "step-00000060", "step-00000040",
    ]  # fmt: skip


class Slow:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, question: Question, *_given: Any) -> dict[str, Any]:
        self.asked.append(list(question.options["numbers"]))
        self.begun.release()
        assert self.go.acquire(timeout=LIMIT_S)
        return {"samples": [{"number": each} for each in question.options["numbers"]]}


def test_what_is_wanted_last_is_looked_up_next_with_what_is_likely(run: RunDirectory) -> None:
    slow, came = Slow(), threading.Semaphore(0)
    trained = results(run, KeptResults(), Answers()).trained
    forms = SampleForms(trained, came.release, slow)
    forms.want([1, 2], likely=[2, 3])
    assert slow.begun.acquire(timeout=LIMIT_S)
    forms.want([4])
    forms.want([1, 5])
    slow.go.release()
    assert came.acquire(timeout=LIMIT_S)
    assert forms.get(3) is not None
    slow.go.release()
    assert came.acquire(timeout=LIMIT_S)
    assert slow.asked == [[1, 2, 3], [5]]
    forms.want([1, 2, 3, 5])
    assert len(slow.asked) == 2


def test_nothing_is_asked_again_that_could_not_be_told(run: RunDirectory) -> None:
    answers, came = Answers(), threading.Semaphore(0)
    trained = results(run, KeptResults(), Answers()).trained
    answers.fault = "the files are gone"
    forms = SampleForms(trained, came.release, answers)
    forms.want([1])
    assert came.acquire(timeout=LIMIT_S)
    assert forms.trouble == "the files are gone"
    forms.want([2])
    assert (forms.get(1), len(answers.asked)) == (None, 1)
