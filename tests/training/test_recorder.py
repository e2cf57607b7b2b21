"""What a flush reports equals a naive computation, however steps are grouped into flushes."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from torch import Tensor

from tuitrain.components.counts import ClassCounts
from tuitrain.components.task import Counts
from tuitrain.components.tasks.regression import ErrorSums
from tuitrain.errors import TrainingError
from tuitrain.messages import PerClassCounts
from tuitrain.training.metrics.evaluation import per_class_counts
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.task import find_task

STEPS = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=3), min_size=1, max_size=8)
"""The batches' sizes of each step."""

Pairs = list[list[tuple[Tensor, Tensor]]]


def outputs_and_targets(task: str, steps: list[list[int]], seed: int) -> Pairs:
    generator = torch.Generator().manual_seed(seed)

    def pair(size: int) -> tuple[Tensor, Tensor]:
        if task == "classification":
            scores = torch.randn(size, 4, generator=generator)
            return scores, torch.randint(0, 4, (size,), generator=generator)
        targets = torch.rand(size, generator=generator)
        return torch.randn(size, generator=generator), (
            targets.round() if task == "binary" else targets
        )

    return [[pair(size) for size in sizes] for sizes in steps]


def naive(task: str, batches: list[tuple[Tensor, Tensor]]) -> float:
    outputs, targets = (torch.cat(parts) for parts in zip(*batches, strict=True))
    if task == "classification":
        return float((outputs.argmax(1) == targets).double().mean())
    if task == "binary":
        return float(((outputs > 0) == (targets > 0.5)).double().mean())
    return float((outputs - targets).double().abs().mean())


@given(st.sampled_from(["classification", "binary", "regression"]), STEPS, st.integers(0, 99))
def test_train_metrics_are_those_of_each_steps_samples(
    task: str, steps: list[list[int]], seed: int
) -> None:
    recorder = StepRecorder(find_task(task))
    pairs = outputs_and_targets(task, steps, seed)
    for number, batches in enumerate(pairs):
        for outputs, targets in batches:
            recorder.add_batch(outputs, targets, len(targets))
        recorder.add_step(torch.tensor(float(number)), 0.1 * number, len(batches))
    recorder.add_norm(12, torch.tensor(2.5))
    flushed = recorder.flush(11)
    assert flushed.losses == [float(number) for number in range(len(steps))]
    assert (flushed.first_step, flushed.last_step) == (11, 10 + len(steps))
    assert flushed.samples == sum(map(sum, steps))
    assert (flushed.norm_steps, flushed.norms) == ([12], [2.5])
    for found, batches in zip(flushed.measured, pairs, strict=True):
        assert math.isclose(found, naive(task, batches), rel_tol=1e-6)
    assert len(recorder) == 0


@given(STEPS, st.integers(0, 99))
def test_a_mean_absolute_error_does_not_depend_on_the_flush_it_is_in(
    steps: list[list[int]], seed: int
) -> None:
    pairs = outputs_and_targets("regression", steps, seed)
    together = StepRecorder(find_task("regression"))
    alone = []
    for batches in pairs:
        each = StepRecorder(find_task("regression"))
        for recorder in (together, each):
            for outputs, targets in batches:
                recorder.add_batch(outputs, targets, len(targets))
            recorder.add_step(torch.zeros(()), 0.1, len(batches))
        alone += each.flush(1).measured
    assert together.flush(1).measured == alone


def test_the_first_loss_that_is_not_finite_is_found_and_cut_after() -> None:
    recorder = StepRecorder(find_task("regression"))
    for loss in (1.0, 2.0, math.inf, 4.0):
        recorder.add_batch(torch.zeros(2), torch.zeros(2), 2)
        recorder.add_step(torch.tensor(loss), 0.1, 1)
    for step in (6, 8):
        recorder.add_norm(step, torch.tensor(1.0))
    flushed = recorder.flush(5)
    assert flushed.first_nonfinite() == 7
    flushed.cut_after(7)
    assert (flushed.losses, flushed.norm_steps) == ([1.0, 2.0, math.inf], [6])
    points = {point.name: point for point in flushed.points("mae", 100.0)}
    assert points["train/loss"].first_step == 5
    assert points["samples_per_s"].first_step == 7


@given(st.integers(2, 200), st.integers(1, 60), st.integers(0, 99))
def test_class_counts_add_up_with_and_without_a_confusion_table(
    classes: int, samples: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(samples, classes, generator=generator)
    targets = torch.randint(0, classes, (samples,), generator=generator)
    tally = ClassCounts(classes, torch.device("cpu"))
    for first in range(0, samples, 7):
        tally.add(outputs[first : first + 7], targets[first : first + 7])
    counts = tally.counts()
    predicted = outputs.argmax(1)
    assert counts["support"] == torch.bincount(targets, minlength=classes).tolist()
    assert counts["predicted"] == torch.bincount(predicted, minlength=classes).tolist()
    assert sum(counts["correct"]) == int((predicted == targets).sum())
    assert ("confusion" in counts) == (classes <= 128)
    assert tally.metrics()["accuracy"] == sum(counts["correct"]) / samples


def test_errors_are_those_of_the_whole_set() -> None:
    tally = ErrorSums(torch.device("cpu"))
    tally.add(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tally.add(torch.tensor([3.0]), torch.tensor([2.0]))
    metrics = tally.metrics()
    assert math.isclose(metrics["mae"], 1.0)
    assert math.isclose(metrics["rmse"], math.sqrt(5 / 3))
    assert math.isclose(metrics["r2"], 1 - 5 / (14 / 3))


def test_errors_of_several_outputs_are_their_means_as_scikit_learn_has_them() -> None:
    random = np.random.default_rng(0)
    true = random.normal(size=(60, 3)) * [1.0, 5.0, 0.01] + [0.0, -3.0, 1e5]
    found = true + random.normal(size=(60, 3)) * [0.5, 1.0, 0.002]
    tally = ErrorSums(torch.device("cpu"), 3)
    for first in range(0, 60, 7):
        part = slice(first, first + 7)
        tally.add(torch.from_numpy(found[part]), torch.from_numpy(true[part]))
    assert tally.metrics() == pytest.approx(
        {
            "mae": mean_absolute_error(true, found),
            "rmse": root_mean_squared_error(true, found),
            "r2": r2_score(true, found),
        }
    )


def test_targets_that_do_not_vary_have_the_r2_that_scikit_learn_gives_them() -> None:
    tally = ErrorSums(torch.device("cpu"))
    tally.add(torch.full((5,), 0.3), torch.full((5,), 0.1))
    assert tally.metrics()["r2"] == r2_score([0.1] * 5, [0.3] * 5) == 0.0


@pytest.mark.parametrize(
    "counts",
    [
        {"support": [1], "predicted": [1]},
        {"support": [1], "predicted": [1], "correct": [1], "threshold": 0.5},
    ],
)
def test_counts_of_a_task_of_one_s_own_that_nothing_reads_are_named(counts: Any) -> None:
    with pytest.raises(TrainingError, match=r"task = own:Mine: its counts are .*they must be corr"):
        per_class_counts(counts, ("cat",), "own:Mine")


def test_counts_are_recorded_with_the_names_of_their_classes() -> None:
    whole: Counts = {"support": [3, 1], "predicted": [2, 2], "correct": [2, 1]}
    assert per_class_counts(whole, ("cat", "dog"), "x") == PerClassCounts(
        ("cat", "dog"), (3, 1), (2, 2), (2, 1)
    )
    named = per_class_counts({**whole, "confusion": [[2, 1], [0, 1]]}, (), "x")
    assert (named.classes, named.confusion) == (None, ((2, 1), (0, 1)))
