"""What a run's memory is made of, and the account of memory that ran out, as lines.

Pure functions of what is on record; knows neither widgets nor who measured.
"""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from tuitrain.units import NOTHING, size
from tuitrain.view.bars import progress_bar
from tuitrain.view.chart.figure import Look
from tuitrain.view.format import sanitise
from tuitrain.view.presetrows import wrapped
from tuitrain.view.spans import Span, SpanLine, fit_line

_PARTS = (
    ("parameters", "parameters_bytes"),
    ("gradients", "gradients_bytes"),
    ("optimizer", "optimizer_bytes"),
    ("activations", "activations_bytes"),
    ("buffers", "buffers_bytes"),
    ("data set", "data_bytes"),
)
_TOTAL = ("total", "total_bytes")
_LABEL_WIDTH = 12
_NUMBER_WIDTH = 10
_LEAST_BAR = 6
_MOST_BAR = 30
_PHASES = {
    "step": "in a step",
    "evaluation": "in an evaluation",
    "building": "before the first step",
    "between steps": "between two steps",
}


def composition_lines(meta_memory: Mapping[str, Any], width: int, look: Look) -> list[SpanLine]:
    """Return a table of what a step takes: estimated, measured, and each part's share.

    Args:
        meta_memory: the run's `memory`; an empty one is said to be not measured yet.
        width: cells; where there is room for one number only, it is the measured one.
        look: what the terminal can show.
    """
    if not meta_memory:
        return wrapped(["not measured yet: that takes the first few steps"], width, "quiet")
    estimated, measured = meta_memory.get("estimated", {}), meta_memory.get("measured", {})
    both = width >= _LABEL_WIDTH + 2 * _NUMBER_WIDTH
    head = ("estimated", "measured") if both else ("measured",)
    lines: list[SpanLine] = [
        fit_line((Span(" " * _LABEL_WIDTH), Span(_numbers(head), "quiet")), width)
    ]
    total = measured.get("total_bytes")
    for label, key in (*_PARTS, _TOTAL):
        values = (estimated.get(key), measured.get(key)) if both else (measured.get(key),)
        share = _share_bar(values[-1], total, width, len(values), look) if key != _TOTAL[1] else ""
        style = "strong" if key == _TOTAL[1] else ""
        number = Span(_numbers([size(value) for value in values]), style)
        lines.append(
            fit_line(
                (Span(label.ljust(_LABEL_WIDTH), "label"), number, Span(share, "line0")), width
            )
        )
    return [*lines, *wrapped(_remarks(meta_memory, estimated), width, "quiet")]


def footprint_lines(footprint: Mapping[str, Any], width: int, look: Look) -> list[SpanLine]:
    """Return a table of what a step is expected to take, with each part's share.

    Args:
        footprint: bytes by part, as estimated; None where that is not known.
        width: in cells.
        look: what the terminal can show.
    """
    total = footprint.get("total_bytes")
    lines: list[SpanLine] = []
    for label, key in (*_PARTS, _TOTAL):
        is_total = key == _TOTAL[1]
        number = Span(_numbers([size(footprint.get(key))]), "strong" if is_total else "")
        share = "" if is_total else _share_bar(footprint.get(key), total, width, 1, look)
        lines.append((Span(label.ljust(_LABEL_WIDTH), "label"), number, Span(share, "line0")))
    return lines


def _numbers(texts: Sequence[str]) -> str:
    return "".join(text.rjust(_NUMBER_WIDTH) for text in texts)


def _share_bar(
    part: float | None, total: float | None, width: int, numbers: int, look: Look
) -> str:
    room = min(_MOST_BAR, width - _LABEL_WIDTH - numbers * _NUMBER_WIDTH - 2)
    if not total or part is None or room < _LEAST_BAR:
        return ""
    return f"  {progress_bar(part / total, room, look)}"


def _remarks(memory: Mapping[str, Any], estimated: Mapping[str, Any]) -> list[str]:
    where = f"on {memory.get('device', NOTHING)}, in batches of {memory.get('batch_size', NOTHING)}"
    remarks = [f"{where}, after step {memory.get('step', NOTHING)}"]
    if memory.get("activations_source"):
        remarks.append(f"activations: {memory['activations_source']}")
    if estimated.get("error"):
        remarks.append(f"not estimated: {estimated['error']}")
    return [sanitise(remark) for remark in remarks]


def account_lines(meta_oom: Mapping[str, Any], width: int) -> list[SpanLine]:
    """Return the account of memory that ran out: what was asked, who had the rest, what would fit.

    Args:
        meta_oom: the run's `out_of_memory`; nothing is said of an empty one.
        width: cells; no line is longer.
    """
    lines: list[SpanLine] = []
    for label, said, style in _facts(meta_oom):
        room = max(16, width - _LABEL_WIDTH)
        for place, row in enumerate(textwrap.wrap(sanitise(said), room, break_on_hyphens=False)):
            shown = label if place == 0 else ""
            lines.append((Span(shown.ljust(_LABEL_WIDTH), "label"), Span(row, style)))
    return [*(fit_line(line, width) for line in lines), *_block_lines(meta_oom, width)]


def _facts(account: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (label, words, style) of what is known."""
    if not account:
        return []
    found = [
        ("ran out", _when(account), "bad"),
        ("asked for", size(account.get("asked_bytes")), ""),
    ]
    if account.get("free_bytes") is not None:
        of_total = f"{size(account['free_bytes'])} of {size(account.get('total_bytes'))}"
        found.append(("free", of_total, ""))
    if account.get("allocated_bytes") is not None:
        reserved = size(account.get("reserved_bytes"))
        found.append(("this run", f"{size(account['allocated_bytes'])} in tensors", ""))
        found.append(("", f"{reserved} reserved from the driver for them", ""))
    if account.get("fragmented_bytes"):
        found.append(("fragments", f"{size(account['fragmented_bytes'])} free in pieces", ""))
    if account.get("others_bytes") is not None:
        others = f"{size(account['others_bytes'])}: other processes, and this one's CUDA context"
        found.append(("others", others, ""))
    return [*found, *_fit_facts(account)]


def _when(account: Mapping[str, Any]) -> str:
    phase = _PHASES.get(str(account.get("phase")), str(account.get("phase", "")))
    batch = f", in batches of {account['batch_size']}" if account.get("batch_size") else ""
    return (
        f"{phase} on {account.get('device', NOTHING)}{batch}, {account.get('step', 0):,} steps done"
    )


def _fit_facts(account: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    if account.get("split_to"):
        found.append(("continued", f"in batches of {account['split_to']}", "good"))
    if account.get("fits_batch_size"):
        found.append(("would fit", f"batches of {account['fits_batch_size']}", "good"))
    if account.get("per_sample_bytes") is not None:
        each, fixed = size(account["per_sample_bytes"]), size(account.get("fixed_bytes"))
        found.append(("", f"{each} a sample, and {fixed} at any size", ""))
    if account.get("fit_error"):
        found.append(("would fit", f"not known: {account['fit_error']}", ""))
    if account.get("command"):
        found.append(("run again", str(account["command"]), "strong"))
    return found


def _block_lines(account: Mapping[str, Any], width: int) -> list[SpanLine]:
    """Return the largest blocks with their source lines, where these were recorded."""
    blocks = account.get("blocks") or []
    if not blocks:
        return []
    lines = wrapped(["largest blocks"], width, "title")
    for block in blocks:
        times = f" x {block['count']}" if block.get("count", 1) > 1 else ""
        amount = f"{size(block['bytes'])}{times}".rjust(_LABEL_WIDTH + 2)
        lines.append(fit_line((Span(amount), Span(f"  {_place(block)}", "quiet")), width))
    if not any(block.get("where") for block in blocks):
        advice = "with train.memory_history = true each comes with the line that asked for it"
        lines += wrapped([advice], width, "quiet")
    return lines


def _place(block: Mapping[str, Any]) -> str:
    """Return file, line and function: of the folders the last one is enough."""
    place, _, function = str(block.get("where", "")).partition(" ")
    short = "/".join(PurePath(place).parts[-2:])
    return sanitise(f"{short} {function}".strip())
