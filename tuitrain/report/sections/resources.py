"""Where a run's time and memory went."""

import time as clock

from tuitrain import units
from tuitrain.analysis.ranks import verdict
from tuitrain.analysis.step_time import (
    SPLIT_POINTS,
    StepContext,
    StepTime,
    step_context,
    step_time,
)
from tuitrain.messages import MemoryParts
from tuitrain.report.blocks import Block, Code, Facts, Section, Shares, Table, Text
from tuitrain.report.looked import Looked
from tuitrain.runs.rows import MemoryRow
from tuitrain.view.memory.text import account_lines
from tuitrain.view.profiletext import profile_words
from tuitrain.view.run.timetext import work_line
from tuitrain.view.spans import plain_text

_WIDTH = 100
_PEAKS = (
    ("torch/peak_allocated_bytes", "tensors on the device"),
    ("torch/peak_reserved_bytes", "reserved by torch on the device"),
    ("host/worker_rss_bytes", "worker and loaders on the host"),
)
_PARTS = ("parameters", "gradients", "optimizer", "buffers", "data", "activations", "total")


def resources_section(looked: Looked) -> Section:
    """Return how a step's time splits, what the run's time went into, and its memory."""
    reader = looked.reader
    blocks: list[Block] = [*_step_blocks(looked), *_spent_blocks(looked)]
    peaks = _peaks(looked)
    if peaks:
        blocks.append(Facts(tuple(("peak memory, " + name, size) for name, size in peaks)))
    facts = reader.facts()
    if facts.memory is not None:
        blocks.append(_memory_table(facts.memory))
    if facts.out_of_memory is not None:
        lines = account_lines(facts.out_of_memory, _WIDTH)
        blocks += [Text("Memory ran out:", "bad"), Code("\n".join(map(plain_text, lines)))]
    profiles = reader.entries.profiles()
    if profiles:
        blocks.append(Code("\n".join(profile_words(profiles[-1], clock.time()))))
    return Section("Time and memory", tuple(blocks) or (Text("Nothing was measured yet."),))


def _step_blocks(looked: Looked) -> list[Block]:
    reader = looked.reader
    if reader.steps.progress() is None:
        return []
    context = step_context(reader.config(), reader.facts(), reader.readings.latest_samples())
    split = reader.curves.split(SPLIT_POINTS)
    time = step_time(split, reader.steps.speed(SPLIT_POINTS))
    bottleneck = verdict(split, time, context)
    blocks: list[Block] = [*_split(time, context), Text(bottleneck.line)]
    return [*blocks, *(Text(f"Try {text}", "note") for text in bottleneck.suggestions)]


def _split(time: StepTime | None, context: StepContext) -> list[Block]:
    if time is None:
        return []
    parts = tuple(
        (stage, units.short_time(time.seconds[stage]), time.share(stage)) for stage in time.stages
    )
    work = work_line(time, context)
    said = f"A step takes {units.short_time(time.wall_s)}" + (f"; {work}" if work else "")
    return [Text(f"{said}."), Shares(parts)]


def _spent_blocks(looked: Looked) -> list[Block]:
    spent = looked.reader.spent()
    if not spent.worked_s > 0:
        return []
    parts = (
        ("steps", spent.train_s), ("evaluation", spent.evaluation_s),
        ("checkpoints", spent.checkpoint_s), ("paused", spent.paused_s),
        ("startup and repeated steps", spent.rest_s),
    )  # fmt: skip
    shares = tuple(
        (name, units.duration(part_s), part_s / spent.worked_s) for name, part_s in parts
    )
    return [Text(f"All of the run took {units.duration(spent.worked_s)}:"), Shares(shares)]


def _peaks(looked: Looked) -> list[tuple[str, str]]:
    """Return the largest reading of each kind of memory."""
    readings = looked.reader.readings
    last = readings.latest_sample_time()
    if last is None:
        return []
    wanted = [*_PEAKS]
    wanted += [
        (name, f"worker on {name.partition('/')[0]}")
        for name in readings.sample_names()
        if name.endswith("/worker_bytes")
    ]
    found = []
    for name, words in wanted:
        series = readings.sample_series(name, int(looked.summary.created), int(last) + 1, 1)
        most = max((column.maximum for column in series.columns), default=0.0)
        if most > 0:
            found.append((words, units.size(most)))
    return found


def _memory_table(memory: MemoryRow) -> Table:
    estimated = memory.estimated if isinstance(memory.estimated, MemoryParts) else None
    rows = tuple((name, _size(memory.measured, name), _size(estimated, name)) for name in _PARTS)
    heading = f"of step {memory.step:,}, batch of {memory.batch_size:,}, on {memory.device}"
    return Table((heading, "measured", "estimated before"), rows, frozenset({1, 2}))


def _size(parts: MemoryParts | None, name: str) -> str:
    return units.NOTHING if parts is None else units.size(getattr(parts, f"{name}_bytes"))
