"""What a script's steps are split into: true parts, or none where they can't be told apart."""

import random
import threading
from dataclasses import dataclass, field

import pytest

from tuitrain.script.clocks import ScriptStream
from tuitrain.script.split import (
    BACKWARD,
    DATA,
    END,
    TO_BACKWARD,
    TO_DATA,
    TO_UPDATE,
    UPDATE,
    StepSplit,
    stages_of,
)

BATCH = (TO_DATA, DATA)
PASS = (TO_BACKWARD, BACKWARD)
STEP = (TO_UPDATE, UPDATE)


@pytest.mark.parametrize(
    ("ends", "stages"),
    [
        pytest.param(
            (*BATCH, *PASS, *STEP), "other data forward backward other optimizer", id="plain"
        ),
        pytest.param(
            (*BATCH, *PASS, *BATCH, *PASS, *STEP),
            "other data forward backward other data forward backward other optimizer",
            id="two batches an update",
        ),
        pytest.param(
            (*BATCH, *PASS, *STEP, *PASS, *STEP),
            "other data forward backward other optimizer forward backward other optimizer",
            id="two optimizers",
        ),
        pytest.param(
            (*PASS, *STEP, *BATCH, *PASS, *STEP),
            "forward backward other optimizer other data forward backward other optimizer",
            id="two optimizers, of which the first counts",
        ),
        pytest.param((*PASS, *STEP), "rest backward other optimizer", id="no loader"),
        pytest.param((*BATCH, *STEP), "rest data rest optimizer", id="no backward pass"),
        pytest.param(
            (*BATCH, *PASS, END), "rest data forward backward rest", id="an unknown optimizer"
        ),
        pytest.param(
            (*BATCH, TO_UPDATE, *PASS, UPDATE),
            "other data other forward backward optimizer",
            id="one closure",
        ),
        pytest.param(
            (*BATCH, TO_UPDATE, *PASS, *PASS, UPDATE),
            "rest data rest rest backward rest backward rest",
            id="a closure that is called again",
        ),
        pytest.param(
            (*BATCH, *PASS, TO_UPDATE, *STEP, UPDATE),
            "other data forward backward other optimizer optimizer optimizer",
            id="an optimizer within an optimizer",
        ),
    ],
)
def test_each_stretch_is_what_it_is_known_to_be(ends: tuple[str, ...], stages: str) -> None:
    assert stages_of(ends) == stages.split()


@dataclass
class Loop:
    """A loop on a clock of its own, of which every step is timed."""

    now: float = 0.0
    on_device: bool = False
    mark_s: float = 0.0
    updates: int = 0
    split: StepSplit = field(init=False)

    def __post_init__(self) -> None:
        self.split = StepSplit(lambda: self.now, random.Random(0), lambda: self.now)
        self.split.start()

    def mark(self) -> float:
        self.now += self.mark_s
        return self.now

    def passed(self, mark: float) -> bool:
        return mark <= self.now

    def seconds(self, first: float, last: float) -> float:
        return last - first

    def reuse(self, marks: object) -> None:
        pass

    def wait(self, end: str, then: str, before_s: float, takes_s: float) -> None:
        self.now += before_s
        if self.split.laps is not None and self.split.laps.enter(end):
            self.now += takes_s
            self.split.laps.leave(then)
        else:
            self.now += takes_s

    def batch(self, takes_s: float = 1.0, *, quiet: bool = False) -> None:
        self.wait(TO_DATA, DATA, 0.25, takes_s)
        if self.split.laps is not None:
            self.split.laps.got(quiet=quiet)

    def backward(self) -> None:
        self.wait(TO_BACKWARD, BACKWARD, 2.0, 3.0)

    def update(self) -> None:
        for before_s, end in ((0.25, TO_UPDATE), (0.5, UPDATE)):
            self.now += before_s
            if self.split.laps is not None:
                self.split.laps.mark_update(end)
        self.end(at_update=True)

    def end(self, *, at_update: bool) -> None:
        self.updates += 1
        if self.updates >= self.split.due:
            self.split.end(self.updates, at_update=at_update)
            self.split.begin(self.updates, lambda: self)

    def steps(self, many: int) -> None:
        for _ in range(many):
            self.batch()
            self.backward()
            self.update()


PLAIN = {"other": 0.5, "data": 1.0, "forward": 2.0, "backward": 3.0, "optimizer": 0.5}


def parts(split: StepSplit) -> dict[str, float] | None:
    """Return the seconds of the parts that were told apart since the last call."""
    told = split.take()
    return None if told is None else {part: s for part, s in told.seconds.items() if s}


def test_a_step_is_split_and_told_at_the_update_that_ended_it() -> None:
    loop = Loop()
    loop.steps(5)
    told = loop.split.take()
    assert told is not None
    assert (told.seconds, told.ran_dry) == ({**PLAIN, "rest": 0.0}, None)
    # The first two steps build what all others use, and tell how long a step is.
    assert told.updates == 5
    assert loop.split.take() is None


def test_a_step_with_an_evaluation_in_it_is_no_step_to_be_split() -> None:
    for quiet in (True, False):
        loop = Loop()
        loop.steps(4)
        for _ in range(1 if quiet else 3):
            loop.batch(50.0, quiet=quiet)
        loop.steps(4)
        assert parts(loop.split) == PLAIN


def test_what_no_part_is_known_of_is_not_told() -> None:
    loop = Loop()
    for _ in range(5):
        loop.now += 1.0
        loop.end(at_update=False)
    assert loop.split.take() is None
    for _ in range(3):
        loop.wait(TO_BACKWARD, BACKWARD, 2.0, 3.0)
        loop.end(at_update=False)
    assert parts(loop.split) == {"rest": 2.0, "backward": 3.0}


def test_other_threads_and_what_is_within_a_part_change_nothing() -> None:
    loop = Loop()
    loop.steps(3)
    laps = loop.split.laps
    assert laps is not None
    helper = threading.Thread(target=lambda: laps.enter(TO_DATA))
    helper.start()
    helper.join()
    assert laps.enter(TO_DATA)
    assert not laps.enter(TO_BACKWARD)
    laps.leave(DATA)
    assert laps.ends == [TO_DATA, DATA]


def test_updates_within_the_backward_pass_leave_steps_unsplit() -> None:
    loop = Loop()
    for _ in range(6):
        loop.batch()
        laps = loop.split.laps
        entered = laps is not None and laps.enter(TO_BACKWARD)
        loop.update()
        if laps is not None and entered:
            laps.leave(BACKWARD)
    assert loop.split.take() is None


def test_as_few_short_steps_are_timed_as_their_cost_allows_and_long_ones_at_once() -> None:
    loop = Loop(mark_s=5e-6)
    begun = 0
    for _ in range(2000):
        loop.now += 1e-4
        before = loop.split.laps
        loop.end(at_update=False)
        begun += loop.split.laps is not None and loop.split.laps is not before
    # A step of 100 us that costs 30 us to be timed: one of 301, so that it is 0.1 %.
    assert 2 <= begun <= 20
    loop.split.follow(loop.updates, 1.0)
    before = loop.split.laps
    loop.end(at_update=False)
    assert loop.split.laps not in (None, before)


@dataclass
class Event:
    """What is asked of an event of CUDA's."""

    log: list[str]

    def record(self) -> None:
        self.log.append("record")

    def query(self) -> bool:
        self.log.append("query")
        return True

    def elapsed_time(self, last: object) -> float:
        del last
        return 1000.0


def test_a_devices_steps_are_timed_by_its_events_but_not_within_a_capture() -> None:
    log: list[str] = []
    capturing: list[bool] = []
    stream = ScriptStream(lambda: Event(log), lambda: bool(capturing))
    loop = Loop()
    clock: list[object] = [stream]
    loop.split.begin(1, lambda: None)
    for updates in range(2, 6):
        if loop.split.laps is not None:
            for end in (*BATCH, *PASS, *STEP):
                if updates == 5 and end == BACKWARD:
                    capturing.append(True)
                    log.clear()
                loop.split.laps.mark(end)
        loop.now += 1.0
        loop.split.end(updates, at_update=True)
        loop.split.begin(updates, lambda: clock[0])  # type: ignore[arg-type,return-value]
    assert log == []
    told = loop.split.take()
    assert told is not None
    assert set(told.seconds.values()) == {0.0, 1.0, 2.0}
    assert told.ran_dry == 1.0
    assert loop.split.fault is None


def test_a_clock_that_fails_ends_it_and_is_told() -> None:
    loop = Loop()
    loop.steps(2)

    def fail() -> float:
        raise RuntimeError("the device is lost")

    loop.mark = fail  # type: ignore[method-assign]
    loop.steps(3)
    assert str(loop.split.fault) == "the device is lost"
    assert loop.split.laps is None
    loop.split.start()
    loop.steps(3)
    assert loop.split.laps is None
