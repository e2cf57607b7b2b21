"""What one event says: its time, its step, and the scalars in it with where their bytes lie.

Knows the messages Event, Summary, TensorProto and SummaryMetadata of TensorFlow; no files.
"""

import struct
from typing import NamedTuple

from tuitrain.foreign.wire import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    fields,
    signed,
    varint,
)

FLOATS = {1: "<f4", 2: "<f8", 19: "<f2"}
"""Numpy's names of TensorFlow's floating-point types, by their numbers."""
_INTEGERS = {3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 17: "<u2", 22: "<u4", 23: "<u8"}
_STRUCT = {"<f4": "<f", "<f8": "<d", "<f2": "<e", "<i4": "<i", "u1": "<B", "<i2": "<h",
           "i1": "<b", "<i8": "<q", "<u2": "<H", "<u4": "<I", "<u8": "<Q"}  # fmt: skip
_BFLOAT16, _HALF = 14, 19
_SCALAR_CLASS = 1
_START = 1


class Scalar(NamedTuple):
    """One value in an event."""

    tag: str
    value: float
    first: int
    """Where its bytes begin in the buffer; -1 where they are no plain floating-point number."""
    kind: str
    """How they are read, in numpy's words; empty where `first` is -1."""


class Event(NamedTuple):
    """One event."""

    time: float
    step: int
    scalars: tuple[Scalar, ...]
    restart: bool
    """What came before from this step on was given up, as TensorBoard's `purge_step` says."""
    has_media: bool = False
    """It holds values that are no scalars."""


def parse_event(buffer: bytes, first: int, end: int) -> Event:
    """Return the event that lies in `buffer` from `first` to before `end`.

    Raises:
        ValueError: these bytes are no event.
    """
    time, step, restart = 0.0, 0, False
    scalars: list[Scalar] = []
    values = 0
    for field in fields(buffer, first, end):
        if field.number == 1 and field.kind == FIXED64:
            time = struct.unpack_from("<d", buffer, field.first)[0]
        elif field.number == 2 and field.kind == VARINT:
            step = signed(field.value)
        elif field.number == 5 and field.kind == BYTES:
            found = _summary(buffer, field.first, field.end)
            values += len(found)
            scalars += filter(None, found)
        elif field.number == 7 and field.kind == BYTES:
            restart = any(
                each.number == 1 and each.value == _START
                for each in fields(buffer, field.first, field.end)
            )
    return Event(time, step, tuple(scalars), restart, len(scalars) < values)


def _summary(buffer: bytes, first: int, end: int) -> list[Scalar | None]:
    values = (field for field in fields(buffer, first, end) if field.number == 1)
    return [_value(buffer, each.first, each.end) for each in values]


def _value(buffer: bytes, first: int, end: int) -> Scalar | None:
    """Return the scalar that a value of a summary is; None for images, histograms and texts."""
    tag, plugin, data_class = "", "", 0
    number: tuple[float, int, str] | None = None
    for field in fields(buffer, first, end):
        if field.number == 1:
            tag = buffer[field.first : field.end].decode("utf-8", "replace")
        elif field.number == 2 and field.kind == FIXED32:
            number = (struct.unpack_from("<f", buffer, field.first)[0], field.first, "<f4")
        elif field.number == 8 and field.kind == BYTES:
            number = _tensor(buffer, field.first, field.end)
        elif field.number == 9 and field.kind == BYTES:
            plugin, data_class = _metadata(buffer, field.first, field.end)
    scalar = plugin in ("", "scalars") or data_class == _SCALAR_CLASS
    return Scalar(tag, *number) if number is not None and tag and scalar else None


def _metadata(buffer: bytes, first: int, end: int) -> tuple[str, int]:
    """Return the plugin that shows a value, and the class of its data."""
    data_class = 0
    for field in fields(buffer, first, end):
        if field.number == 4:
            data_class = field.value
    return plugin_content(buffer, first, end)[0], data_class


def plugin_content(buffer: bytes, first: int, end: int) -> tuple[str, tuple[int, int]]:
    """Return the plugin that metadata name, and where what they say to it begins and ends."""
    plugin, content = "", (first, first)
    for field in fields(buffer, first, end):
        if field.number == 1 and field.kind == BYTES:
            for each in fields(buffer, field.first, field.end):
                if each.number == 1:
                    plugin = buffer[each.first : each.end].decode("utf-8", "replace")
                elif each.number == 2:
                    content = (each.first, each.end)
    return plugin, content


def _tensor(buffer: bytes, first: int, end: int) -> tuple[float, int, str] | None:
    """Return the one number of a tensor, where it begins and how it is read; None for others."""
    dtype, numbers = 0, []
    for field in fields(buffer, first, end):
        if field.number == 1:
            dtype = field.value
        elif field.number == 2:
            if _elements(buffer, field.first, field.end) != 1:
                return None
        elif field.number in (4, 5, 6, 7, 10, 11, 13, 16, 17):
            numbers.append(field)
    if len(numbers) != 1:
        return None
    field = numbers[0]
    if field.number == 4:
        return _plain(buffer, field.first, field.end, {**FLOATS, **_INTEGERS}.get(dtype, ""))
    if field.number in (5, 6):
        return _plain(buffer, field.first, field.end, "<f4" if field.number == 5 else "<f8")
    return _counted(buffer, field.first, field.end, field.value, field.kind, dtype)


def _plain(buffer: bytes, first: int, end: int, kind: str) -> tuple[float, int, str] | None:
    form = _STRUCT.get(kind)
    if form is None or end - first != struct.calcsize(form):
        return None
    value = float(struct.unpack_from(form, buffer, first)[0])
    return (value, first, kind) if kind in FLOATS.values() else (value, -1, "")


def _counted(
    buffer: bytes, first: int, end: int, value: int, kind: int, dtype: int
) -> tuple[float, int, str] | None:
    """Return a number that lies there as a varint, packed or alone."""
    if kind == BYTES:
        value, behind = varint(buffer, first, end)
        if behind != end:
            return None
    if dtype == _HALF:
        return float(struct.unpack("<e", struct.pack("<H", value & 0xFFFF))[0]), -1, ""
    if dtype == _BFLOAT16:
        return float(struct.unpack("<f", struct.pack("<I", (value & 0xFFFF) << 16))[0]), -1, ""
    return float(signed(value)), -1, ""


def _elements(buffer: bytes, first: int, end: int) -> int:
    """Return how many numbers a tensor of this shape has."""
    count = 1
    for field in fields(buffer, first, end):
        if field.number == 2 and field.kind == BYTES:
            sizes = [e.value for e in fields(buffer, field.first, field.end) if e.number == 1]
            count *= sizes[0] if sizes else 0
    return count
