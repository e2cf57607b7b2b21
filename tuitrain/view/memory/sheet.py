"""The memory screen's words: bars with legends, processes, the allocator, what it is made of.

Puts together what others write; knows no widget.
"""

from collections.abc import Sequence

from tuitrain.analysis.memory_breakdown import gpu_facts
from tuitrain.lang import tr
from tuitrain.ranks import RankMemory
from tuitrain.runs.rows import RunFacts
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.devicetext import (
    allocator_lines,
    gpu_lines,
    host_lines,
    process_lines,
)
from tuitrain.view.memory.bar import bar_lines
from tuitrain.view.memory.text import account_lines, composition_lines
from tuitrain.view.run.ranktext import rank_memory_lines
from tuitrain.view.run.sidetext import Devices, as_of_lines
from tuitrain.view.spans import Span, SpanLine, wrap_plain


def memory_sheet(
    devices: Devices,
    facts: RunFacts,
    width: int,
    look: TerminalStyle,
    ranks: Sequence[RankMemory] = (),
) -> list[SpanLine]:
    """Return all that is known of the memory of a run's devices.

    Args:
        devices: readings and facts.
        facts: of the run.
        width: in cells.
        look: what the terminal can show.
        ranks: what each of several holds.
    """
    blocks = [
        _trouble(devices, width),
        _account(facts, width),
        as_of_lines(devices, width),
        rank_memory_lines(ranks, width),
        *_gpus(devices, width, look),
        _host(devices, width, look),
        process_lines(devices.facts, width),
    ]
    said = [block for block in blocks if block]
    if not said:
        return [(Span(tr("no readings yet"), "quiet"),)]
    said.append(_composition(facts, width, look))
    return [line for block in said for line in (*block, ())][:-1]


def _account(facts: RunFacts, width: int) -> list[SpanLine]:
    """Return the account of memory that ran out: who opens the screen of such a run wants it."""
    account = facts.out_of_memory
    return [(Span(tr("out of memory"), "bad"),), *account_lines(account, width)] if account else []


def _composition(facts: RunFacts, width: int, look: TerminalStyle) -> list[SpanLine]:
    lines = composition_lines(facts.memory, width, look)
    return [(Span(tr("memory of one step"), "strong"),), *lines]


def _trouble(devices: Devices, width: int) -> list[SpanLine]:
    trouble = devices.facts.get("trouble")
    return wrap_plain(str(trouble), width, "bad") if trouble else []


def _gpus(devices: Devices, width: int, look: TerminalStyle) -> list[list[SpanLine]]:
    """Return a block a GPU, the one that is trained on first."""
    bars = [bar for bar in devices.bars() if bar.prefix != "host"]
    order = list(dict.fromkeys(bar.prefix.partition("/")[0] for bar in bars))
    known = [f"gpu{gpu['index']}" for gpu in gpu_facts(devices.samples, devices.facts)]
    blocks = []
    for card in [*order, *(card for card in known if card not in order)]:
        block: list[SpanLine] = []
        for bar in bars:
            if bar.prefix.partition("/")[0] == card:
                block += bar_lines(bar, width, look)
                if bar.prefix == devices.training:
                    block += allocator_lines(devices.samples, width)
        index = int(card.removeprefix("gpu"))
        block = block or [(Span(f"GPU {index}", "strong"),)]
        blocks.append(block + gpu_lines(devices.samples, devices.facts, index, width))
    return blocks


def _host(devices: Devices, width: int, look: TerminalStyle) -> list[SpanLine]:
    block: list[SpanLine] = []
    for bar in devices.bars():
        if bar.prefix == "host":
            block += bar_lines(bar, width, look)
    return block + host_lines(devices.samples, devices.facts, width)
