"""The split of a step's time: sums, sampling, what is read of a device and when."""

import random
import time
from collections import Counter
from itertools import count, pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from tests.training.test_loop import LINE, Course
from tuitrain.messages import Evaluated, MetricPoints, StepsTaken
from tuitrain.metric_names import HOST_BOUND_METRIC, STAGES, WALL_METRIC, split_metric
from tuitrain.training.profiling.timing import (
    EventClock,
    HostClock,
    Laps,
    Stage,
    StepTimer,
    clock_of,
)
from tuitrain.training.runtime.randomness import generator_states

EACH = 1e9
"""A share of the time that allows for timing each step."""


class Device:
    """A device that works through what was asked of it only when it is told to."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self.queue: list[Any] = []
        self.events = 0

    def work(self, ms: float) -> None:
        """Ask for a kernel."""
        self.queue.append(ms)

    def catch_up(self) -> None:
        """Do everything that was asked for."""
        for item in self.queue:
            if isinstance(item, float):
                self.now_ms += item
            else:
                item.at_ms = self.now_ms
        self.queue.clear()

    def idle(self, ms: float) -> None:
        """Wait with nothing to do, for the host."""
        self.catch_up()
        self.now_ms += ms

    def event(self) -> "Event":
        self.events += 1
        return Event(self)


class Event:
    """What the timer uses of torch.cuda.Event; there is no `synchronize` to call."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.at_ms: float | None = None

    def record(self) -> None:
        self.at_ms = None
        self._device.queue.append(self)

    def query(self) -> bool:
        return self.at_ms is not None

    def elapsed_time(self, end: "Event") -> float:
        assert self.at_ms is not None
        assert end.at_ms is not None, "read before the device has passed it"
        return end.at_ms - self.at_ms


def values(points: tuple[MetricPoints, ...]) -> dict[str, float]:
    return {part.name: part.values[-1] for part in points}


def lap(laps: Laps | None, stage: Stage) -> None:
    assert laps is not None
    laps.mark(stage)


def take(timer: StepTimer, device: Device, step: int, *, data_ms: float = 0.0) -> None:
    """Ask a device for one step: 2 ms forward, 4 backward, 1 update; the host needs no time."""
    laps = timer.begin(step)
    if data_ms:
        device.idle(data_ms)
    for stage, ms in (("data", 0.0), ("forward", 2.0), ("backward", 4.0), ("optimizer", 1.0)):
        device.work(ms)
        if laps is not None:
            laps.mark(stage)  # type: ignore[arg-type]


def timer_on(device: Device) -> StepTimer:
    timer = StepTimer(EventClock(device.event), EACH)
    # The first step is never timed; a flush tells that each may be.
    timer.begin(0)
    timer.points(1, 1.0)
    device.catch_up()
    return timer


# --- sampling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", [2, 3, 4, 8])
def test_no_period_of_a_loader_is_hit_more_or_less_often_than_its_share(period: int) -> None:
    # Each look at the CPU time finds a millisecond gone: a stride of a few steps.
    timer = StepTimer(HostClock(), 0.003, cpu=(n / 1e3 for n in count()).__next__)
    timed = Counter[int]()
    for step in range(200_000):
        if step >= timer.due and timer.begin(step) is not None:
            timed[step % period] += 1
        if step % 1000 == 999:
            timer.begin_flush()
            timer.points(step + 1, 1e-3)
            timer.end_flush(1000)
    number = sum(timed.values())
    assert number > 1000
    for place in range(period):
        expected = number / period
        assert abs(timed[place] - expected) < 5 * expected**0.5


def test_long_steps_are_all_timed_and_short_ones_rarely() -> None:
    timer = StepTimer(HostClock(), 0.003)
    timer.begin(0)
    timer.points(1, 10.0)
    assert timer.stride == 1
    assert all(timer.begin(step) is not None for step in range(1, 50))
    timer.points(50, 1e-9)
    assert timer.stride == 1000


def test_a_step_that_is_left_out_is_not_timed_and_those_after_it_are() -> None:
    timer = StepTimer(HostClock(), EACH)
    timer.begin(0)
    timer.points(1, 1.0)
    assert timer.begin(1) is not None
    for step in range(2, 10):
        timer.leave_out(step)
        assert timer.due > step
    timer.begin_flush()
    assert timer.points(10, 1.0)
    assert timer.begin(10) is not None
    never = StepTimer(HostClock(), 0.0)
    never.leave_out(10)
    assert never.due > 1 << 60


def test_a_share_of_nothing_times_nothing() -> None:
    timer = StepTimer(HostClock(), 0.0)
    assert timer.due > 1 << 60
    timer.begin_flush()
    assert timer.points(1, 1.0) == ()
    timer.end_flush(1)


def test_only_the_timers_own_generator_is_drawn_from() -> None:
    before = generator_states()
    timer = StepTimer(HostClock(), 0.003)
    for step in range(5000):
        timer.begin(step)
    after = generator_states()
    assert before["python"] == after["python"]
    assert torch.equal(before["torch"], after["torch"])
    assert torch.equal(before["numpy"][1], after["numpy"][1])
    same = [StepTimer(HostClock(), 0.003, random.Random(5)) for _ in range(2)]
    drawn = [[step for step in range(3000) if timer.begin(step) is not None] for timer in same]
    assert drawn[0] == drawn[1]
    assert drawn[0]


def test_metal_has_no_split_as_its_calls_return_before_they_are_done() -> None:
    assert clock_of(torch.device("mps")) is None
    assert StepTimer(None).points(1, 1.0) == ()


# --- on a CPU -------------------------------------------------------------------------------------


def test_the_stages_are_those_that_screens_know() -> None:
    assert get_args(Stage) == STAGES


def test_stages_add_up_over_the_batches_of_a_step_and_to_its_wall() -> None:
    timer = StepTimer(HostClock(), EACH)
    timer.begin(0)
    timer.points(1, 1.0)
    laps = timer.begin(1)
    for _batch in range(2):
        time.sleep(0.01)
        lap(laps, "data")
        lap(laps, "forward")
        time.sleep(0.02)
        lap(laps, "backward")
    timer.begin_flush()
    time.sleep(0.05)  # An evaluation would stand here: no part of any step.
    found = values(timer.points(2, 0.06))
    assert found[split_metric("data")] >= 0.02
    assert found[split_metric("backward")] >= 0.04
    assert found[split_metric("forward")] < found[split_metric("data")]
    assert split_metric("exchange") not in found  # On one rank there is none.
    parts = [found.get(split_metric(stage), 0.0) for stage in STAGES]
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(found[WALL_METRIC])
    assert HOST_BOUND_METRIC not in found


def test_a_flush_counts_to_the_steps_it_is_for_and_what_follows_it_to_none() -> None:
    timer = StepTimer(HostClock(), EACH)
    timer.begin(0)
    timer.begin_flush()
    assert timer.points(1, 1.0) == ()
    time.sleep(0.1)
    timer.end_flush(10)
    timer.begin(1)
    timer.begin_flush()
    found = values(timer.points(2, 1.0))
    assert found[split_metric("other")] >= 0.01
    assert found[WALL_METRIC] >= found[split_metric("other")]


def test_points_belong_to_the_last_timed_step_and_none_come_without_one() -> None:
    timer = StepTimer(HostClock(), EACH)
    timer.begin(0)
    assert timer.points(1, 1.0) == ()
    for step in range(1, 8):
        timer.begin(step)
    timer.begin_flush()
    points = timer.points(8, 1.0)
    assert {part.first_step for part in points} == {8}
    assert timer.points(8, 1.0) == ()


def test_a_step_that_begins_once_more_counts_once() -> None:
    device = Device()
    timer = timer_on(device)
    timer.begin(1)
    device.work(100.0)  # It failed and is tried again.
    take(timer, device, 1)
    timer.begin_flush()
    device.catch_up()
    assert values(timer.points(2, 0.007))[WALL_METRIC] == pytest.approx(0.007)


# --- on a device ----------------------------------------------------------------------------------


def test_the_split_of_a_device_is_read_only_when_the_device_has_passed_it() -> None:
    device = Device()
    timer = timer_on(device)
    take(timer, device, 1)
    timer.begin_flush()
    assert timer.points(2, 0.007) == ()
    device.catch_up()
    found = values(timer.points(2, 0.007))
    assert found[split_metric("forward")] == pytest.approx(0.002)
    assert found[split_metric("backward")] == pytest.approx(0.004)
    assert found[split_metric("optimizer")] == pytest.approx(0.001)
    assert found[WALL_METRIC] == pytest.approx(0.007)


def test_what_the_device_stands_still_for_is_data_and_what_it_computes_through_is_not() -> None:
    device = Device()
    timer = timer_on(device)
    take(timer, device, 1, data_ms=5.0)
    take(timer, device, 2)
    timer.begin_flush()
    device.catch_up()
    found = values(timer.points(3, 0.007))
    # One of two steps waited for 5 ms; the other's batch was there before the device was free.
    assert found[split_metric("data")] == pytest.approx(0.0025)
    assert found[WALL_METRIC] == pytest.approx(0.0095)


def test_a_device_that_is_through_with_the_backward_pass_waits_for_the_host() -> None:
    device = Device()
    timer = timer_on(device)
    for step in range(1, 5):
        take(timer, device, step)
        if step < 4:
            device.catch_up()
    timer.begin_flush()
    device.catch_up()
    assert values(timer.points(5, 0.007))[HOST_BOUND_METRIC] == 0.75


def test_events_are_used_again() -> None:
    device = Device()
    timer = timer_on(device)
    made = []
    for step in range(1, 200):
        take(timer, device, step)
        if step % 10 == 0:
            timer.begin_flush()
            device.catch_up()
            timer.points(step + 1, 0.007)
            timer.end_flush(10)
            made.append(device.events)
    assert made[-1] == made[1]


# --- in the loop ----------------------------------------------------------------------------------

WORK = LINE.replace("hidden = [8]", "hidden = [1500, 1500]").replace("epochs = 3", "epochs = 20")
MOST_TRIES = 5
"""A machine that is busy elsewhere between two steps adds to their time, not to a part."""


def splits(course: Course) -> list[dict[str, float]]:
    taken = [event for event in course.events if isinstance(event, StepsTaken)]
    found = [values(event.points) for event in taken]
    return [each for each in found if WALL_METRIC in each]


def sum_of_parts(course: Course) -> float:
    """Return what the parts of all steps add up to, as a share of what training took."""
    taken = [event for event in course.events if isinstance(event, StepsTaken)]
    weighted, steps = 0.0, 0
    for before, event in pairwise(taken):
        parts = values(event.points)
        number = event.last_step - before.last_step
        weighted += number * sum(parts.get(split_metric(stage), 0.0) for stage in STAGES)
        steps += number
    trained_s = taken[-1].train_s - taken[0].train_s
    assert trained_s / steps > 0.005, "no real work: the model has to be larger"
    return weighted / trained_s


def test_the_parts_of_all_steps_sum_to_what_training_took(tmp_path: Path) -> None:
    shares = []
    for attempt in range(MOST_TRIES):
        folder = tmp_path / str(attempt)
        course = Course(folder, WORK + "batch_size = 50", timing_share=EACH)
        # Evaluations after every epoch, and a checkpoint after most, count to no step.
        assert sum(isinstance(event, Evaluated) for event in course.events) == 20
        shares.append(sum_of_parts(course))
        if abs(shares[-1] - 1) <= 0.02:
            return
    raise AssertionError(f"the parts add up to {shares} of the training time")


def test_weights_are_the_same_whether_each_step_is_timed_or_none(tmp_path: Path) -> None:
    config = LINE.replace("hidden = [8]", "hidden = [8]\ndropout = 0.3") + "batch_size = 7"
    each = Course(tmp_path / "each", config, timing_share=EACH)
    never = Course(tmp_path / "never", config, timing_share=0.0)
    assert splits(each)
    assert not splits(never)
    pairs = zip(each.parts.model.parameters(), never.parts.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_streamed_and_accumulated_batches_are_split_too(tmp_path: Path) -> None:
    config = LINE.replace('name = "linear"', 'name = "linear"\nmode = "loader"\nworkers = 0')
    course = Course(tmp_path, config + "batch_size = 10\naccumulate = 2", timing_share=EACH)
    found = splits(course)
    assert found
    for stage in ("data", "copy", "forward", "backward", "optimizer"):
        assert all(each[split_metric(stage)] > 0 for each in found)
