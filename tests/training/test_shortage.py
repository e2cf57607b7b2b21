"""Memory that runs out: what the errors say, what the account holds, which batch size would fit."""

import inspect
import queue
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tuitrain.config.load import parse_preset
from tuitrain.messages import BatchSplit, CheckpointSaved, Event, MemoryRanOut, StepsTaken
from tuitrain.training.allocator import (
    CudaAllocator,
    Holding,
    HostAllocator,
    largest_blocks,
    record_history,
)
from tuitrain.training.build import build_parts
from tuitrain.training.checkpoint import CheckpointFolder
from tuitrain.training.fitting import Trial, again_settings, fit_batch_size
from tuitrain.training.link import Link
from tuitrain.training.loop import Trainer
from tuitrain.training.randomness import seed_everything
from tuitrain.training.relief import Relief
from tuitrain.training.shortage import (
    Shortage,
    asked_bytes,
    is_out_of_memory,
    size_words,
    take_down,
)
from tuitrain.training.snapshot import CheckpointWriter

MIB, GIB = 1024**2, 1024**3
CUDA_TEXT = (
    "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.15 GiB of "
    "which 15.62 MiB is free. Process 4711 has 8.10 GiB memory in use. Including non-PyTorch "
    "memory, this process has 71.03 GiB memory in use. Of the allocated memory 70.00 GiB is "
    "allocated by PyTorch, and 100.00 MiB is reserved by PyTorch but unallocated."
)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (CUDA_TEXT, 20 * MIB),
        ("CUDA out of memory. Tried to allocate 512 bytes. GPU 0 has", 512),
        ("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has", 2.5 * GIB),
        ("CUDA out of memory. Tried to allocate more than 1EB memory.", None),
        (
            "[enforce fail at alloc_cpu.cpp:128] err == 0. DefaultCPUAllocator: can't allocate "
            "memory: you tried to allocate 1152921504606846976 bytes. Error code 12",
            1 << 60,
        ),
        (
            "MPS backend out of memory (MPS allocated: 9.02 GB, max allowed: 9.07 GB). Tried to "
            "allocate 256.00 MB on private pool.",
            256 * MIB,
        ),
        ("Unable to allocate 1.00 TiB for an array with shape (1,)", 1024 * GIB),
        ("CUDA error: out of memory", None),
    ],
)
def test_an_error_s_text_says_what_was_asked_for(text: str, asked: float | None) -> None:
    assert asked_bytes(text) == asked


def test_what_the_cpu_s_own_allocator_raises_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert asked_bytes(str(caught.value)) == 1 << 60


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (MemoryError("Unable to allocate 1.00 TiB for an array"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("Caught OutOfMemoryError in DataLoader worker: CUDA out of memory."), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied (50x64 and 32x10)"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_other_errors_are_not_taken_for_it(error: Exception, is_one: bool) -> None:
    assert is_out_of_memory(error) == is_one


@given(st.integers(0, 1 << 62))
def test_a_size_in_words_is_the_size(number: int) -> None:
    amount, unit = size_words(number).split()
    power = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB").index(unit)
    assert float(amount) * 1024**power == pytest.approx(number, rel=1e-3)
    assert float(amount) <= 1024


# --- the account ----------------------------------------------------------------------------------

FRAME = {"line": 31, "name": "forward"}
SEGMENTS = [
    {
        "blocks": [
            {
                "size": 64 * MIB,
                "state": "active_allocated",
                "frames": [
                    {"filename": "??", "line": 0, "name": "at::empty"},
                    {"filename": "/env/site-packages/torch/nn/modules/linear.py", **FRAME},
                    {"filename": "/home/u/project/nets.py", **FRAME},
                ],
            },
            {"size": 512 * MIB, "state": "inactive", "frames": []},
            {"size": 128 * MIB, "state": "active_allocated", "frames": []},
        ]
    },
    {
        "blocks": [
            {
                "size": 64 * MIB,
                "state": "active_allocated",
                "frames": [{"filename": "/home/u/project/nets.py", **FRAME}],
            }
        ]
        * 2
    },
]


def test_the_largest_live_blocks_come_with_the_line_outside_torch() -> None:
    where = "/home/u/project/nets.py:31 forward"
    assert largest_blocks(SEGMENTS) == [
        {"bytes": 64 * MIB, "count": 3, "where": where},
        {"bytes": 128 * MIB, "count": 1, "where": ""},
    ]


class FullCuda:
    """torch.cuda on a device without room."""

    class memory:
        @staticmethod
        def _snapshot(_device: torch.device) -> dict[str, Any]:
            return {"segments": SEGMENTS}

    def memory_stats(self, _device: torch.device) -> dict[str, int]:
        return {
            "allocated_bytes.all.current": 66 * GIB,
            "reserved_bytes.all.current": 70 * GIB,
            "inactive_split_bytes.all.current": 3 * GIB,
        }

    def mem_get_info(self, _device: torch.device) -> tuple[int, int]:
        return GIB, 80 * GIB

    def memory_summary(self, _device: torch.device) -> str:
        return "| PyTorch CUDA memory summary |"


def shortage_of(text: str, allocator: Any) -> Shortage:
    try:
        raise torch.OutOfMemoryError(text)
    except torch.OutOfMemoryError as error:
        return take_down(error, torch.device("cuda", 0), allocator)


def test_the_account_says_who_has_the_memory_and_what_fragments_are_worth() -> None:
    allocator = CudaAllocator(torch.device("cuda", 0), FullCuda())
    shortage = shortage_of("CUDA out of memory. Tried to allocate 2.00 GiB.", allocator)
    account = shortage.account()
    assert account["others_bytes"] == 9 * GIB
    assert (account["asked_bytes"], account["fragmented_bytes"]) == (2 * GIB, 3 * GIB)
    assert account["blocks"][0]["where"].startswith("/home/u/project/nets.py:31")
    words = shortage.words()
    assert words.startswith("asked for 2 GiB, 1 GiB of 80 GiB free")
    assert "hold 9 GiB" in words
    assert "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True" in words
    assert "OutOfMemoryError" in shortage.detail
    assert shortage.detail.endswith("| PyTorch CUDA memory summary |\n")
    larger = shortage_of("CUDA out of memory. Tried to allocate 4.00 GiB.", allocator)
    assert "expandable_segments" not in larger.words()


def test_an_allocator_without_a_list_of_blocks_is_still_asked_for_the_rest() -> None:
    class Asynchronous(FullCuda):
        class memory:
            @staticmethod
            def _snapshot(_device: torch.device) -> dict[str, Any]:
                raise RuntimeError("cudaMallocAsync does not yet support snapshot")

    allocator = CudaAllocator(torch.device("cuda", 0), Asynchronous())
    shortage = shortage_of("CUDA out of memory. Tried to allocate 2.00 GiB.", allocator)
    assert shortage.account()["others_bytes"] == 9 * GIB
    assert "lists no blocks: cudaMallocAsync does not yet support snapshot" in shortage.detail


def test_lines_of_live_blocks_are_recorded_where_the_preset_says_so() -> None:
    recorded: list[dict[str, Any]] = []

    class Cuda:
        class memory:
            @staticmethod
            def _record_memory_history(**options: Any) -> None:
                recorded.append(options)

    for text, device in ((HISTORY, "cuda"), (HISTORY, "cpu"), (PRESET, "cuda")):
        record_history(parse_preset(text, "config.toml"), torch.device(device), Cuda)
    assert len(recorded) == 1
    # torch takes these options, and keeps live blocks alone.
    inspect.signature(torch.cuda.memory._record_memory_history).bind(**recorded[0])
    assert recorded[0]["enabled"] == "state"


def test_a_limit_on_the_address_space_counts_as_the_end_of_memory() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + 200 * MIB, before[1]))
    try:
        with pytest.raises(RuntimeError) as caught:
            torch.empty(GIB, dtype=torch.uint8)
        shortage = take_down(caught.value, torch.device("cpu"), HostAllocator())
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert shortage.asked_bytes == GIB
    assert (shortage.holding.free_bytes or GIB) <= 200 * MIB


def test_nothing_of_a_failed_step_stays_alive_once_it_is_taken_down() -> None:
    alive: list[int] = []

    class Held:
        def __init__(self) -> None:
            alive.append(1)

        def __del__(self) -> None:
            alive.pop()

    def step() -> None:
        held = Held()
        raise torch.OutOfMemoryError(f"CUDA out of memory {type(held)}")

    try:
        step()
    except torch.OutOfMemoryError as error:
        take_down(error, torch.device("cpu"), HostAllocator())
    assert not alive


# --- the batch size that fits ---------------------------------------------------------------------


def device_with(room: int, fixed: int, each: int, gap: int = 0) -> Callable[[int], int | None]:
    """Return a device that loses `gap` of its room to fragments."""

    def measure(size: int) -> int | None:
        needed = fixed + each * size
        return needed if needed <= room - gap else None

    return measure


def test_the_size_lies_on_the_line_through_two_measured_ones() -> None:
    fit = fit_batch_size(256, 1000, device_with(1000, fixed=100, each=5))
    assert fit is not None
    assert (fit.fixed_bytes, fit.per_sample_bytes) == (100, 5)
    # (0.9 x 1000 - 100) / 5 = 160, a multiple of 8.
    assert fit.batch_size == 160


def test_a_size_that_fails_when_tried_is_not_offered() -> None:
    fit = fit_batch_size(64, 10**9, device_with(10**9, fixed=0, each=1, gap=10**9 - 20))
    assert fit is not None
    assert fit.batch_size == 16


def test_sizes_too_large_to_measure_are_passed_over() -> None:
    fit = fit_batch_size(1024, 1000, device_with(1000, fixed=0, each=40))
    assert fit is not None
    assert (fit.per_sample_bytes, fit.batch_size) == (40, 16)


@pytest.mark.parametrize(("failed", "fits"), [(2, 1), (3, 1)])
def test_one_measured_size_is_offered_without_a_line(failed: int, fits: int) -> None:
    fit = fit_batch_size(failed, 1000, device_with(1000, fixed=0, each=1))
    assert fit is not None
    assert (fit.batch_size, fit.per_sample_bytes) == (fits, None)


@pytest.mark.parametrize("failed", [1, 2, 64])
def test_where_not_one_sample_fits_nothing_is_offered(failed: int) -> None:
    assert fit_batch_size(failed, 10, device_with(10, fixed=11, each=1)) is None


@given(
    st.integers(2, 4096), st.integers(1, 10**6), st.integers(0, 10**5), st.integers(0, 10**4),
    st.integers(0, 10**5),
)  # fmt: skip
def test_what_is_offered_is_smaller_and_went_through(
    failed: int, room: int, fixed: int, each: int, gap: int
) -> None:
    measure = device_with(room, fixed, each, gap)
    fit = fit_batch_size(failed, room, measure)
    if fit is not None:
        assert 1 <= fit.batch_size < failed
        assert measure(fit.batch_size) is not None


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_step_keeps_its_samples_or_takes_a_few_more(samples: int, fits: int) -> None:
    again = again_settings(samples, fits)
    size, accumulate = again["train.batch_size"], again["train.accumulate"]
    assert 1 <= size <= fits
    assert samples <= size * accumulate < samples + accumulate


@pytest.mark.parametrize(
    ("samples", "fits", "size", "accumulate"),
    [(64, 24, 16, 4), (256, 160, 128, 2), (100, 40, 25, 4), (97, 40, 33, 3), (50, 16, 10, 5)],
)
def test_batches_that_divide_the_step_are_preferred(
    samples: int, fits: int, size: int, accumulate: int
) -> None:
    again = again_settings(samples, fits)
    assert again == {"train.batch_size": size, "train.accumulate": accumulate}


# --- the loop -------------------------------------------------------------------------------------

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

HISTORY = PRESET + "memory_history = true\n"


class Narrow(nn.Module):
    """Has room for so many samples; how many came is counted."""

    def __init__(self, inner: nn.Module, room: int) -> None:
        super().__init__()
        self.inner, self.room = inner, room
        self.sizes: list[int] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training and len(inputs) > self.room:
            raise torch.OutOfMemoryError(CUDA_TEXT)
        self.sizes.append(len(inputs)) if self.training else None
        outputs: torch.Tensor = self.inner(inputs)
        return outputs


class Course:
    """A trainer on a device of our own making, and what it sent."""

    def __init__(self, folder: Path, text: str, room: int = 10**9, *, bad_step: int = 0) -> None:
        preset = parse_preset(text, "config.toml")
        seed_everything(preset.train.seed)
        parts = build_parts(preset, folder, lambda _text: None)
        parts.model = parts.forward = self.model = Narrow(parts.model, room)
        if bad_step:
            parts.optimizer = FailingAdamW(parts.model.parameters(), bad_step)
        checkpoints = CheckpointFolder(folder / "checkpoints")
        checkpoints.prepare()
        link = Link(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
        link.begin(1)
        writer = CheckpointWriter(checkpoints, folder)
        writer.send = link.send
        self.trainer = Trainer(parts, link, writer, text)
        self.trainer.relief = Relief(self.trainer, Roomy())
        self.ended = self.trainer.run()
        self.events: list[Event] = [item.event for item in link.unacknowledged()]

    def sent(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def steps(self) -> list[int]:
        taken = self.sent(StepsTaken)
        return [step for each in taken for step in range(each.first_step, each.last_step + 1)]


class FailingAdamW(torch.optim.AdamW):
    """Runs out of memory in one of its steps."""

    def __init__(self, parameters: Any, bad_step: int) -> None:
        super().__init__(parameters, lr=1e-3)
        self.left = bad_step

    def step(self, closure: Any = None) -> Any:
        self.left -= 1
        if not self.left:
            raise torch.OutOfMemoryError(CUDA_TEXT)
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
    assert account.account["again"] == {"train.batch_size": 5, "train.accumulate": 4}
    assert account.account["fits_batch_size"] == 8
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
    parts = build_parts(preset, tmp_path, lambda _text: None)
    trial = Trial(parts, HostAllocator(), 3)
    five, ten, twenty = (trial(size) or 0 for size in (5, 10, 20))
    assert twenty - ten == 2 * (ten - five) > 0
    assert all(parameter.grad is None for parameter in parts.model.parameters())
