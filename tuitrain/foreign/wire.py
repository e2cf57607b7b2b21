"""The wire format of protocol buffers, as far as logs need it.

Knows no message. Source: https://protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Field(NamedTuple):
    """One field of a message."""

    number: int
    kind: int
    """VARINT, FIXED64, BYTES or FIXED32."""
    first: int
    """Where its value begins in the buffer."""
    end: int
    value: int
    """Of a varint, as an unsigned number; 0 for other kinds."""


def fields(buffer: bytes, first: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message that lies in `buffer` from `first` to before `end`.

    Raises:
        ValueError: these bytes are no message.
    """
    at = first
    while at < end:
        key, at = varint(buffer, at, end)
        number, kind = key >> 3, key & 7
        value = 0
        if kind == VARINT:
            begin = at
            value, at = varint(buffer, at, end)
        elif kind == BYTES:
            size, begin = varint(buffer, at, end)
            at = begin + size
        elif kind in (FIXED64, FIXED32):
            begin = at
            at += 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if at > end:
            raise ValueError("a field ends after its message")
        yield Field(number, kind, begin, at, value)


def varint(buffer: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number that begins at `at`, and where it ends.

    Raises:
        ValueError: it does not end before `end`, or is longer than 64 bits.
    """
    value = shift = 0
    while at < end and shift < 70:
        byte = buffer[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise ValueError("a number has no end")


def signed(value: int) -> int:
    """Return a varint's value as the int64 that it stands for."""
    return value - (1 << 64) if value >> 63 else value
