"""Schedules, best values, early stopping, live settings and the guard."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.components.schedules import basic as schedules
from tuitrain.config.load import parse_preset
from tuitrain.config.schema import CheckpointSection, StopSection
from tuitrain.errors import TrainingError
from tuitrain.training.metrics.progress import (
    StepMeans,
    begin_best,
    begin_early_stop,
    reconsider,
    restore_tracker,
    tracker_state,
)
from tuitrain.training.optimization.nonfinite import NonfinitePolicy
from tuitrain.training.settings.changed import check_warmup
from tuitrain.training.settings.live import LiveSettings, PendingChanges

LONG_WARMUP = """
name = "warm"
task = "regression"
data.name = "linear"
model.name = "linear"
loss.name = "mse"
schedule.warmup_steps = 10
"""


def early_stop(**settings: object):
    section = StopSection.model_validate({"monitor": "val/loss", "mode": "min", **settings})
    return begin_early_stop(section)


def test_patience_counts_evaluations_without_a_better_value() -> None:
    stop = early_stop(patience=2, min_delta=0.1)
    for step, loss in enumerate([1.0, 0.95, 0.8, 0.75, math.nan]):
        assert not stop.reason
        stop.update({"val/loss": loss}, step)
    assert stop.reason == ("val/loss has not improved for 2 evaluations (best 0.8) at step 4")


def test_an_infinite_value_is_never_the_best_nor_a_target_reached() -> None:
    best = begin_best(CheckpointSection(monitor="val/accuracy", mode="max"))
    stop = early_stop(monitor="val/r2", mode="max", target=0.5)
    assert not best.update({"val/accuracy": math.inf}, 1)
    stop.update({"val/r2": math.inf}, 1)
    assert (best.value, stop.reason) == (None, "")


def test_a_target_ends_the_run_as_soon_as_it_is_reached() -> None:
    stop = early_stop(target=0.5)
    stop.update({"val/loss": math.nan}, 1)
    stop.update({"val/loss": 0.6}, 2)
    assert not stop.reason
    stop.update({"val/loss": 0.5}, 3)
    assert stop.reason == "val/loss reached 0.5 at step 3 (target 0.5)"


@given(st.lists(st.floats(allow_nan=True, allow_infinity=False, width=32), max_size=20))
def test_best_is_the_first_largest_number(values: list[float]) -> None:
    best = begin_best(CheckpointSection(monitor="val/accuracy", mode="max"))
    better = [best.update({"val/accuracy": value}, step) for step, value in enumerate(values)]
    numbers = [value for value in values if not math.isnan(value)]
    assert best.value == (max(numbers) if numbers else None)
    if numbers:
        assert best.step == values.index(max(numbers))
        assert better[best.step] and not any(better[best.step + 1 :])


@given(st.lists(st.integers(1, 6), min_size=1, max_size=10), st.data())
def test_means_do_not_depend_on_where_the_flushes_fall(
    sizes: list[int], data: st.DataObject
) -> None:
    numbers = st.floats(-1e3, 1e3)
    values = data.draw(st.lists(numbers, min_size=sum(sizes), max_size=sum(sizes)))
    once, often, place = StepMeans("mae"), StepMeans("mae"), 0
    once.add(values, values)
    for size in sizes:
        often.add(values[place : place + size], values[place : place + size])
        state = tracker_state(often)
        often = StepMeans("mae")
        restore_tracker(often, state)
        place += size
    assert once.take() == often.take()
    assert once.take() == {}


@given(st.integers(1, 10_000), st.data())
def test_schedules_begin_at_1_and_never_rise_nor_leave_0_to_1(
    total: int, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, total - 1))
    for schedule in (
        schedules.constant,
        schedules.linear,
        schedules.cosine,
        schedules.exponential,
        lambda step, total: schedules.step(step, total, 1, every_steps=7),
    ):
        assert schedule(0, total) == 1
        assert 0 <= schedule(step + 1, total) <= schedule(step, total) <= 1


def test_a_rate_set_live_holds_at_the_next_step_and_then_follows_the_schedule() -> None:
    live = LiveSettings({"optimizer.lr": 0.1}, schedules.linear, 100)
    assert live.now("optimizer.lr", 50) == pytest.approx(0.05)
    assert live.change("optimizer.lr", 0.02, 50) == pytest.approx(0.05)
    assert live.rate(50) == pytest.approx(0.02)
    assert live.rate(75) == pytest.approx(0.01)


def test_recorded_changes_are_made_once_each_at_their_steps() -> None:
    replay = PendingChanges([(30, "a", 3.0), (10, "a", 1.0), (20, "b", 2.0)])
    assert replay.take(5) == []
    assert replay.next_step() == 10
    assert replay.take(20) == [(10, "a", 1.0), (20, "b", 2.0)]
    assert replay.next_step() == 30
    assert replay.take(40) == [(30, "a", 3.0)]
    assert replay.next_step() is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_update_is_left_out_where_the_loss_is_not_finite(value: float) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    loss = torch.tensor(value)
    for policy, allowed in (("stop", False), ("skip", False), ("ignore", True)):
        guard = NonfinitePolicy(optimizer, torch.device("cpu"), policy, scaled=False)
        assert guard.look(torch.tensor(1.0)) == (1.0, True)
        assert guard.look(loss)[1] is allowed


@pytest.mark.parametrize(
    ("changed", "reason", "waited"),
    [
        ({}, "over", 3),
        ({"patience": 9}, "", 3),
        ({"target": 0.5}, "", 3),
        ({"monitor": "train/loss"}, "", 0),
    ],
)
def test_a_reason_to_stop_falls_with_the_rule_that_gave_it(
    changed: dict[str, object], reason: str, waited: int
) -> None:
    before = tracker_state(early_stop(patience=3))
    tracker = early_stop(patience=3)
    tracker.reason, tracker.waited, tracker.value = "over", 3, 1.0
    for key, value in changed.items():
        setattr(tracker, key, value)
    reconsider(tracker, before)
    assert (tracker.reason, tracker.waited) == (reason, waited)


def test_a_warm_up_that_takes_the_whole_run_is_refused() -> None:
    preset = parse_preset(LONG_WARMUP, "x")
    check_warmup(preset, 11)
    with pytest.raises(TrainingError, match=r"warmup_steps = 10, but the run has 10 steps"):
        check_warmup(preset, 10)
