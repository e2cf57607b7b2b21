"""Whatever becomes of a loader or of a sample is told where the batch is waited for."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tuitrain.components.tasks.regression import Regression
from tuitrain.errors import TrainingError
from tuitrain.training.data.evaluation import evaluation_batches
from tuitrain.training.data.loader import LoaderBatches
from tuitrain.training.data.sample_rule import rule_of
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.data.stream import Stream
from tuitrain.training.data.transform import BatchTransform

CPU = torch.device("cpu")
AS_IT_IS = BatchTransform(seed=0, statistics=None, augment=(), channels_last=False)
BAD = 13


class Fragile:
    """Twenty samples; one of them does something else."""

    def __init__(self, do: Callable[[], Any]) -> None:
        self._do = do

    def __len__(self) -> int:
        return 20

    def __getitem__(self, number: int) -> Any:
        return self._do() if number == BAD else (torch.ones(2), 1.0)


def throw(kind: type[BaseException], *words: str) -> Callable[[], Any]:
    def do() -> None:
        raise kind(*words)

    return do


def stream(do: Callable[[], Any]) -> Stream:
    return Stream(
        Fragile(do), rule_of(Regression(), None, False, "data.name = own: its training set")
    )


RAISED = [
    (lambda: sys.exit(3), "SystemExit: 3"),
    (throw(KeyboardInterrupt), "KeyboardInterrupt"),
    (throw(GeneratorExit), "GeneratorExit"),
    (throw(StopIteration), "StopIteration"),
]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(("do", "text"), [*RAISED, (throw(OSError, "no 13.png\n"), "no 13.png")])
def test_what_a_sample_raises_is_an_error_that_names_it(
    workers: int, do: Callable[[], Any], text: str
) -> None:
    plan = BatchSchedule(samples=20, batch_size=5, accumulate=1, drop_last=False, seed=0)
    batches = LoaderBatches(
        stream(do), plan, AS_IT_IS, workers=workers, first_step=0, end_step=4, device=CPU
    )
    with pytest.raises(Exception, match=text) as caught:
        [batches.step(step) for step in range(4)]
    assert caught.value.__notes__ == ["sample 13 of its training set"]
    assert ("(in DataLoader worker process 0)" in str(caught.value)) == bool(workers)
    batches.close()


@pytest.mark.parametrize("workers", [0, 1])
def test_an_evaluation_is_not_cut_short_by_a_sample_that_stops_the_iteration(workers: int) -> None:
    source = stream(throw(StopIteration))
    passed = evaluation_batches(source, AS_IT_IS, batch_size=5, workers=workers, device=CPU)
    with pytest.raises(TrainingError, match="StopIteration"):
        list(passed)


@pytest.mark.parametrize(
    ("do", "text"),
    [
        (lambda: os._exit(0), r"ended by itself with exit code 0, as os\._exit does"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed by signal: Killed"),
    ],
)
def test_a_loader_worker_that_dies_is_named_each_time_and_nothing_else_is_disturbed(
    do: Callable[[], Any], text: str
) -> None:
    plan = BatchSchedule(samples=20, batch_size=1, accumulate=1, drop_last=False, seed=0)
    batches = LoaderBatches(
        stream(do), plan, AS_IT_IS, workers=2, first_step=0, end_step=20, device=CPU
    )
    # Torch's own handler would raise from here, wherever this process just is.
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
    with pytest.raises(TrainingError, match=rf"DataLoader worker \(pid \d+\) {text}"):
        [batches.step(step) for step in range(20)]
    batches.close()
