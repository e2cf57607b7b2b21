"""The composition of a run's memory and the account of memory that ran out, as lines."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.messages import MemoryBlock, MemoryParts, NoEstimate
from tuitrain.runs.rows import MemoryRow, OutOfMemoryRow
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.memory.text import account_lines, composition_lines
from tuitrain.view.spans import SpanLine, line_width, plain_text

MIB, GIB = 1024**2, 1024**3
PARTS = MemoryParts(
    parameters_bytes=40 * MIB,
    gradients_bytes=40 * MIB,
    optimizer_bytes=80 * MIB,
    buffers_bytes=0,
    data_bytes=10 * MIB,
    activations_bytes=230 * MIB,
    total_bytes=400 * MIB,
)
MEMORY = MemoryRow(
    step=3,
    device="cuda:0",
    batch_size=64,
    activations_source="peak of the allocator in step 3, less the rest",
    measured=PARTS,
    estimated=replace(PARTS, activations_bytes=200 * MIB, total_bytes=370 * MIB),
)
OOM = OutOfMemoryRow(
    time=1.0,
    step=12,
    phase="step",
    device="cuda:0",
    batch_size=64,
    asked_bytes=2 * GIB,
    free_bytes=GIB,
    total_bytes=80 * GIB,
    allocated_bytes=66 * GIB,
    reserved_bytes=70 * GIB,
    fragmented_bytes=3 * GIB,
    others_bytes=9 * GIB,
    fits_batch_size=40,
    per_sample_bytes=25 * MIB,
    fixed_bytes=30 * MIB,
    command="tuitrain run /runs/a-b/config.toml --set train.batch_size=32",
    blocks=(MemoryBlock(64 * MIB, 3, "/home/u/project/nets.py:31 forward"),),
)


def said(lines: list[SpanLine]) -> str:
    return "\n".join(plain_text(line) for line in lines)


def rows(lines: list[SpanLine]) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in said(lines).splitlines() if line.strip()}


def test_each_part_stands_with_its_estimate_and_its_measure() -> None:
    lines = composition_lines(MEMORY, 80, TerminalStyle(ascii=True))
    found = rows(lines)
    assert found["activations"][:4] == ["200", "MiB", "230", "MiB"]
    assert found["total"] == ["370", "MiB", "400", "MiB"]
    assert found["activations"][4].count("#") == round(23 / 40 * 30 - 0.5)
    assert "on cuda:0, in batches of 64, after step 3" in said(lines)
    assert "less the rest" in said(lines)
    assert said(lines).isascii()


def test_without_room_for_both_the_measured_number_stays() -> None:
    found = rows(composition_lines(MEMORY, 24, TerminalStyle()))
    assert found["activations"] == ["230", "MiB"]


def test_what_is_not_known_is_said_in_words() -> None:
    assert "not measured yet" in said(composition_lines(None, 60, TerminalStyle()))
    unknown = replace(PARTS, activations_bytes=None, total_bytes=None)
    memory = replace(MEMORY, measured=unknown, estimated=NoEstimate("needs \x1b[31m numbers"))
    text = said(composition_lines(memory, 80, TerminalStyle()))
    assert "not estimated: needs \\x1b[31m numbers" in text
    assert rows(composition_lines(memory, 80, TerminalStyle()))["total"] == ["-", "-"]


def test_an_account_says_who_had_the_memory_and_what_to_run() -> None:
    text = said(account_lines(OOM, 80))
    for words in (
        "in a step on cuda:0, in batches of 64, 12 steps done",
        "2.00 GiB",
        "1.00 GiB of 80.0 GiB",
        "66.0 GiB in tensors",
        "9.00 GiB: other processes, and this one's CUDA context",
        "batches of 40",
        "25.0 MiB a sample, and 30.0 MiB at any size",
        "tuitrain run /runs/a-b/config.toml --set",
        "64.0 MiB x 3  project/nets.py:31 forward",
    ):
        assert words in text
    assert "memory_history" not in text


def test_blocks_without_lines_say_how_to_get_them() -> None:
    bare = replace(OOM, blocks=(MemoryBlock(MIB),))
    assert "train.memory_history = true" in said(account_lines(bare, 80))


def test_an_account_of_a_cpu_says_nothing_of_an_allocator() -> None:
    bare = OutOfMemoryRow(step=2, phase="step", device="cpu", asked_bytes=1 << 60)
    text = said(account_lines(bare, 80))
    assert "1.00 EiB" in text or "1024 PiB" in text
    assert "tensors" not in text


@pytest.mark.parametrize("look", [TerminalStyle(), TerminalStyle(ascii=True)])
@given(width=st.integers(30, 160))
def test_no_line_is_wider_than_its_place(look: TerminalStyle, width: int) -> None:
    lines = [*composition_lines(MEMORY, width, look), *account_lines(OOM, width)]
    assert max(line_width(line) for line in lines) <= width
