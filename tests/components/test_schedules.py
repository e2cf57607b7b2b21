"""The schedules: the factors that they give, beside torch's own where torch has them."""

from collections.abc import Callable

import pytest
import torch
from torch.optim import lr_scheduler

from tuitrain.components.schedules.basic import linear, multistep, step
from tuitrain.components.schedules.cycles import one_cycle, wsd
from tuitrain.config.load import parse_preset
from tuitrain.config.schema import ScheduleSection
from tuitrain.errors import PresetError
from tuitrain.training.optimization.schedule import Schedule

STEPS = 40
PRESET = """
name = "line"
task = "regression"
data.name = "linear"
model.name = "linear"
schedule = {schedule}
"""


def by_torch(build: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]) -> list[float]:
    """Return torch's rates over a run, for a base rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    scheduler, rates = build(optimizer), []
    for _step in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("own", "torchs"),
    [
        (
            lambda n: one_cycle(n, STEPS),
            lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=STEPS),
        ),
        (
            lambda n: step(n, STEPS, 5, every_epochs=2, factor=0.5),
            lambda o: lr_scheduler.StepLR(o, 10, 0.5),
        ),
        (
            lambda n: multistep(n, STEPS, 5, at_epochs=[2, 3], factor=0.5),
            lambda o: lr_scheduler.MultiStepLR(o, [10, 15], 0.5),
        ),
        (
            lambda n: multistep(n, STEPS, 5, at_steps=[7, 9]),
            lambda o: lr_scheduler.MultiStepLR(o, [7, 9]),
        ),
        (
            lambda n: linear(n, STEPS, final_factor=0.25),
            lambda o: lr_scheduler.LinearLR(o, 1.0, 0.25, total_iters=STEPS),
        ),
    ],
    ids=["one_cycle", "step", "multistep in epochs", "multistep in steps", "linear"],
)
def test_a_schedule_is_torchs(own: Callable[[int], float], torchs: Callable) -> None:
    assert [own(number) for number in range(STEPS)] == pytest.approx(by_torch(torchs))


@pytest.mark.parametrize("shape", ["sqrt", "linear", "cosine"])
def test_wsd_is_stable_and_then_falls_to_its_end(shape: str) -> None:
    factors = [wsd(n, STEPS, decay=0.25, shape=shape, final_factor=0.1) for n in range(STEPS + 1)]
    assert factors[:31] == [1.0] * 31
    falling = factors[30:]
    assert falling == sorted(falling, reverse=True)
    assert len(set(falling)) == len(falling)
    assert factors[-1] == pytest.approx(0.1)


def test_a_warm_up_goes_before_any_schedule_and_epochs_are_counted_after_it() -> None:
    section = ScheduleSection(name="step", warmup_steps=4, every_epochs=1, factor=0.5)
    schedule = Schedule(section, steps_per_epoch=3)
    factors = [schedule(number, 10) for number in range(10)]
    assert factors == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5]
    schedule.change_epoch(6)
    assert schedule(9, 10) == 1.0


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ('{ name = "step" }', "schedule.every_steps: missing, set one of every_steps and every_ep"),
        (
            '{ name = "multistep", at_steps = [1], at_epochs = [1] }',
            "schedule.at_epochs: found schedule.at_steps and schedule.at_epochs, set one of at_st",
        ),
        ('{ name = "wsd", shape = "log" }', "must be one of sqrt, linear or cosine"),
        ('{ name = "wsd", decay = 0 }', "schedule.decay: found 0, must be a number greater than 0"),
    ],
)
def test_a_schedule_that_can_not_be_is_told(schedule: str, said: str) -> None:
    with pytest.raises(PresetError, match=said):
        parse_preset(PRESET.format(schedule=schedule), "x")
