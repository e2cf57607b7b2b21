"""What a run has to show beside its metrics: samples of evaluations, and tables of confusion.

Knows records and pixels; nothing of trackers.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuitrain.errors import RecordError
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import EvaluationRow
from tuitrain.runs.samples import SampledStep, plain_png, read_samples, sampled_steps

_MOST_STEPS = 64
"""Of one look."""
_LARGEST_TABLE = 256
"""Pixels of a table's side, with at least one for a class."""
_NOBODY, _EVERYBODY = (247, 251, 255), (8, 48, 107)
"""The colours of no sample of a class, and of all."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An image or a text."""

    step: int
    time: float
    """Seconds since the epoch."""
    name: str
    text: str = ""
    png: bytes = b""
    """Of an image: the PNG file."""
    width: int = 0
    height: int = 0
    channels: int = 0


def shown_since(reader: RunReader, after: int, until: int | None) -> tuple[list[Shown], int]:
    """Return images and texts of the next steps after `after`, and the last step looked at.

    That is `after` itself where there was none.

    Samples are on disk before their evaluation is on record: they wait for it, so that a step comes
    whole.

    Args:
        reader: of the run.
        after: the last step that is known.
        until: the last step that is wanted; None: all.

    Raises:
        RecordError: the record can't be read.
    """
    evaluated = {row.step: row for row in _evaluations(reader, after)}
    newest = max(evaluated, default=after) if _is_evaluated(reader) else math.inf
    last = newest if until is None else min(newest, until)
    sampled = set(sampled_steps(reader.directory))
    steps = sorted(step for step in sampled | set(evaluated) if after < step <= last)[:_MOST_STEPS]
    created = float(reader.meta()["created"])
    found: list[Shown] = []
    for step in steps:
        row = evaluated.get(step)
        at = created if row is None else row.time
        if step in sampled:
            found += _samples(reader, step, at)
        if row is not None:
            found += _confusion(row)
    return found, steps[-1] if steps else after


def _is_evaluated(reader: RunReader) -> bool:
    """Return whether samples belong to evaluations: those of a log or a script belong to none."""
    facts = reader.facts()
    return facts.watched is None and facts.script is None


def _evaluations(reader: RunReader, after: int) -> list[EvaluationRow]:
    number, rows = 1, reader.entries.last_evaluations(1)
    while len(rows) == number and rows[0].step > after:
        number *= 8
        rows = reader.entries.last_evaluations(number)
    return [row for row in rows if row.step > after]


# --- samples --------------------------------------------------------------------------------------


def _samples(reader: RunReader, step: int, at: float) -> Iterator[Shown]:
    try:
        found = read_samples(reader.directory, step)
    except RecordError:
        # Those of older steps are thinned out meanwhile.
        return
    count = Counter(name for sample in found.samples for name in sample)
    for number, sample in enumerate(found.samples):
        for name, part in sample.items():
            called = f"samples/{number}/{name}" if count[name] > 1 else name
            yield from _part(found, called, part, at)


def _part(found: SampledStep, name: str, part: Mapping[str, Any], at: float) -> Iterator[Shown]:
    if part["kind"] == "text":
        yield Shown(found.step, at, name, text=str(part["text"]))
    elif part["kind"] == "numbers":
        yield Shown(found.step, at, name, text=", ".join(map(str, part["values"])))
    elif part["kind"] == "image":
        try:
            png = found.image_bytes(part)
        except RecordError:
            return
        # The kind of a PNG's pixels is in its byte 25: 0 is grey, 2 is RGB.
        channels = 1 if png[25:26] == b"\0" else 3
        size = int(part["width"]), int(part["height"])
        yield Shown(found.step, at, name, "", png, *size, channels)


# --- confusion ------------------------------------------------------------------------------------


def _confusion(row: EvaluationRow) -> Iterator[Shown]:
    table = row.counts.confusion if row.counts is not None else None
    if table:
        png, side = heat_map(table)
        yield Shown(row.step, row.time, "confusion", "", png, side, side, 3)


def heat_map(table: Sequence[Sequence[int]]) -> tuple[bytes, int]:
    """Return a table of confusion as a PNG file, and its width and height in pixels.

    Rows are true classes from the top, columns predicted ones: the darker a cell, the larger its
    part of the row's samples.
    """
    cell = max(1, _LARGEST_TABLE // len(table))
    rows = []
    for counts in table:
        whole = sum(counts) or 1
        rows.append(b"".join(_colour(count / whole) * cell for count in counts) * cell)
    side = cell * len(table)
    return plain_png(side, side, 3, b"".join(rows)), side


def _colour(share: float) -> bytes:
    return bytes(
        round(low + share * (high - low)) for low, high in zip(_NOBODY, _EVERYBODY, strict=True)
    )
