"""The loop itself, in this process: accumulation, precision, events in order."""

import queue
from pathlib import Path
from typing import Any

import pytest
import torch

from tuitrain.config.load import parse_preset
from tuitrain.messages import (
    CheckpointSaved,
    Command,
    CommandDone,
    Continue,
    Evaluated,
    HoldForRecord,
    Pause,
    RecordWritable,
    StepsTaken,
    Stop,
    TrainingContinued,
    TrainingPaused,
)
from tuitrain.training.build import build_components
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder, load_checkpoint
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.loop import Trainer
from tuitrain.training.runtime.randomness import seed_everything

LINE = """
name = "line"
task = "regression"
[data]
name = "linear"
samples = 125
[model]
name = "mlp"
hidden = [8]
[loss]
name = "mse"
[optimizer]
name = "sgd"
lr = 0.1
[train]
epochs = 3
"""


class Course:
    """A trainer with what it sends."""

    def __init__(self, folder: Path, config: str, *commands: Command, **options: Any) -> None:
        preset = parse_preset(config, "config.toml")
        seed_everything(preset.train.seed)
        self.parts = build_components(preset, folder, lambda _text: None, folder)
        self.link = WorkerChannel(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
        self.link.begin(1)
        for command in commands:
            self.link.put_command(command)
        checkpoints = CheckpointFolder(folder / "checkpoints")
        checkpoints.prepare()
        writer = CheckpointWriter(checkpoints, folder)
        writer.send = self.link.send
        self.ended = Trainer(self.parts, self.link, writer, config, **options).run()
        self.events: list[Any] = [item.event for item in self.link.unacknowledged()]

    @property
    def last_evaluation(self) -> dict[str, float]:
        found = [event for event in self.events if isinstance(event, Evaluated)]
        return dict(found[-1].metrics)

    def points(self, name: str) -> list[float]:
        taken = [event for event in self.events if isinstance(event, StepsTaken)]
        found = [part for event in taken for part in event.points if part.name == name]
        return [value for part in found for value in part.values]


def test_accumulated_batches_make_the_step_that_one_big_batch_makes(tmp_path: Path) -> None:
    # 100 training samples: the last step of an epoch is smaller, and so is its last batch.
    big = Course(tmp_path / "big", LINE + "batch_size = 32\nclip_norm = 0.5")
    small = Course(tmp_path / "small", LINE + "batch_size = 12\naccumulate = 3\nclip_norm = 0.5")
    near = Course(tmp_path / "near", LINE + "batch_size = 8\naccumulate = 4\nclip_norm = 0.5")
    assert (big.ended.step, near.ended.step, small.ended.step) == (12, 12, 9)
    for one, other in zip(big.parts.model.parameters(), near.parts.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    for name in ("train/loss", "train/mae", "grad_norm"):
        assert big.points(name) == pytest.approx(near.points(name), rel=1e-4)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_every_precision_trains_on_a_cpu_and_keeps_fp32_weights(
    tmp_path: Path, precision: str
) -> None:
    course = Course(tmp_path, LINE + f'batch_size = 20\nprecision = "{precision}"')
    assert (course.ended.state, course.ended.reason) == ("finished", "3 epochs done")
    assert {weight.dtype for weight in course.parts.model.parameters()} == {torch.float32}
    losses = course.points("train/loss")
    assert len(losses) == 15
    assert losses[-1] < losses[0]


def test_weights_gradients_and_optimizer_state_may_be_held_in_bf16(tmp_path: Path) -> None:
    held = 'batch_size = 20\nprecision = "bf16"\nparameter_type = "bf16"'
    course = Course(tmp_path, LINE.replace('"sgd"', '"adamw"') + held)
    assert course.ended.state == "finished"
    saved = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    means = [state["exp_avg"] for state in saved["optimizer"]["state"].values()]
    for tensor in (*saved["model"].values(), *means):
        assert tensor.dtype == torch.bfloat16
    losses = course.points("train/loss")
    assert losses[-1] < losses[0]


def test_steps_are_told_before_the_evaluation_and_the_checkpoint_that_follow(
    tmp_path: Path,
) -> None:
    course = Course(tmp_path, LINE + "batch_size = 20")
    evaluated = [event.step for event in course.events if isinstance(event, Evaluated)]
    assert evaluated == [5, 10, 15]
    for number, event in enumerate(course.events):
        if isinstance(event, Evaluated | CheckpointSaved):
            told = [e.last_step for e in course.events[:number] if isinstance(e, StepsTaken)]
            assert told[-1] >= event.step
    assert course.points("lr") == [0.1] * 15


def course_of_waiting(course: Course) -> list[str]:
    told = []
    for event in course.events:
        match event:
            case TrainingPaused():
                told.append(f"paused: {event.reason}")
            case TrainingContinued():
                told.append("continued")
            case CommandDone():
                told.append(f"{event.command_id} {event.outcome}")
    return told


def test_a_pause_outlasts_a_full_disk_that_comes_and_goes_meanwhile(tmp_path: Path) -> None:
    commands = (
        Pause(1),
        HoldForRecord("full"),
        Pause(2),
        RecordWritable(),
        Continue(3),
        Continue(4),
    )
    course = Course(tmp_path, LINE + "batch_size = 20", *commands)
    assert course.ended.state == "finished"
    assert course_of_waiting(course) == [
        "paused: by command",
        "1 done",
        "paused: full",
        "2 refused",
        "paused: by command",
        "continued",
        "3 done",
        "4 refused",
    ]


def test_a_full_disk_outlasts_a_pause_that_comes_and_goes_meanwhile(tmp_path: Path) -> None:
    commands = (HoldForRecord("full"), Pause(1), Continue(2), RecordWritable())
    course = Course(tmp_path, LINE + "batch_size = 20", *commands)
    assert course.ended.state == "finished"
    assert course_of_waiting(course) == [
        "paused: full",
        "paused: by command",
        "1 done",
        "paused: full",
        "2 done",
        "continued",
    ]


def test_a_stop_ends_a_run_that_waits(tmp_path: Path) -> None:
    course = Course(tmp_path, LINE + "batch_size = 20", Pause(1), Stop(2, "enough"))
    assert (course.ended.state, course.ended.reason) == ("stopped", "enough")
    assert course_of_waiting(course) == ["paused: by command", "1 done", "2 done"]


class Releasing(WorkerChannel):
    """Is told that the record can be written again while something else is waited for."""

    waits = 0

    def wait_for_command(self, timeout_s: float) -> None:
        self.waits += 1
        assert self.waits < 5, "waits for ever"
        if self.waits == 1:
            self.put_command(RecordWritable())
        super().wait_for_command(0.0 * timeout_s)


class FullOnce(CheckpointFolder):
    """Has no room for its first file; by then the record has none either."""

    channel: WorkerChannel
    failed = False

    def write(self, state: Any, step: int, *, prove: bool = False) -> Path:
        if not self.failed:
            self.failed = True
            self.channel.put_command(HoldForRecord("the record can't be written"))
            raise OSError(28, "No space left on device")
        return super().write(state, step, prove=prove)


def test_a_hold_that_is_lifted_while_a_checkpoint_waits_for_space_holds_no_longer(
    tmp_path: Path,
) -> None:
    config = LINE + "batch_size = 20\n[checkpoint]\nevery_steps = 2\n"
    components = build_components(parse_preset(config, "x"), tmp_path, lambda _text: None)
    channel = Releasing(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
    channel.begin(1)
    folder = FullOnce(tmp_path / "checkpoints")
    folder.channel = channel
    folder.prepare()
    ended = Trainer(components, channel, CheckpointWriter(folder, tmp_path), config).run()
    assert (ended.state, ended.step) == ("finished", 15)
    assert channel.waits == 1
