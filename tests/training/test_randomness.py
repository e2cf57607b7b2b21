"""Order, augmentation and slices follow from seed, epoch and sample alone."""

import random

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.components import Samples
from tuitrain.components.draw import Draw, derive
from tuitrain.training.data.batches import TensorBatches
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.data.transform import BatchTransform
from tuitrain.training.runtime.randomness import (
    epoch_order,
    generator_states,
    restore_generators,
    seed_everything,
)

SEEDS = st.integers(0, 2**63 - 1)
PLANS = st.builds(
    BatchSchedule,
    samples=st.integers(1, 200),
    batch_size=st.integers(1, 40),
    accumulate=st.integers(1, 4),
    drop_last=st.just(False),
    seed=SEEDS,
)


@given(SEEDS, st.integers(1, 100), st.data())
def test_a_draw_is_a_samples_own_whatever_batch_it_is_in(
    key: int, count: int, data: st.DataObject
) -> None:
    index = torch.arange(count)
    cut = data.draw(st.integers(0, count))
    whole = Draw(index, key)
    parts = [Draw(index[:cut], key), Draw(index[cut:], key)]
    for _ in range(3):
        expected = whole.integers(0, 9)
        assert torch.equal(torch.cat([part.integers(0, 9) for part in parts]), expected)


@given(SEEDS)
def test_draws_are_uniform(key: int) -> None:
    draw = Draw(torch.arange(20_000), key)
    first, second = draw.integers(0, 4), draw.integers(0, 4)
    # Five standard deviations of a count of 4,000 in 20,000; of pairs 800.
    assert (torch.bincount(first, minlength=5) - 4000).abs().max() < 5 * 57
    assert (torch.bincount(first * 5 + second, minlength=25) - 800).abs().max() < 5 * 28
    assert abs(int(draw.chance(0.3).sum()) - 6000) < 5 * 65


@given(SEEDS, st.integers(0, 1000), st.integers(1, 300))
def test_an_epochs_order_holds_every_sample_once_and_repeats(
    seed: int, epoch: int, count: int
) -> None:
    order = epoch_order(seed, epoch, count)
    assert torch.equal(order.sort().values, torch.arange(count))
    assert torch.equal(order, epoch_order(seed, epoch, count))


def test_seeds_and_epochs_do_not_stand_for_one_another() -> None:
    seeds = {derive(seed, epoch) for seed in range(100) for epoch in range(100)}
    assert len(seeds) == 10_000


@given(PLANS, st.integers(0, 5))
def test_the_slices_of_an_epoch_cover_it_exactly_once(plan: BatchSchedule, epoch: int) -> None:
    steps = range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch)
    taken = [number for step in steps for cut in plan.slices(step) for number in range(*cut)]
    assert taken == list(range(plan.samples))
    assert {plan.epoch(step) for step in steps} == {epoch}
    assert all(len(plan.slices(step)) <= plan.accumulate for step in steps)


@given(PLANS)
def test_whole_set_batches_hold_the_samples_that_the_plan_names(plan: BatchSchedule) -> None:
    inputs = torch.arange(plan.samples, dtype=torch.float32)[:, None]
    preparation = BatchTransform(seed=plan.seed, statistics=None, augment=(), channels_last=False)
    batches = TensorBatches(Samples(inputs, inputs[:, 0]), plan, preparation)
    for step in range(2 * plan.steps_per_epoch):
        order = epoch_order(plan.seed, plan.epoch(step), plan.samples)
        expected = [order[first:end].tolist() for first, end in plan.slices(step)]
        found = batches.step(step)
        assert [batch.targets.long().tolist() for batch in found] == expected
        assert abs(sum(batch.share for batch in found) - 1) < 1e-9


def test_all_generators_go_on_where_they_were() -> None:
    seed_everything(5)
    np.random.standard_normal(3)
    states = generator_states()

    def draw() -> list[float]:
        return [random.random(), random.gauss(), float(np.random.standard_normal()),
                float(torch.rand(()))]  # fmt: skip

    first = draw()
    restore_generators(states)
    assert draw() == first
