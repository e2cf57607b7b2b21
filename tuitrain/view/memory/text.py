"""What a run's memory is made of, and the account of memory that ran out, as lines.

Pure functions of what is on record; knows neither widgets nor who measured.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from tuitrain.lang import said, term, tr
from tuitrain.messages import MemoryBlock, MemoryParts, NoEstimate, OomPhase
from tuitrain.runs.rows import MemoryRow, OutOfMemoryRow
from tuitrain.units import NOTHING, size
from tuitrain.view.bars import progress_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import pad, sanitise, wrap
from tuitrain.view.presetrows import wrapped
from tuitrain.view.spans import Span, SpanLine, fit_line

_TOTAL = term("total")
_LABEL_WIDTH = 12
_NUMBER_WIDTH = 10
_LEAST_BAR = 6
_MOST_BAR = 30
_PHASES: Mapping[OomPhase, str] = {
    "step": term("in a step"),
    "evaluation": term("in an evaluation"),
    "building": term("before the first step"),
    "between steps": term("between two steps"),
}


def composition_lines(memory: MemoryRow | None, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return a table of what a step takes: estimated, measured, and each part's share.

    Args:
        memory: on record; None is said to be not measured yet.
        width: cells; where there is room for one number only, it is the measured one.
        look: what the terminal can show.
    """
    if memory is None:
        return wrapped([tr("not measured yet: that takes the first few steps")], width, "quiet")
    both = width >= _LABEL_WIDTH + 2 * _NUMBER_WIDTH
    head = (tr("estimated"), tr("measured")) if both else (tr("measured"),)
    lines: list[SpanLine] = [
        fit_line((Span(" " * _LABEL_WIDTH), Span(_numbers(head), "quiet")), width)
    ]
    estimated, measured = _parts(memory.estimated), _parts(memory.measured)
    for label, part in measured.items():
        values = (estimated.get(label), part) if both else (part,)
        total = label == _TOTAL
        share = "" if total else _share_bar(part, measured[_TOTAL], width, len(values), look)
        number = Span(_numbers([size(value) for value in values]), "strong" if total else "")
        lines.append(
            fit_line(
                (Span(pad(tr(label), _LABEL_WIDTH), "label"), number, Span(share, "line0")), width
            )
        )
    return [*lines, *wrapped(_remarks(memory), width, "quiet")]


def _parts(parts: MemoryParts | NoEstimate) -> dict[str, int | None]:
    """Return bytes by label, in the order shown; of no estimate nothing."""
    if isinstance(parts, NoEstimate):
        return {}
    return {
        tr("parameters"): parts.parameters_bytes,
        tr("gradients"): parts.gradients_bytes,
        tr("optimizer"): parts.optimizer_bytes,
        tr("activations"): parts.activations_bytes,
        tr("buffers"): parts.buffers_bytes,
        tr("data set"): parts.data_bytes,
        _TOTAL: parts.total_bytes,
    }


def footprint_lines(footprint: MemoryParts, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return a table of what a step is expected to take, with each part's share.

    Args:
        footprint: bytes by part, as estimated; None where that is not known.
        width: in cells.
        look: what the terminal can show.
    """
    parts = _parts(footprint)
    total = parts[_TOTAL]
    lines: list[SpanLine] = []
    for label, part in parts.items():
        is_total = label == _TOTAL
        number = Span(_numbers([size(part)]), "strong" if is_total else "")
        share = "" if is_total else _share_bar(part, total, width, 1, look)
        lines.append((Span(pad(tr(label), _LABEL_WIDTH), "label"), number, Span(share, "line0")))
    return lines


def _numbers(texts: Sequence[str]) -> str:
    return "".join(pad(text, _NUMBER_WIDTH, "right") for text in texts)


def _share_bar(
    part: float | None, total: float | None, width: int, numbers: int, look: TerminalStyle
) -> str:
    room = min(_MOST_BAR, width - _LABEL_WIDTH - numbers * _NUMBER_WIDTH - 2)
    if not total or part is None or room < _LEAST_BAR:
        return ""
    return f"  {progress_bar(part / total, room, look)}"


def _remarks(memory: MemoryRow) -> list[str]:
    where = tr(
        "on {device}, in batches of {batch_size}",
        device=memory.device,
        batch_size=memory.batch_size,
    )
    remarks = [tr("{where}, after step {step}", where=where, step=memory.step)]
    if memory.activations_source:
        remarks.append(
            tr(
                "activations: {activations_source}",
                activations_source=said(memory.activations_source),
            )
        )
    if isinstance(memory.estimated, NoEstimate):
        remarks.append(tr("not estimated: {error}", error=memory.estimated.error))
    return [sanitise(remark) for remark in remarks]


def account_lines(account: OutOfMemoryRow, width: int) -> list[SpanLine]:
    """Return the account of memory that ran out: what was asked, who had the rest, what would fit.

    Args:
        account: on record.
        width: cells; no line is longer.
    """
    lines: list[SpanLine] = []
    for label, words, style in _facts(account):
        room = max(16, width - _LABEL_WIDTH)
        for place, row in enumerate(wrap(sanitise(words), room, break_on_hyphens=False)):
            shown = label if place == 0 else ""
            lines.append((Span(pad(shown, _LABEL_WIDTH), "label"), Span(row, style)))
    return [*(fit_line(line, width) for line in lines), *_block_lines(account.blocks, width)]


def _facts(account: OutOfMemoryRow) -> list[tuple[str, str, str]]:
    """Return (label, words, style) of what is known."""
    found = [
        (tr("ran out"), _when(account), "bad"),
        (tr("asked for"), size(account.asked_bytes), ""),
    ]
    if account.free_bytes is not None:
        found.append(
            (
                tr("free"),
                tr(
                    "{free_bytes} of {total_bytes}",
                    free_bytes=size(account.free_bytes),
                    total_bytes=size(account.total_bytes),
                ),
                "",
            )
        )
    if account.allocated_bytes is not None:
        reserved = size(account.reserved_bytes)
        found.append(
            (
                tr("this run"),
                tr("{allocated_bytes} in tensors", allocated_bytes=size(account.allocated_bytes)),
                "",
            )
        )
        found.append(
            ("", tr("{reserved} reserved from the driver for them", reserved=reserved), "")
        )
    if account.fragmented_bytes:
        found.append(
            (
                tr("fragments"),
                tr(
                    "{fragmented_bytes} free in pieces",
                    fragmented_bytes=size(account.fragmented_bytes),
                ),
                "",
            )
        )
    if account.others_bytes is not None:
        others = tr(
            "{others_bytes}: other processes, and this one's CUDA context",
            others_bytes=size(account.others_bytes),
        )
        found.append((tr("others"), others, ""))
    return [*found, *_fit_facts(account)]


def _when(account: OutOfMemoryRow) -> str:
    batch = (
        tr(", in batches of {batch_size}", batch_size=account.batch_size)
        if account.batch_size
        else ""
    )
    return (
        f"{tr(_PHASES[account.phase])} on {account.device or NOTHING}{batch}, "
        f"{account.step:,} steps done"
    )


def _fit_facts(account: OutOfMemoryRow) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    if account.split_to:
        found.append(
            (tr("continued"), tr("in batches of {split_to}", split_to=account.split_to), "good")
        )
    if account.fits_batch_size:
        found.append(
            (
                tr("would fit"),
                tr("batches of {fits_batch_size}", fits_batch_size=account.fits_batch_size),
                "good",
            )
        )
    if account.per_sample_bytes is not None:
        each, fixed = size(account.per_sample_bytes), size(account.fixed_bytes)
        found.append(
            ("", tr("{each} a sample, and {fixed} at any size", each=each, fixed=fixed), "")
        )
    if account.fit_error:
        found.append(
            (tr("would fit"), tr("not known: {fit_error}", fit_error=account.fit_error), "")
        )
    if account.command:
        found.append((tr("run again"), account.command, "strong"))
    return found


def _block_lines(blocks: Sequence[MemoryBlock], width: int) -> list[SpanLine]:
    """Return the largest blocks with their source lines, where these were recorded."""
    if not blocks:
        return []
    lines = wrapped([tr("largest blocks")], width, "title")
    for block in blocks:
        times = f" x {block.count}" if block.count > 1 else ""
        amount = f"{size(block.bytes)}{times}".rjust(_LABEL_WIDTH + 2)
        lines.append(fit_line((Span(amount), Span(f"  {_place(block)}", "quiet")), width))
    if not any(block.where for block in blocks):
        advice = tr("with train.memory_history = true each comes with the line that asked for it")
        lines += wrapped([advice], width, "quiet")
    return lines


def _place(block: MemoryBlock) -> str:
    """Return file, line and function: of the folders the last one is enough."""
    place, _, function = block.where.partition(" ")
    short = "/".join(PurePath(place).parts[-2:])
    return sanitise(f"{short} {function}".strip())
