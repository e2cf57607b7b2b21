"""Memory that runs out in the loop: a told end, or the step again in smaller batches."""

import queue
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tuitrain.config.load import parse_preset
from tuitrain.messages import BatchSplit, CheckpointSaved, Event, MemoryRanOut, StepsTaken
from tuitrain.training.build import build_components
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.loop import Trainer
from tuitrain.training.memory.allocator import (
    Holding,
    HostAllocator,
)
from tuitrain.training.memory.fitting import Trial
from tuitrain.training.runtime.randomness import seed_everything

GIB = 1024**3
REFUSED = "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has"

PRESET = """
name = "own"
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
name = "adamw"
[train]
epochs = 2
batch_size = 20
threads = 1
"""


class Narrow(nn.Module):
    """Has room for so many samples; how many came is counted."""

    def __init__(self, inner: nn.Module, room: int) -> None:
        super().__init__()
        self.inner, self.room = inner, room
        self.sizes: list[int] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training and len(inputs) > self.room:
            raise torch.OutOfMemoryError(REFUSED)
        self.sizes.append(len(inputs)) if self.training else None
        outputs: torch.Tensor = self.inner(inputs)
        return outputs


class Course:
    """A trainer on a device of our own making, and what it sent."""

    def __init__(
        self,
        folder: Path,
        text: str,
        room: int = 10**9,
        *,
        bad_step: int = 0,
        error: Exception | None = None,
    ) -> None:
        preset = parse_preset(text, "config.toml")
        seed_everything(preset.train.seed)
        parts = build_components(preset, folder, lambda _text: None)
        parts.model = parts.forward = self.model = Narrow(parts.model, room)
        if bad_step:
            parts.optimizer = FailingAdamW(parts.model.parameters(), bad_step, error)
        checkpoints = CheckpointFolder(folder / "checkpoints")
        checkpoints.prepare()
        link = WorkerChannel(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
        link.begin(1)
        writer = CheckpointWriter(checkpoints, folder)
        writer.send = link.send
        self.trainer = Trainer(parts, link, writer, text, allocator=Roomy())
        self.ended = self.trainer.run()
        self.events: list[Event] = [item.event for item in link.unacknowledged()]

    def sent(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def steps(self) -> list[int]:
        taken = self.sent(StepsTaken)
        return [step for each in taken for step in range(each.first_step, each.last_step + 1)]


class FailingAdamW(torch.optim.AdamW):
    """Fails in one of its steps, by default for lack of memory."""

    def __init__(self, parameters: Any, bad_step: int, error: Exception | None = None) -> None:
        super().__init__(parameters, lr=1e-3)
        self.left = bad_step
        self.error = error or torch.OutOfMemoryError(REFUSED)

    def step(self, closure: Any = None) -> Any:
        self.left -= 1
        if not self.left:
            raise self.error
        return super().step(closure)


class Roomy(HostAllocator):
    """A device that always has a gigabyte left, and others on it."""

    def holding(self) -> Holding:
        return Holding(GIB, 80 * GIB, 66 * GIB, 70 * GIB, 0)


def test_a_failed_step_is_undone_and_the_last_whole_one_saved(tmp_path: Path) -> None:
    course = Course(tmp_path, PRESET, room=9)
    assert (course.ended.state, course.ended.step) == ("failed", 0)
    assert course.steps() == []
    [account] = course.sent(MemoryRanOut)
    assert account.account.again == {"train.batch_size": 5, "train.accumulate": 4}
    assert account.account.fits_batch_size == 8
    assert "Run again with: train.batch_size=5 train.accumulate=4" in course.ended.reason


@pytest.mark.parametrize("mode", ["tensor", "loader"])
def test_halved_batches_cover_every_sample_once_in_the_same_order(
    tmp_path: Path, mode: str
) -> None:
    # 100 training samples in steps of 2 x 15: the last of an epoch has 10.
    text = PRESET.replace("batch_size = 20", 'batch_size = 15\naccumulate = 2\noom = "halve"')
    text = text.replace('name = "linear"', f'name = "linear"\nmode = "{mode}"\nworkers = 0')
    whole = Course(tmp_path / "whole", text)
    split = Course(tmp_path / "split", text, room=7)
    assert (split.ended.state, split.ended.step) == ("finished", whole.ended.step)
    assert split.steps() == whole.steps() == list(range(1, 9))
    assert whole.model.sizes == [15, 15, 15, 15, 15, 15, 10] * 2
    # 15 and 8 were refused. What went through of those attempts is not in `sizes`.
    assert split.model.sizes == [4, 4, 4, 4, 4, 4, 4, 2] * 3 + [4, 4, 2] + (
        [4, 4, 4, 4, 4, 4, 4, 2] * 3 + [4, 4, 2]
    )
    for one, other in zip(whole.model.parameters(), split.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    halved = [(event.old, event.new, event.accumulate) for event in split.sent(BatchSplit)]
    assert halved == [(15, 8, 4), (8, 4, 8)]


@pytest.mark.parametrize("policy", ["fail", "halve"])
def test_an_update_that_may_be_half_made_is_not_saved(tmp_path: Path, policy: str) -> None:
    text = PRESET + f'oom = "{policy}"\n[checkpoint]\nevery_steps = 2\n'
    course = Course(tmp_path, text, bad_step=4)
    assert (course.ended.state, course.ended.step) == ("failed", 3)
    assert "A smaller batch does not help" in course.ended.reason
    assert {event.step for event in course.sent(CheckpointSaved)} == {2}
    assert not course.sent(BatchSplit)


def test_a_single_sample_that_does_not_fit_ends_a_run_that_halves(tmp_path: Path) -> None:
    course = Course(tmp_path, PRESET + 'oom = "halve"', room=0)
    assert course.ended.state == "failed"
    assert [event.new for event in course.sent(BatchSplit)] == [10, 5, 3, 2, 1]
    assert "No smaller batch was found to fit" in course.ended.reason


def test_what_a_batch_takes_on_a_cpu_grows_with_its_samples(tmp_path: Path) -> None:
    preset = parse_preset(PRESET, "config.toml")
    parts = build_components(preset, tmp_path, lambda _text: None)
    trial = Trial(parts, HostAllocator(), 3)
    five, ten, twenty = (trial(size) or 0 for size in (5, 10, 20))
    assert twenty - ten == 2 * (ten - five) > 0
    assert all(parameter.grad is None for parameter in parts.model.parameters())


# --- other errors ---------------------------------------------------------------------------------


def saved(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").glob("step-*"))


def test_after_an_error_in_the_update_the_last_checkpoint_stays(tmp_path: Path) -> None:
    text = PRESET + "[checkpoint]\nevery_steps = 2\n"
    with pytest.raises(ValueError, match="not this one") as caught:
        Course(tmp_path, text, bad_step=4, error=ValueError("not this one"))
    [note] = caught.value.__notes__
    assert note == "the last update may be half made, so the last checkpoint stays"
    assert saved(tmp_path) == ["step-00000002.pt"]


def test_an_error_that_takes_the_device_along_is_told_with_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise RuntimeError("the device is lost")

    monkeypatch.setattr(Narrow, "forward", fail)
    monkeypatch.setattr(FailingAdamW, "zero_grad", fail)
    with pytest.raises(RuntimeError, match="the device is lost") as caught:
        Course(tmp_path, PRESET, bad_step=100)
    [note] = caught.value.__notes__
    assert note == "the last step could not be saved: RuntimeError: the device is lost"
