"""Profiles taken of a real loop, in this process: what is recorded, bounded, refused, given up."""

import gzip
import json
import queue
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tuitrain.config.load import parse_preset
from tuitrain.messages import Command, CommandDone, Evaluate, Profile, ProfileWritten, Stop
from tuitrain.metric_names import MODULE_MARK, STEP_MARK
from tuitrain.tracing.recording import modules_named
from tuitrain.training.build import build_components
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.loop import Trainer
from tuitrain.training.profiling.profiler import Profiler
from tuitrain.training.runtime.randomness import seed_everything

CONFIG = """
name = "digits"
task = "classification"
[data]
name = "digits"
[model]
name = "cnn"
[loss]
name = "cross_entropy"
[optimizer]
name = "adamw"
[train]
epochs = 3
max_steps = 40
batch_size = 64
threads = 1
"""


class Course:
    """A run with a profile ordered at its beginning."""

    def __init__(self, folder: Path, *commands: Command, config: str = CONFIG) -> None:
        preset = parse_preset(config, "config.toml")
        seed_everything(preset.train.seed)
        self.folder = folder
        self.parts = build_components(preset, folder, lambda _text: None)
        link = WorkerChannel(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
        link.begin(1)
        for command in commands:
            link.put_command(command)
        checkpoints = CheckpointFolder(folder / "checkpoints")
        checkpoints.prepare()
        writer = CheckpointWriter(checkpoints, folder)
        writer.send = link.send
        self.ended = Trainer(self.parts, link, writer, config).run()
        self.events: list[Any] = [item.event for item in link.unacknowledged()]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def trace(self, name: str) -> list[dict[str, Any]]:
        return read_trace(self.folder / "profiles" / name / "trace.json.gz")


def read_trace(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path) as file:
        found: list[dict[str, Any]] = json.load(file)["traceEvents"]
    return found


def steps_in(trace: list[dict[str, Any]]) -> list[str]:
    return [event["name"] for event in trace if event["name"].startswith(STEP_MARK)]


def order(steps: int, name: str = "p1", *, stacks: bool = False, number: int = 1) -> Profile:
    return Profile(number, steps, name, stacks)


def test_the_trace_holds_the_steps_that_were_asked_for_and_names_modules(tmp_path: Path) -> None:
    course = Course(tmp_path, order(5, stacks=True))
    [written], [done] = course.of(ProfileWritten), course.of(CommandDone)
    assert (done.outcome, done.command_id) == ("done", 1)
    assert "5 steps" in done.text
    trace = course.trace("p1")
    numbers = [int(name.removeprefix(STEP_MARK)) for name in steps_in(trace)]
    assert numbers == list(range(written.first_step, written.last_step + 1))
    assert len(numbers) == 5
    names = {event["name"] for event in trace}
    assert f"{MODULE_MARK}0 (Conv2d)" in names
    assert f"{MODULE_MARK}loss (CrossEntropyLoss)" in names
    assert any(event.get("cat") == "python_function" for event in trace)
    assert len(written.facts.steps_s) == 5
    assert written.facts.held_up_s > 0
    assert written.facts.json_bytes > written.facts.trace_bytes > 0
    assert written.facts.note == ""
    assert sorted(path.name for path in (tmp_path / "profiles/p1").iterdir()) == ["trace.json.gz"]


def test_a_profile_changes_neither_weights_nor_hooks(tmp_path: Path) -> None:
    profiled = Course(tmp_path / "one", order(6, stacks=True), Evaluate(2))
    plain = Course(tmp_path / "two", Evaluate(2))
    for one, other in zip(
        profiled.parts.model.state_dict().values(),
        plain.parts.model.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(one, other)
    for module in profiled.parts.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_an_evaluation_in_between_is_recorded_but_is_no_step(tmp_path: Path) -> None:
    # An epoch is 23 steps, after which the run evaluates.
    course = Course(tmp_path, order(25))
    [written] = course.of(ProfileWritten)
    assert written.first_step <= 23 < written.last_step, written
    assert len(steps_in(course.trace("p1"))) == 25


def test_the_end_of_the_run_ends_a_profile_with_the_steps_it_has(tmp_path: Path) -> None:
    course = Course(tmp_path, order(500))
    [written], [done] = course.of(ProfileWritten), course.of(CommandDone)
    assert course.ended.state == "finished"
    assert written.last_step == 40
    assert 20 < len(steps_in(course.trace("p1"))) < 40
    assert written.facts.asked_steps == 500
    assert "the run ended" in written.facts.note and "the run ended" in done.text


def test_a_stop_before_a_step_was_recorded_leaves_no_profile(tmp_path: Path) -> None:
    course = Course(tmp_path, order(5), Stop(2, "by command"))
    assert not course.of(ProfileWritten)
    first = course.of(CommandDone)
    answers = {done.command_id: (done.outcome, done.text) for done in first}
    assert answers[1][0] == "refused" and "the run ended" in answers[1][1]
    assert answers[2][0] == "done"
    assert not list((tmp_path / "profiles").glob("*"))


def test_a_second_profile_is_refused_while_one_is_under_way(tmp_path: Path) -> None:
    course = Course(tmp_path, order(5), order(5, "p2", number=2), order(0, "p3", number=3))
    answers = {done.command_id: done for done in course.of(CommandDone)}
    assert [event.name for event in course.of(ProfileWritten)] == ["p1"]
    assert answers[2].outcome == "refused" and "p1 is under way" in answers[2].text
    assert answers[1].outcome == "done"


# --- the profiler alone --------------------------------------------------------------------------


class Desk:
    """A profiler over a model and steps of its own."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.events: list[Any] = []
        self.model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
        self.step = 0
        # The first pass of a process does more than any later one.
        self.take()
        self.profiler = Profiler(
            {"model": self.model}, torch.device("cpu"), folder, self.events.append, **options
        )

    def take(self) -> None:
        torch.autograd.backward(self.model(torch.ones(4, 8)).sum())

    def run(self, steps: int = 200) -> None:
        while self.profiler.under_way is not None and steps:
            self.step, steps = self.step + 1, steps - 1
            self.profiler.step(self.take, self.step)
        self.profiler.finish(self.step)


def test_no_more_steps_are_recorded_than_fit_the_bound_and_it_is_said(tmp_path: Path) -> None:
    whole, tight = Desk(tmp_path / "whole"), Desk(tmp_path / "tight", most_bytes=60_000)
    for desk in (whole, tight):
        desk.profiler.begin(order(50), 0)
        desk.run()
    [large, _], [small, done] = whole.events, tight.events
    assert len(large.facts.steps_s) == 50
    assert large.facts.json_bytes > 90_000
    assert 1 <= len(small.facts.steps_s) < 50
    assert small.facts.json_bytes < 60_000
    assert "50 steps were asked for" in small.facts.note
    assert small.facts.note in done.text


def test_an_evaluation_takes_the_room_of_as_many_steps(tmp_path: Path) -> None:
    desk = Desk(tmp_path, most_bytes=3_000_000)
    desk.profiler.begin(order(500), 0)
    course = desk.profiler.under_way
    assert course is not None
    while len(course.steps.times_s) != 2:
        assert desk.profiler.under_way is course, desk.events
        desk.profiler.step(desk.take, 1)
    found = re.search(r"more than (\d+) would", course.note)
    assert found is not None
    desk.profiler.expect(6, 1)
    desk.run(500)
    [written, _] = desk.events
    assert len(written.facts.steps_s) == int(found[1]) - 6
    assert "evaluation" in written.facts.note


def test_an_evaluation_that_would_not_fit_ends_the_profile_first(tmp_path: Path) -> None:
    desk = Desk(tmp_path, most_bytes=200_000)
    desk.profiler.begin(order(20), 0)
    while desk.profiler.under_way is not None and not desk.profiler.under_way.steps.times_s:
        desk.profiler.step(desk.take, 1)
    desk.profiler.expect(10_000, 1)
    desk.run()
    [written, done] = desk.events
    assert "evaluation" in written.facts.note
    assert len(written.facts.steps_s) < 20
    assert done.outcome == "done"


@pytest.mark.parametrize("steps", [0, -3, 100_000])
def test_a_number_of_steps_that_is_none_is_refused(tmp_path: Path, steps: int) -> None:
    desk = Desk(tmp_path)
    desk.profiler.begin(order(steps), 7)
    [done] = desk.events
    assert (done.outcome, done.step) == ("refused", 7)
    assert "1 to 1000 steps" in done.text
    assert desk.profiler.under_way is None


def test_a_folder_that_can_not_be_written_refuses_the_profile_and_training_goes_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "profiles").write_text("a file, no folder")
    desk = Desk(tmp_path / "profiles")
    desk.profiler.begin(order(3), 0)
    desk.run()
    [done] = desk.events
    assert done.outcome == "refused" and done.text.startswith("no profile: ")
    assert desk.step >= 1


def test_what_a_step_raises_goes_through_and_hooks_are_gone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    def fail() -> None:
        desk.model(torch.ones(4, 3))

    with pytest.raises(RuntimeError, match="shapes"), modules_named({"model": desk.model}):
        fail()
    assert not any(module._forward_hooks for module in desk.model.modules())
