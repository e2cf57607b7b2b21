"""Records in a file: their borders, and whether their bytes are as they were written.

Source of the format: TensorFlow's TFRecord, a length (uint64), its masked CRC32C, the data, theirs.
Knows nothing of events.
"""

import struct
from functools import cache
from typing import Any

import numpy as np

HEAD_BYTES, TAIL_BYTES = 12, 4
"""Before and behind the data of a record."""
_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
_length_at = struct.Struct("<Q").unpack_from

Numbers = np.ndarray[Any, np.dtype[Any]]


def borders(block: bytes) -> tuple[Numbers, Numbers, int]:
    """Return where the data of each whole record begins, how long they are, and the last end."""
    firsts: list[int] = []
    at, size = 0, len(block)
    add = firsts.append
    while at + HEAD_BYTES <= size:
        (length,) = _length_at(block, at)
        behind = at + HEAD_BYTES + length + TAIL_BYTES
        if behind > size:
            break
        add(at + HEAD_BYTES)
        at = behind
    begins = np.array(firsts, dtype=np.int64)
    ends = np.append(begins[1:] - HEAD_BYTES, at) - TAIL_BYTES if firsts else begins
    return begins, ends - begins, at


def length_of(block: bytes) -> int | None:
    """Return how long the data of the first record are; None where its head is damaged or cut."""
    if len(block) < HEAD_BYTES:
        return None
    length, crc = struct.unpack_from("<QI", block)
    return int(length) if crc == masked_crc(block[:8]) else None


def first_damaged(block: bytes, begins: Numbers) -> int:
    """Return which record is the first whose length was not written so; how many there are: none.

    A damaged length would lead astray; of damaged data the parser finds out.
    """
    if not len(begins):
        return 0
    bytes_ = np.frombuffer(block, dtype=np.uint8)
    table = crc_table()
    crc = np.full(len(begins), 0xFFFFFFFF, dtype=np.uint32)
    for column in range(8):
        crc = table[(crc ^ bytes_[begins - HEAD_BYTES + column]) & 0xFF] ^ (crc >> np.uint32(8))
    crc ^= np.uint32(0xFFFFFFFF)
    rotated = (crc >> np.uint32(15)) | (crc << np.uint32(17))
    masked = rotated + np.uint32(_MASK_DELTA)
    written = np.zeros(len(begins), dtype=np.uint32)
    for column in range(4):
        written |= bytes_[begins - TAIL_BYTES + column].astype(np.uint32) << np.uint32(8 * column)
    wrong = np.flatnonzero(masked != written)
    return int(wrong[0]) if len(wrong) else len(begins)


def masked_crc(data: bytes) -> int:
    """Return the checksum that goes with some data."""
    table = crc_table().tolist()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


@cache
def crc_table() -> Numbers:
    """Return what CRC32C makes of each byte: uint32 [256]."""
    entries = np.arange(256, dtype=np.uint32)
    for _bit in range(8):
        odd = (entries & np.uint32(1)).astype(bool)
        entries = np.where(odd, (entries >> np.uint32(1)) ^ np.uint32(_POLYNOMIAL), entries >> 1)
    return entries.astype(np.uint32)
