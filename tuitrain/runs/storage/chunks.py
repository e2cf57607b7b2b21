"""Points as they lie in the database: chunks of steps and values, packed and unpacked.

Knows nothing of summaries, events or screens.
"""

import sqlite3
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

FOREVER = 2**62
"""A step beyond every step."""

_PAGE_CHUNKS = 256


@dataclass(frozen=True, slots=True)
class Chunk:
    """Points of one metric, by ascending steps."""

    steps: Sequence[int]
    """A range where the steps follow each other."""
    values: "array[float]"

    def between(self, first_step: int, last_step: int) -> "Chunk":
        """Return the part from `first_step` to `last_step`, both included."""
        if self.steps[0] >= first_step and self.steps[-1] <= last_step:
            return self
        start = _first_at_or_after(self.steps, first_step)
        end = _first_at_or_after(self.steps, last_step + 1)
        return Chunk(self.steps[start:end], self.values[start:end])


def pack(typecode: str, numbers: Sequence[float]) -> bytes:
    """Return numbers as little-endian bytes: typecode d for float64, q for int64."""
    packed = array(typecode, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def pack_steps(steps: Sequence[int]) -> bytes | None:
    """Return ascending steps as bytes, or None where they follow each other."""
    if steps[-1] - steps[0] + 1 == len(steps):
        return None
    return pack("q", steps)


def unpack(first_step: int, step_blob: bytes | None, value_blob: bytes) -> Chunk:
    """Return a row's points."""
    values = _unpack("d", value_blob)
    if step_blob is None:
        return Chunk(range(first_step, first_step + len(values)), values)
    return Chunk(_unpack("q", step_blob), values)


def read_chunks(
    connection: sqlite3.Connection, metric: int, first_step: int = 0, last_step: int = FOREVER
) -> Iterator[Chunk]:
    """Yield a metric's points from `first_step` to `last_step`, both included, in order.

    A page of rows at a time: a slow consumer must not hold a read transaction open, as without a
    WAL that would keep the supervisor from writing.
    """
    position = _chunk_start(connection, metric, first_step)
    while True:
        rows = connection.execute(
            "SELECT first_step, last_step, step_blob, value_blob FROM chunks WHERE metric=?"
            " AND first_step>=? AND first_step<=? ORDER BY first_step LIMIT ?",
            (metric, position, last_step, _PAGE_CHUNKS),
        ).fetchall()
        for start, end, step_blob, value_blob in rows:
            if end >= first_step:
                chunk = unpack(start, step_blob, value_blob).between(first_step, last_step)
                if chunk.steps:
                    yield chunk
        if len(rows) < _PAGE_CHUNKS:
            return
        position = rows[-1][1] + 1


def _chunk_start(connection: sqlite3.Connection, metric: int, step: int) -> int:
    """Return where the chunk begins that may hold `step`."""
    row = connection.execute(
        "SELECT first_step FROM chunks WHERE metric=? AND first_step<=?"
        " ORDER BY first_step DESC LIMIT 1",
        (metric, step),
    ).fetchone()
    return row[0] if row else step


def _unpack(typecode: str, blob: bytes) -> "array[Any]":
    numbers: array[Any] = array(typecode)
    numbers.frombytes(blob)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _first_at_or_after(steps: Sequence[int], step: int) -> int:
    return bisect_left(steps, step)
