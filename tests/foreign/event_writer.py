"""Writes event files byte by byte, as TensorBoard's writers do."""

import struct
from pathlib import Path

from tuitrain.foreign.tensorboard.records import masked_crc


def record(data: bytes) -> bytes:
    head = struct.pack("<Q", len(data))
    return b"".join(
        (head, struct.pack("<I", masked_crc(head)), data, struct.pack("<I", masked_crc(data)))
    )


def number(value: int) -> bytes:
    out = bytearray()
    value &= 2**64 - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def message(field: int, data: bytes) -> bytes:
    return number(field << 3 | 2) + number(len(data)) + data


def simple(tag: str, value: float) -> bytes:
    return message(1, tag.encode()) + b"\x15" + struct.pack("<f", value)


def tensor(tag: str, dtype: int, content: bytes, plugin: str = "scalars") -> bytes:
    """A scalar as TF2 and Keras write it: dtype, an empty shape, the numbers, then the plugin."""
    body = b"\x08" + number(dtype) + message(2, b"") + content
    return (
        message(1, tag.encode())
        + message(8, body)
        + message(9, message(1, message(1, plugin.encode())))
    )


def event(time: float, step: int, *values: bytes) -> bytes:
    stepped = b"\x10" + number(step) if step else b""
    summary = message(5, b"".join(message(1, value) for value in values)) if values else b""
    return b"\x09" + struct.pack("<d", time) + stepped + summary


def scalar(step: int, tag: str, value: float) -> bytes:
    return record(event(1.7e9 + step, step, simple(tag, value)))


def restart(step: int) -> bytes:
    """What SummaryWriter(purge_step=...) begins with."""
    return record(event(1.7e9, step) + message(7, b"\x08\x01"))


def head() -> bytes:
    return record(b"\x09" + struct.pack("<d", 1.7e9) + message(3, b"brain.Event:2"))


def write(folder: Path, *records: bytes, second: int = 1_700_000_000) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events.out.tfevents.{second}.host.1.0"
    path.write_bytes(head() + b"".join(records))
    return path
