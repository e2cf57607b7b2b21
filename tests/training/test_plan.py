"""Which samples each step takes, also where a resume changes how many those are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.config.schema import TrainSection
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.triggers import Triggers

SIZES = st.integers(1, 12)


def plans(samples: int, size: int, drop_last: bool = False) -> BatchSchedule:
    return BatchSchedule(samples, size, 1, drop_last and samples >= size, seed=0)


@given(st.integers(1, 60), SIZES, st.booleans(), st.integers(0, 200))
def test_an_unchanged_plan_goes_on_as_it_was(
    samples: int, size: int, drop_last: bool, step: int
) -> None:
    plan = plans(samples, size, drop_last)
    assert plan.going_on_from(plan, step) == plan
    moved = replace(plan, ahead=3)
    assert plan.going_on_from(moved, step) == moved


@given(st.integers(1, 60), SIZES, SIZES, st.booleans(), st.integers(0, 200))
def test_an_epoch_goes_on_after_the_samples_it_has_had(
    samples: int, old: int, new: int, drop_last: bool, step: int
) -> None:
    before, after = plans(samples, old, drop_last), plans(samples, new, drop_last)
    plan = after.going_on_from(before, step)
    epoch, place = before.place(step)
    taken = min(place * old, samples)
    if plan.epoch(step) == epoch:
        assert 0 <= plan.slices(step)[0][0] - taken < new
    else:
        assert plan.place(step) == (epoch + 1, 0)
        # What is left makes no whole step any more, beside what drop_last leaves out.
        assert samples - taken <= new + (samples % new if after.drop_last else 0)


@pytest.mark.parametrize("ahead", [0, 4, -4])
def test_what_is_due_by_epochs_follows_the_data_and_what_is_by_steps_the_count(ahead: int) -> None:
    train = TrainSection(evaluate_every_epochs=2, evaluate_every_steps=0)
    saves = {"checkpoint.every_epochs": 0.0, "checkpoint.every_steps": 7.0}
    plan = BatchSchedule(5, 1, 1, False, 0, ahead=ahead)
    periods = Triggers(train, saves, plan)  # type: ignore[arg-type]
    steps = range(1, 40)
    assert [s for s in steps if periods.evaluates_at(s)] == [
        s for s in steps if (s + ahead) % 10 == 0
    ]
    assert [s for s in steps if periods.saves_at(s)] == [7, 14, 21, 28, 35]
    for step in steps:
        due = next(s for s in range(step + 1, 99) if periods.evaluates_at(s) or periods.saves_at(s))
        assert periods.next_after(step) == due
