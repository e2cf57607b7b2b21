"""A hang is told by what is usual in the run itself, and by what the worker is about."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.alerts.feeds import PRESET
from tuitrain import messages as m
from tuitrain.alerts.hang import Hang
from tuitrain.config.load import parse_preset


class Clocked:
    """A hang rule and a clock that the test moves."""

    def __init__(self, *overrides: str, steps_per_epoch: int = 1000, total: int = 10**6) -> None:
        preset = parse_preset(PRESET, "x.toml", overrides)
        self.hang = Hang(preset.alerts, preset.train)
        self.now = 100.0
        self.step = 0
        self.said: list[str] = []
        self.take(
            m.TrainingPrepared(self.now, 0, total, steps_per_epoch, 1, "cpu", m.Environment())
        )

    def take(self, event: m.Event) -> None:
        if text := self.hang.take(event, self.now):
            self.said.append(text)

    def steps(self, count: int, interval_s: float, steps: int = 1) -> None:
        """Take messages of steps, each after so long, with the looks in between."""
        for _ in range(count):
            self.wait(interval_s)
            first, self.step = self.step + 1, self.step + steps
            self.take(m.StepsTaken(self.now, first, self.step, 0.0, 0.0, ()))

    def wait(self, seconds: float) -> None:
        """Let time go by and look every second, as the supervisor does more often still."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 1.0)
            if text := self.hang.poll(self.now):
                self.said.append(text)

    def evaluated(self, duration_s: float) -> None:
        self.wait(duration_s)
        self.take(m.Evaluated(self.now, self.step, 1.0, duration_s, {}, None))


def test_no_step_for_a_minute_is_a_hang_and_told_once_and_so_is_that_it_goes_on() -> None:
    run = Clocked()
    run.steps(50, 0.2, 10)
    run.wait(59)
    assert run.said == []
    run.wait(600)
    assert run.said == ["no step for 60 s (usually at least one every 200 ms)"]
    run.steps(1, 1.0)
    assert run.said[1:] == ["steps continue after 11 min"]
    run.steps(50, 0.2)
    run.wait(100)
    assert run.said[2:] == ["no step for 60 s (usually at least one every 200 ms)"]


@settings(max_examples=30)
@given(st.lists(st.floats(0.01, 45.0), min_size=5, max_size=60))
def test_steps_of_any_length_below_a_minute_are_no_hang(lengths: list[float]) -> None:
    run = Clocked()
    for length in lengths:
        run.steps(1, length)
    assert run.said == []


def test_long_steps_are_usual_where_they_are_usual() -> None:
    run = Clocked()
    run.steps(20, 90.0)
    run.wait(800)
    assert run.said == []
    run.wait(200)
    assert run.said == ["no step for 15 min (usually at least one every 90 s)"]


def test_steps_that_become_long_are_usual_after_some_of_them() -> None:
    run = Clocked()
    run.steps(20, 30.0)
    run.steps(150, 100.0)
    told = len(run.said)
    run.steps(50, 100.0)
    assert len(run.said) == told


def test_what_took_long_once_may_take_as_long_again() -> None:
    run = Clocked()
    run.steps(50, 0.2)
    run.steps(1, 55.0)
    run.steps(50, 0.2)
    run.wait(100)
    assert run.said == []
    run.wait(20)
    assert run.said == ["no step for 111 s (usually at least one every 200 ms)"]


def test_the_first_step_may_compile() -> None:
    run = Clocked("alerts.hang_first_step_s=300")
    run.wait(299)
    assert run.said == []
    run.wait(10)
    assert run.said == ["no first step for 5 min"]


def test_an_evaluation_has_a_limit_of_its_own() -> None:
    run = Clocked("alerts.hang_evaluation_s=200", steps_per_epoch=10)
    run.steps(9, 0.2)
    run.steps(1, 0.2)
    run.evaluated(150)
    run.steps(10, 0.2)
    run.wait(1400)
    assert run.said == []
    run.wait(200)
    assert run.said == ["no evaluation for 25 min (the longest took 2 min)"]
    run.evaluated(1)
    assert run.said[1:] == ["the evaluation is done after 27 min"]
    run.steps(5, 0.2)
    assert len(run.said) == 2


def test_after_an_evaluation_it_takes_as_long_as_it_did_before() -> None:
    run = Clocked("alerts.hang_evaluation_s=900", steps_per_epoch=10)
    run.steps(10, 0.2)
    run.evaluated(1)
    run.steps(1, 40.0)
    run.steps(9, 0.2)
    run.evaluated(1)
    run.wait(79)
    assert run.said == []
    run.wait(2)
    assert run.said == ["no step for 80 s (usually at least one every 200 ms)"]


def test_a_loader_that_hangs_where_the_next_epoch_begins_is_told_as_soon_as_any() -> None:
    run = Clocked(steps_per_epoch=10)
    for _ in range(5):
        run.steps(1, 0.2, 10)
        run.evaluated(0.1)
    run.wait(61)
    assert len(run.said) == 1


def test_a_command_may_take_longer_than_a_step() -> None:
    run = Clocked("alerts.hang_evaluation_s=200")
    run.steps(50, 0.2)
    run.hang.expect_command()
    run.steps(2, 0.2)
    run.wait(190)
    assert run.said == []
    run.steps(10, 0.2)
    run.wait(61)
    assert len(run.said) == 1


def test_a_pause_the_end_and_the_time_before_training_are_no_hang() -> None:
    run = Clocked()
    run.steps(50, 0.2)
    run.take(m.TrainingPaused(run.now, run.step, "by command"))
    run.wait(10_000)
    run.take(m.TrainingContinued(run.now, run.step))
    run.wait(50)
    run.steps(5, 0.2)
    run.take(m.TrainingEnded(run.now, run.step, "finished", "done"))
    run.wait(10_000)
    assert run.said == []


def test_a_supervisor_that_was_held_up_itself_gives_the_run_time_to_speak() -> None:
    run = Clocked()
    run.steps(50, 0.2)
    run.now += 5000
    assert run.hang.poll(run.now) == ""
    run.steps(50, 0.2)
    assert run.said == []
