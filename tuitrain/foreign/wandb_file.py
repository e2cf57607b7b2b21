"""Weights & Biases' run file, `run-ID.wandb`, as its library writes it online and offline.

Seven bytes of head, then LevelDB's log: pieces with a head of seven bytes each, none over the
border of a block of 32 KiB; a record is one piece or several. Each record is a message `Record` of
wandb's `wandb_internal.proto`, checked against files of wandb 0.31.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuitrain.foreign.reader import Position, last_written
from tuitrain.foreign.table_rows import Keys, RowPoints, flat
from tuitrain.foreign.wandb_media import apart, kept_media
from tuitrain.foreign.wire import BYTES, FIXED64, fields, signed
from tuitrain.runs.imported import Batch, Rewind
from tuitrain.runs.samples import Kept

SUFFIX = ".wandb"
_MAGIC = b":W&B"
_HEAD_BYTES, _BLOCK_BYTES = 7, 1 << 15
_PIECE_BYTES = 1 << 20
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_HISTORY, _CONFIG, _RUN, _EXIT = 2, 5, 17, 18
_KEYS = Keys("_step", "epoch", "_timestamp")
_NO_METRICS = frozenset({"_runtime", "_wandb"})


def is_wandb_file(path: Path) -> bool:
    """Say whether a file is such a run file.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


class WandbReader:
    """Reads one run file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def changed(self) -> float:
        """Return when the file was written to."""
        return last_written([self._path])

    def settings(self) -> Mapping[str, Any]:
        """Return the run's config, as far as it was given before much was logged."""
        with self._path.open("rb") as file:
            file.seek(_HEAD_BYTES)
            records, _end = whole_records(file.read(_PIECE_BYTES), _HEAD_BYTES)
        found: dict[str, Any] = {}
        for record in records:
            try:
                found |= _config(record)
            except ValueError:
                continue
        return found

    def read(self, position: Position) -> Batch:
        """Return the rows since `position`, up to a piece of the file."""
        at = int(position.get("at", _HEAD_BYTES))
        with self._path.open("rb") as file:
            file.seek(0, 2)
            if file.tell() < at:
                return Batch((Rewind(0),), position={}, more=True)
            file.seek(at)
            block = file.read(_PIECE_BYTES)
            records, end = whole_records(block, at)
            while (
                end == at and len(block) % _PIECE_BYTES == 0 and (more := file.read(_PIECE_BYTES))
            ):
                block += more
                records, end = whole_records(block, at)
        if end == at:
            return Batch()
        points, ended, damaged = RowPoints.go_on(_KEYS, position), position.get("ended"), 0
        read_at, kept = self.changed(), list[Kept]()
        for record in records:
            try:
                ended = self._take(record, points, kept, read_at) or ended
            except ValueError:
                damaged += 1
        told = [f"{self._path.name}: {damaged} records can't be read and were left out"]
        return Batch(
            points.changes(),
            points.progress(),
            {"at": end, "rows": points.state(), **({"ended": ended} if ended else {})},
            told=told if damaged else (),
            more=True,
            kept=kept,
        )

    def _take(
        self, record: bytes, points: RowPoints, kept: list[Kept], read_at: float
    ) -> list[str] | None:
        """Add a record's row; return how training ended where that is what it says."""
        for field in fields(record, 0, len(record)):
            if field.kind != BYTES:
                continue
            if field.number == _HISTORY:
                row, media = apart(_items(record, field.first, field.end))
                points.add({k: each for k, each in row.items() if k not in _NO_METRICS}, read_at)
                step = row.get("_step")
                if media and isinstance(step, int) and step >= 0:
                    kept.extend(kept_media(media, step, self._path.parent / "files"))
            elif field.number == _EXIT:
                inside = fields(record, field.first, field.end)
                code = next((signed(each.value) for each in inside if each.number == 1), 0)
                return ["failed", f"exit code {code}"] if code else ["finished", ""]
        return None


def whole_records(block: bytes, at: int) -> tuple[list[bytes], int]:
    """Return the whole records of a piece of the file that begins at `at`, and where they end."""
    records: list[bytes] = []
    parts: list[bytes] = []
    place, end = 0, at
    while place + _HEAD_BYTES <= len(block):
        left = _BLOCK_BYTES - (at + place) % _BLOCK_BYTES
        if left < _HEAD_BYTES:
            place += left
            continue
        _crc, size, kind = struct.unpack_from("<IHB", block, place)
        behind = place + _HEAD_BYTES + size
        if behind > len(block) or kind not in (_WHOLE, _FIRST, _MIDDLE, _LAST):
            break
        if kind in (_WHOLE, _FIRST):
            parts = []
        parts.append(block[place + _HEAD_BYTES : behind])
        place = behind
        if kind in (_WHOLE, _LAST):
            records.append(b"".join(parts))
            end = at + place
    return records, end


def _items(record: bytes, first: int, end: int) -> Iterator[tuple[str, Any]]:
    """Yield names and values of a history or of settings.

    Nested names are joined by dots, as wandb shows them.
    """
    for field in fields(record, first, end):
        if field.number != 1 or field.kind != BYTES:
            continue
        names: list[str] = []
        value: Any = None
        for part in fields(record, field.first, field.end):
            if part.number in (1, 2):
                names.append(record[part.first : part.end].decode("utf-8", "replace"))
            elif part.number == 16:
                value = json.loads(record[part.first : part.end])
            elif part.number == 6 and part.kind == FIXED64:
                value = struct.unpack_from("<d", record, part.first)[0]
            elif part.number == 5:
                value = (part.value >> 1) ^ -(part.value & 1)
        yield ".".join(names), value


def _config(record: bytes) -> dict[str, Any]:
    """Return the settings that a record sets: one of the config, or the one that begins a run."""
    found: dict[str, Any] = {}
    for field in fields(record, 0, len(record)):
        if field.kind == BYTES and field.number == _CONFIG:
            found |= _settings(record, field.first, field.end)
        elif field.kind == BYTES and field.number == _RUN:
            for part in fields(record, field.first, field.end):
                if part.number == 4 and part.kind == BYTES:
                    found |= _settings(record, part.first, part.end)
    return {name: value for name, value in found.items() if not name.startswith("_wandb")}


def _settings(record: bytes, first: int, end: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in _items(record, first, end):
        found |= flat({name: value})
    return found
