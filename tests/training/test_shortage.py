"""Memory that runs out: what the errors say, and what the account holds."""

import inspect
import resource
from typing import Any

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.test_loop import LINE
from tuitrain.config.load import parse_preset
from tuitrain.messages import MemoryBlock
from tuitrain.training.memory.allocator import (
    CudaAllocator,
    HostAllocator,
    largest_blocks,
    record_history,
)
from tuitrain.training.memory.oom_report import (
    OomReport,
    asked_bytes,
    capture,
    is_out_of_memory,
)
from tuitrain.units import size_words

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
        MemoryBlock(64 * MIB, 3, where),
        MemoryBlock(128 * MIB, 1, ""),
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


def shortage_of(text: str, allocator: Any) -> OomReport:
    try:
        raise torch.OutOfMemoryError(text)
    except torch.OutOfMemoryError as error:
        return capture(error, torch.device("cuda", 0), allocator)


def test_the_account_says_who_has_the_memory_and_what_fragments_are_worth() -> None:
    allocator = CudaAllocator(torch.device("cuda", 0), FullCuda())
    shortage = shortage_of("CUDA out of memory. Tried to allocate 2.00 GiB.", allocator)
    account = shortage.account("step", 64)
    assert account.others_bytes == 9 * GIB
    assert (account.asked_bytes, account.fragmented_bytes) == (2 * GIB, 3 * GIB)
    assert account.blocks[0].where.startswith("/home/u/project/nets.py:31")
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
    assert shortage.account("step").others_bytes == 9 * GIB
    assert (
        "list of blocks failed and is left out, the run goes on: RuntimeError: cudaMalloc"
        in shortage.detail
    )


def test_lines_of_live_blocks_are_recorded_where_the_preset_says_so() -> None:
    recorded: list[dict[str, Any]] = []

    class Cuda:
        class memory:
            @staticmethod
            def _record_memory_history(**options: Any) -> None:
                recorded.append(options)

    history = LINE + "memory_history = true\n"
    for text, device in ((history, "cuda"), (history, "cpu"), (LINE, "cuda")):
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
        shortage = capture(caught.value, torch.device("cpu"), HostAllocator())
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
        capture(error, torch.device("cpu"), HostAllocator())
    assert not alive
