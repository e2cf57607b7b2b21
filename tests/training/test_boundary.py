"""What is due between two steps, decided from plain values alone."""

import queue
from dataclasses import replace

import pytest

from tuitrain.config.load import parse_preset
from tuitrain.messages import Evaluate, Pause, SaveCheckpoint
from tuitrain.training.boundary import FLUSH_S, BoundaryPlanner, Moment, decide
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.settings.live import LiveSettings, PendingChanges
from tuitrain.training.triggers import Triggers

PRESET = """
name = "line"
task = "regression"
[data]
name = "linear"
[model]
name = "linear"
[loss]
name = "mse"
[train]
evaluate_every_epochs = 2
evaluate_every_steps = 15
[checkpoint]
every_steps = 25
every_minutes = 2
"""
BEFORE = Moment(
    step=7, evaluated_step=0, saved_step=-1, since_save_s=1.0, since_collect_s=1.0, writing=False
)
TOTAL = 100


def triggers() -> Triggers:
    preset = parse_preset(PRESET, "preset.toml")
    settings = LiveSettings.begin(preset, lambda *_: 1.0, TOTAL)
    return Triggers(preset.train, settings, BatchSchedule(640, 64, 1, False, 0))


def test_nothing_is_due_in_between_and_the_next_boundary_is_known() -> None:
    due = decide(BEFORE, triggers(), TOTAL)
    assert (due.evaluate, due.end, due.save, due.collect) == (False, False, False, False)
    assert due.next_step == 15
    assert decide(BEFORE, triggers(), TOTAL, next_change=9).next_step == 9
    assert decide(replace(BEFORE, step=96), triggers(), TOTAL).next_step == 100


@pytest.mark.parametrize("step", [15, 20, 30, 100])
def test_an_evaluation_is_due_by_steps_and_epochs_and_at_the_end_each_once(step: int) -> None:
    moment = replace(BEFORE, step=step)
    assert decide(moment, triggers(), TOTAL).evaluate
    assert not decide(replace(moment, evaluated_step=step), triggers(), TOTAL).evaluate
    assert decide(moment, triggers(), TOTAL).end is (step == 100)


def test_an_evaluation_that_is_asked_for_is_due_though_there_was_one() -> None:
    moment = replace(BEFORE, evaluated_step=7, commands=(Evaluate(1), Pause(2)))
    due = decide(moment, triggers(), TOTAL)
    assert due.evaluate
    assert due.commands == (Evaluate(1), Pause(2))


def test_a_checkpoint_is_due_by_steps_and_by_time_and_never_twice_at_a_step() -> None:
    assert decide(replace(BEFORE, step=25), triggers(), TOTAL).save
    assert not decide(replace(BEFORE, step=25, saved_step=25), triggers(), TOTAL).save
    late = replace(BEFORE, since_save_s=121.0)
    assert decide(late, triggers(), TOTAL).save
    assert not decide(replace(late, writing=True), triggers(), TOTAL).save
    assert not decide(replace(late, step=0), triggers(), TOTAL).save


def test_the_planner_takes_what_has_come_in_and_asks_for_a_boundary_at_once() -> None:
    now = [100.0]
    channel = WorkerChannel(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
    planner = BoundaryPlanner(channel, triggers(), clock=lambda: now[0])
    planner.until(15)
    assert not planner.reached(7)
    assert planner.reached(15)
    channel.put_command(SaveCheckpoint(1))
    assert planner.reached(7)
    pending = PendingChanges([(7, "optimizer.lr", 0.1), (9, "optimizer.lr", 0.2)])

    def decided(saved_step: int) -> tuple[bool, int]:
        due = planner.decide(
            7,
            evaluated_step=0,
            saved_step=saved_step,
            writing=False,
            total_steps=TOTAL,
            pending=pending,
        )
        while planner.next_command() is not None:
            pass
        return due.save, len(due.commands) + len(due.changes)

    assert decided(-1) == (False, 2)
    assert not planner.reached(7)
    now[0] += FLUSH_S
    assert planner.reached(7)
    now[0] += 121
    assert decided(-1) == (True, 0)
    # A checkpoint that was saved since begins the interval again.
    assert decided(6) == (False, 0)
