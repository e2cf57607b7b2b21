"""What a run's memory is made of: exact for a known model, and measured without a trace."""

import queue
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tuitrain.config.load import parse_preset
from tuitrain.messages import (
    MemoryAccount,
    MemoryAccounted,
    MemoryParts,
    NoEstimate,
    WorkerMeasured,
)
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder
from tuitrain.training.checkpoints.saveable import digest_state
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.loop import Trainer
from tuitrain.training.memory.allocator import CudaAllocator, HostAllocator, MetalAllocator
from tuitrain.training.memory.footprint import estimate_footprint, measure_held
from tuitrain.training.memory.saved_tensors import SavedTensorTracker
from tuitrain.training.memory.watch import MemoryWatch
from tuitrain.training.runtime.randomness import seed_everything

DIGITS = """
name = "digits"
task = "classification"
[data]
name = "digits"
mode = "{mode}"
[model]
name = "mlp"
hidden = [32]
[loss]
name = "cross_entropy"
[optimizer]
name = "{optimizer}"
{options}
[train]
epochs = 1
batch_size = {batch_size}
threads = 1
accumulate = {accumulate}
"""
WEIGHTS = 4 * (64 * 32 + 32 + 32 * 10 + 10)
SET = 1797 * (64 + 8)
"""Digits are held as one byte a pixel, and a class number of eight bytes."""


def config(**values: Any) -> str:
    usual = {"mode": "tensor", "optimizer": "adamw", "options": "", "batch_size": 50}
    return DIGITS.format(**{"accumulate": 1, **usual, **values})


def trainer(folder: Path, text: str) -> tuple[Trainer, WorkerChannel]:
    preset = parse_preset(text, "config.toml")
    seed_everything(preset.train.seed)
    parts = build_components(preset, folder, lambda _text: None)
    link = WorkerChannel(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
    link.begin(1)
    checkpoints = CheckpointFolder(folder / "checkpoints")
    checkpoints.prepare()
    writer = CheckpointWriter(checkpoints, folder)
    writer.send = link.send
    return Trainer(parts, link, writer, text), link


def account_of(folder: Path, text: str) -> MemoryAccount:
    """Return the one account that a run gives."""
    one, link = trainer(folder, text)
    assert one.run().state == "finished"
    sent = [item.event for item in link.unacknowledged()]
    [account] = [event for event in sent if isinstance(event, MemoryAccounted)]
    found: MemoryAccount = account.account
    return found


def estimate_in(account: MemoryAccount) -> MemoryParts:
    assert isinstance(account.estimated, MemoryParts)
    return account.estimated


@pytest.mark.parametrize(
    ("optimizer", "options", "states"),
    [
        # AdamW keeps two numbers for each parameter, and a float32 count for each of 4 tensors.
        ("adamw", "", 2 * WEIGHTS + 4 * 4),
        ("sgd", "", 0),
        ("sgd", "momentum = 0.9", WEIGHTS),
    ],
)
def test_parts_of_a_known_model_are_exact_to_the_byte(
    tmp_path: Path, optimizer: str, options: str, states: int
) -> None:
    account = account_of(tmp_path, config(optimizer=optimizer, options=options))
    measured, estimated = account.measured, estimate_in(account)
    assert (account.device, account.batch_size) == ("cpu", 50)
    assert measured.parameters_bytes == estimated.parameters_bytes == WEIGHTS
    assert measured.gradients_bytes == estimated.gradients_bytes == WEIGHTS
    assert measured.optimizer_bytes == states
    assert estimated.optimizer_bytes == states - states % WEIGHTS
    assert measured.data_bytes == estimated.data_bytes == SET
    assert measured.buffers_bytes == 0
    assert "backward pass of step 3" in account.activations_source
    for part in map(asdict, (measured, estimated)):
        total = part.pop("total_bytes")
        assert total == sum(part.values())


def test_activations_are_what_autograd_keeps_of_one_batch_at_a_time(tmp_path: Path) -> None:
    once = account_of(tmp_path / "once", config(batch_size=50))
    twice = account_of(tmp_path / "twice", config(batch_size=25, accumulate=2))
    activations = once.measured.activations_bytes
    # Inputs [50, 64], the hidden layer after ReLU [50, 32], log-probabilities [50, 10], classes,
    # and a scalar that the mean leaves.
    assert activations == 50 * (4 * (64 + 32 + 10) + 8) + 4
    assert twice.measured.activations_bytes == 25 * (4 * (64 + 32 + 10) + 8) + 4
    estimated = estimate_in(once).activations_bytes
    assert estimated == 50 * 4 * (64 + 32)


def test_streamed_data_take_no_room_on_the_device(tmp_path: Path) -> None:
    account = account_of(tmp_path, config(mode="loader"))
    assert account.measured.data_bytes == estimate_in(account).data_bytes == 0


class Busy(nn.Module):
    """Moves every kind of state there is when it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(), nn.Linear(16, 10)
        )
        self.calls = 0

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        random.random()
        np.random.random()
        outputs: torch.Tensor = self.layers(inputs + torch.rand(()))
        return outputs


class Choosy(Busy):
    """Its shapes follow from its numbers."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if inputs.abs().sum().item() > 1e9:
            return inputs
        return super().forward(inputs)


def parts_with(folder: Path, model: nn.Module) -> TrainingComponents:
    parts = build_components(parse_preset(config(), "config.toml"), folder, lambda _text: None)
    parts.model = parts.forward = model
    return parts


@pytest.mark.parametrize("build", [Busy, Choosy])
def test_an_estimate_leaves_model_and_generators_as_they_were(tmp_path: Path, build: Any) -> None:
    parts = parts_with(tmp_path, build())
    seed_everything(5)
    before = digest_state(parts.model.state_dict())
    footprint = estimate_footprint(parts, 50)
    assert digest_state(parts.model.state_dict()) == before
    assert (parts.model.calls, [p.grad for p in parts.model.parameters()]) == (0, [None] * 6)
    drawn = (random.random(), np.random.random(), torch.rand(1).item())
    seed_everything(5)
    assert drawn == (random.random(), np.random.random(), torch.rand(1).item())
    assert footprint.activations_bytes is not None
    assert footprint.activations_bytes > 50 * 4 * 64


def test_weights_cast_for_bf16_do_not_grow_with_the_batch(tmp_path: Path) -> None:
    text = config() + 'precision = "bf16"'
    parts = build_components(parse_preset(text, "config.toml"), tmp_path, lambda _text: None)
    small, large = (estimate_footprint(parts, size).activations_bytes or 0 for size in (50, 100))
    assert large < 2 * small
    assert small > WEIGHTS / 2


def test_a_model_that_refuses_an_estimate_is_still_measured(tmp_path: Path) -> None:
    class Refusing(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            assert len(inputs) > 10, "more than ten, please"
            return inputs

    parts = parts_with(tmp_path, Refusing())
    sent: list[Any] = []
    watch = MemoryWatch(parts, HostAllocator(), sent.append)
    watch.begin(0)
    assert watch.due_step(0, 100) == 2
    assert watch.due_step(2, 100) == 3
    watch.look(3)
    assert watch.account()
    assert not watch.account()
    assert sent[0].account.estimated == NoEstimate("more than ten, please")
    assert sent[0].account.measured.data_bytes == SET


class Unwatched(MemoryWatch):
    """Measures nothing."""

    def begin(self, step: int) -> None:
        del step


def test_measuring_a_step_changes_nothing_about_it(tmp_path: Path) -> None:
    def weights(folder: Path, watch: type[MemoryWatch]) -> str:
        one, link = trainer(folder, config(optimizer="adamw"))
        one.components.model.append(nn.Dropout(0.3))  # type: ignore[operator]
        one.memory = watch(one.components, HostAllocator(), link.send)
        one.run()
        return digest_state(one.components.model.state_dict())

    assert weights(tmp_path / "one", MemoryWatch) == weights(tmp_path / "other", Unwatched)


def test_tensors_kept_twice_count_once_and_no_longer_than_they_are_kept() -> None:
    weight = nn.Parameter(torch.ones(8, 8))
    with SavedTensorTracker([weight]) as kept:
        hidden = (torch.ones(4, 8) @ weight).relu()
        loss = (hidden * hidden).sum()
    # Inputs, and the hidden values: kept by relu and twice by the product.
    assert kept.peak_bytes == 4 * 8 * 4 * 2
    loss.backward()
    del loss, hidden
    with kept:
        (torch.ones(2, 8) @ weight).relu()
    assert kept.peak_bytes == 4 * 8 * 4 * 2


# --- allocators, through stand-ins for torch's modules --------------------------------------------


class Cuda:
    """The part of torch.cuda that is read, with numbers as an H200 gave them."""

    def __init__(self, **stats: int) -> None:
        self.stats = {
            "allocated_bytes.all.current": 700,
            "allocated_bytes.all.peak": 900,
            "reserved_bytes.all.current": 1000,
            "reserved_bytes.all.peak": 1100,
            "inactive_split_bytes.all.current": 200,
            "num_alloc_retries": 1,
            "num_ooms": 0,
            **stats,
        }
        self.resets = 0

    def memory_stats(self, _device: torch.device) -> dict[str, int]:
        return dict(self.stats)

    def mem_get_info(self, _device: torch.device) -> tuple[int, int]:
        return 500, 4000

    def reset_peak_memory_stats(self, _device: torch.device) -> None:
        self.resets += 1
        self.stats["allocated_bytes.all.peak"] = self.stats["allocated_bytes.all.current"]
        self.stats["reserved_bytes.all.peak"] = self.stats["reserved_bytes.all.current"]


def test_the_allocator_s_readings_have_the_names_and_the_peaks_since_the_last_ones() -> None:
    allocator = CudaAllocator(torch.device("cuda", 0), Cuda())
    assert allocator.readings() == {
        "torch/allocated_bytes": 700,
        "torch/reserved_bytes": 1000,
        "torch/inactive_split_bytes": 200,
        "torch/retries": 1,
        "torch/ooms": 0,
        "torch/peak_allocated_bytes": 900,
        "torch/peak_reserved_bytes": 1100,
    }
    assert allocator.readings()["torch/peak_allocated_bytes"] == 700


def test_a_peak_measured_over_one_step_does_not_hide_a_higher_one_before() -> None:
    cuda = Cuda()
    allocator = CudaAllocator(torch.device("cuda", 0), cuda)
    allocator.begin_peak()
    cuda.stats["allocated_bytes.all.peak"] = 850
    assert allocator.peak_bytes() == 850
    assert allocator.readings()["torch/peak_allocated_bytes"] == 900


def test_a_cuda_step_is_the_allocator_s_peak_less_what_is_there_between_steps(
    tmp_path: Path,
) -> None:
    one, _link = trainer(tmp_path, config())
    held = measure_held(one.components).held_bytes
    cuda = Cuda()
    sent: list[Any] = []
    watch = MemoryWatch(one.components, CudaAllocator(torch.device("cuda", 0), cuda), sent.append)
    watch.begin(0)
    assert watch.due_step(2, 100) == 3
    cuda.stats["allocated_bytes.all.peak"] = held + 12345
    watch.look(3)
    assert watch.account()
    assert sent[0].account.measured.activations_bytes == 12345
    assert sent[0].account.measured.total_bytes == held + 12345


def test_readings_are_sent_once_a_second_at_the_most(tmp_path: Path) -> None:
    one, _link = trainer(tmp_path, config())
    sent: list[Any] = []
    watch = MemoryWatch(one.components, CudaAllocator(torch.device("cuda", 0), Cuda()), sent.append)
    for step in range(5):
        watch.read(step)
    assert [type(event) for event in sent] == [WorkerMeasured]
    on_cpu = MemoryWatch(one.components, HostAllocator(), sent.append)
    on_cpu.read(1)
    assert len(sent) == 1


def test_who_holds_what_adds_up_to_the_device() -> None:
    held = CudaAllocator(torch.device("cuda", 0), Cuda()).holding()
    assert held.others_bytes == 4000 - 500 - 1000
    assert held.room_bytes == 500 + 1000 - 700
    host = HostAllocator().holding()
    assert (host.others_bytes, host.reserved_bytes) == (None, None)
    assert 0 < (host.room_bytes or 0) <= (host.total_bytes or 0)


def test_metal_tells_as_much_as_torch_knows() -> None:
    class Mps:
        current_allocated_memory = staticmethod(lambda: 30)
        driver_allocated_memory = staticmethod(lambda: 40)
        recommended_max_memory = staticmethod(lambda: 100)

    allocator = MetalAllocator(Mps)
    assert allocator.readings() == {"torch/allocated_bytes": 30, "torch/reserved_bytes": 40}
    assert (allocator.holding().free_bytes, allocator.peak_bytes()) == (60, None)
