"""What an event holds beside scalars: images, texts, histograms, and hyper-parameters.

Knows the messages Summary.Image, HistogramProto, TensorProto and those of the hparams plugin, as
torch, tensorboardX, TensorFlow 2 and Keras write them; no files.
"""

import struct
from collections.abc import Iterator
from typing import Any

from tuitrain.foreign.media import MOST_TEXT, kept_histogram, kept_image
from tuitrain.foreign.tensorboard.events import plugin_content
from tuitrain.foreign.wire import BYTES, FIXED64, VARINT, Field, fields, signed
from tuitrain.runs.samples import Buckets, Kept

HPARAMS_TAG = b"_hparams_/session_start_info"


def media_in(buffer: bytes, first: int, end: int) -> Iterator[Kept]:
    """Yield the images, texts and histograms of an event; what can't be shown is left out.

    Raises:
        ValueError: these bytes are no event.
    """
    step = 0
    for field in fields(buffer, first, end):
        if field.number == 2 and field.kind == VARINT:
            step = signed(field.value)
        elif field.number == 5 and field.kind == BYTES and step >= 0:
            for each in fields(buffer, field.first, field.end):
                if each.number == 1 and each.kind == BYTES:
                    yield from _value(buffer, each, step)


def _value(buffer: bytes, value: Field, step: int) -> Iterator[Kept]:
    tag, plugin = "", ""
    tensor: Field | None = None
    for field in fields(buffer, value.first, value.end):
        if field.kind != BYTES:
            continue
        if field.number == 1:
            tag = buffer[field.first : field.end].decode("utf-8", "replace")
        elif field.number == 4:
            yield from kept_image(_last(buffer, field, 4), step, tag)
        elif field.number == 5:
            yield from kept_histogram(_buckets(buffer, field), step, tag)
        elif field.number == 8:
            tensor = field
        elif field.number == 9:
            plugin = plugin_content(buffer, field.first, field.end)[0]
    if tensor is not None:
        yield from _tensor(buffer, tensor, plugin, step, tag)


def _tensor(buffer: bytes, tensor: Field, plugin: str, step: int, tag: str) -> Iterator[Kept]:
    strings = [
        buffer[each.first : each.end]
        for each in fields(buffer, tensor.first, tensor.end)
        if each.number == 8 and each.kind == BYTES
    ]
    if plugin == "text":
        text = "\n".join(each.decode("utf-8", "replace") for each in strings)[:MOST_TEXT]
        yield Kept(step, tag.removesuffix("/text_summary"), {"kind": "text", "text": text})
    elif plugin == "images":
        # Before the files themselves stand their width and their height.
        for number, data in enumerate(strings[2:]):
            yield from kept_image(data, step, f"{tag} {number}" if len(strings) > 3 else tag)
    elif plugin == "histograms":
        yield from kept_histogram(_rows_of_three(buffer, tensor), step, tag)


def _last(buffer: bytes, message: Field, number: int) -> bytes:
    found = b""
    for field in fields(buffer, message.first, message.end):
        if field.number == number and field.kind == BYTES:
            found = buffer[field.first : field.end]
    return found


# --- histograms ---------------------------------------------------------------------------------


def _buckets(buffer: bytes, message: Field) -> Buckets:
    """Return the buckets of a HistogramProto: right edges and counts, from its least value on."""
    least, edges, counts = 0.0, list[float](), list[float]()
    for field in fields(buffer, message.first, message.end):
        if field.number == 1 and field.kind == FIXED64:
            (least,) = struct.unpack_from("<d", buffer, field.first)
        elif field.number in (6, 7):
            size = (field.end - field.first) // 8
            found = struct.unpack_from(f"<{size}d", buffer, field.first)
            (edges if field.number == 6 else counts).extend(found)
    lefts = [least, *(max(least, edge) for edge in edges)]
    return [
        (left, right, count)
        for left, right, count in zip(lefts, edges, counts, strict=False)
        if count
    ]


def _rows_of_three(buffer: bytes, tensor: Field) -> Buckets:
    """Return the buckets of TensorFlow 2's form, float64 [buckets, 3]."""
    numbers: list[float] = []
    for field in fields(buffer, tensor.first, tensor.end):
        if field.number in (4, 6) and field.kind == BYTES:
            size = (field.end - field.first) // 8
            numbers.extend(struct.unpack_from(f"<{size}d", buffer, field.first))
    rows = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=False)
    return [row for row in rows if row[2]]


# --- hyper-parameters ---------------------------------------------------------------------------


def hparams_in(buffer: bytes, first: int, end: int) -> dict[str, Any]:
    """Return the hyper-parameters that an event says a session begins with; {} without any.

    Raises:
        ValueError: these bytes are no event.
    """
    found: dict[str, Any] = {}
    for summary in _messages(buffer, first, end, 5):
        for value in _messages(buffer, summary.first, summary.end, 1):
            for metadata in _messages(buffer, value.first, value.end, 9):
                plugin, content = plugin_content(buffer, metadata.first, metadata.end)
                if plugin == "hparams":
                    found |= _session(buffer, content)
    return found


def _messages(buffer: bytes, first: int, end: int, number: int) -> Iterator[Field]:
    return (
        field
        for field in fields(buffer, first, end)
        if field.number == number and field.kind == BYTES
    )


def _session(buffer: bytes, content: tuple[int, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for info in _messages(buffer, *content, 3):
        for entry in _messages(buffer, info.first, info.end, 1):
            name, value = "", None
            for field in fields(buffer, entry.first, entry.end):
                if field.number == 1:
                    name = buffer[field.first : field.end].decode("utf-8", "replace")
                elif field.number == 2:
                    value = _plain(buffer, field)
            if name and value is not None:
                found[name] = value
    return found


def _plain(buffer: bytes, message: Field) -> float | str | bool | None:
    """Return what a google.protobuf.Value holds: a number, a text or a truth value."""
    for field in fields(buffer, message.first, message.end):
        if field.number == 2 and field.kind == FIXED64:
            number = float(struct.unpack_from("<d", buffer, field.first)[0])
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
        if field.number == 3 and field.kind == BYTES:
            return buffer[field.first : field.end].decode("utf-8", "replace")
        if field.number == 4:
            return bool(field.value)
    return None
