"""One folder of TensorBoard's event files as one run, read on from where it was left.

Of a step that several files have the newest one's value counts, from its first step of each tag
on: that is what a training that was resumed writes.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tuitrain.foreign.reader import Position, in_order, last_written
from tuitrain.foreign.settings import hparams_beside
from tuitrain.foreign.tensorboard.batches import Column, Parsed, parse_block
from tuitrain.foreign.tensorboard.files import is_event_file
from tuitrain.foreign.tensorboard.media import HPARAMS_TAG, hparams_in, media_in
from tuitrain.foreign.tensorboard.records import (
    HEAD_BYTES,
    TAIL_BYTES,
    Numbers,
    borders,
    first_damaged,
    length_of,
)
from tuitrain.runs.imported import Batch, Moment, Points, Rewind
from tuitrain.runs.samples import Kept

_FIRST_BYTES = 1 << 17
"""The first piece is small: its curves are on the screen while the rest is read."""
_BLOCK_BYTES = 1 << 21
_LARGEST_RECORD_BYTES = 1 << 26
"""Larger ones are skipped: no scalar is that long."""
_MOST_MOMENTS = 64
_MOST_SETTINGS_FILES = 16
"""The newest files that are looked into for hyper-parameters, which stand at their begins."""
_EPOCH_TAG = "epoch"


class EventReader:
    """Reads the event files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def changed(self) -> float:
        """Return when the newest file was written to."""
        return last_written([self._folder / name for name in self._names()])

    def settings(self) -> Mapping[str, Any]:
        """Return the hyper-parameters of the files, and what Lightning wrote beside them."""
        found: dict[str, Any] = {}
        for name in self._names()[-_MOST_SETTINGS_FILES:]:
            with (self._folder / name).open("rb") as file:
                block = file.read(_FIRST_BYTES)
            if HPARAMS_TAG not in block:
                continue
            begins, lengths, _end = borders(block)
            good = first_damaged(block, begins)
            for first, length in zip(begins[:good].tolist(), lengths[:good].tolist(), strict=True):
                if HPARAMS_TAG in block[first : first + length]:
                    found |= _hparams(block, first, first + length)
        return {**found, **hparams_beside(self._folder)}

    def _names(self) -> list[str]:
        # By name is by time: it begins with the second of the file's creation.
        return sorted(path.name for path in self._folder.iterdir() if is_event_file(path.name))

    def read(self, position: Position) -> Batch:
        """Return the next piece of the oldest file that has one."""
        files = {name: dict(state) for name, state in position.get("files", {}).items()}
        names = self._names()
        if any(self._size(name) < files[name]["at"] for name in names if name in files):
            return Batch((Rewind(0),), position={"files": {}}, more=True)
        for name in names:
            state = files.setdefault(name, {"at": 0, "starts": {}, "zeros": {}})
            if self._size(name) <= state["at"]:
                continue
            batch = self._read_file(name, state, files, position)
            if batch is not None:
                return batch
        return Batch()

    def _size(self, name: str) -> int:
        try:
            return (self._folder / name).stat().st_size
        except FileNotFoundError:
            return 0

    def _read_file(
        self, name: str, state: dict[str, Any], files: dict[str, Any], position: Position
    ) -> Batch | None:
        """Read on in one file; return None where it has no whole record more."""
        block = self._block(name, state["at"], first=not position)
        whole = _record_bytes(block)
        if whole > _LARGEST_RECORD_BYTES and state["at"] + whole <= self._size(name):
            state["at"] += whole
            return Batch(position={**position, "files": files}, more=True)
        begins, lengths, end = borders(block)
        good = first_damaged(block, begins)
        told = []
        if good < len(begins) or (not len(begins) and _damaged_head(block)):
            end = int(begins[good]) - HEAD_BYTES if good < len(begins) else 0
            if state.get("damaged") != state["at"] + end:
                state["damaged"] = state["at"] + end
                told.append(f"{name} is damaged at byte {state['at'] + end}: not read from there")
        if not end and not told:
            return None
        parsed = parse_block(block, begins[:good], lengths[:good])
        if parsed.damaged:
            told.append(f"{name}: records that are no events were left out: {len(parsed.damaged)}")
        state["at"] += end
        epoch = float(position.get("epoch", 0.0))
        moments = _moments(parsed, epoch)
        return Batch(
            list(_changes(parsed, name, files)),
            moments,
            {"files": files, "epoch": moments[-1].epoch if moments else epoch},
            told=told,
            more=True,
            kept=list(_kept(parsed, block)),
        )

    def _block(self, name: str, at: int, *, first: bool) -> bytes:
        """Return a piece of a file that begins at a record, with one whole one where it is sane."""
        size = _FIRST_BYTES if first else _BLOCK_BYTES
        with (self._folder / name).open("rb") as file:
            file.seek(at)
            block = file.read(size)
            whole = _record_bytes(block)
            if size < whole <= _LARGEST_RECORD_BYTES:
                block += file.read(whole - size)
        return block


def _kept(parsed: Parsed, block: bytes) -> Iterator[Kept]:
    """Yield images and texts, but for those that a later restart in the block gives up."""
    for record, first, end in parsed.media:
        for each in media_in(block, first, end):
            if not any(at > record and each.step >= step for at, step in parsed.restarts):
                yield each


def _hparams(block: bytes, first: int, end: int) -> dict[str, Any]:
    try:
        return hparams_in(block, first, end)
    except ValueError:
        return {}


def _record_bytes(block: bytes) -> int:
    """Return how long the first record is; 0 where its head is damaged or cut."""
    length = length_of(block)
    return 0 if length is None else length + HEAD_BYTES + TAIL_BYTES


def _damaged_head(block: bytes) -> bool:
    return len(block) >= HEAD_BYTES and length_of(block) is None


def _changes(parsed: Parsed, name: str, files: Mapping[str, Any]) -> Iterator[Points | Rewind]:
    """Yield points and restarts in the order in which they were logged."""
    cuts = [(0, None), *parsed.restarts, (2**62, None)]
    for (begin, _step), (end, step) in pairwise(cuts):
        for tag, column in parsed.columns.items():
            inside = (column.order >= begin) & (column.order < end)
            points = _points(tag, column, inside, name, files)
            if points is not None:
                yield points
        if step is not None:
            yield Rewind(max(0, step))


def _points(
    tag: str, column: Column, inside: Any, name: str, files: Mapping[str, Any]
) -> Points | None:
    newer = [files[other]["starts"].get(tag) for other in files if other > name]
    superseded = min((step for step in newer if step is not None), default=None)
    if superseded is not None:
        inside = inside & (column.steps < superseded)
    if not inside.any():
        return None
    starts, steps = files[name]["starts"], _numbered(tag, column.steps[inside], files[name])
    resumed = tag not in starts and any(
        tag in files[other]["starts"] for other in files if other < name
    )
    points = in_order(tag, steps.tolist(), column.values[inside].tolist(), replace=resumed)
    if points is not None:
        starts[tag] = min(points.steps[0], starts.get(tag, points.steps[0]))
    return points


def _numbered(tag: str, steps: Numbers, state: dict[str, Any]) -> Numbers:
    """Return steps, or numbers in their place where each is 0, as of a loop that names no step."""
    zeros, known = state["zeros"], tag in state["starts"]
    if steps.any() or (known and tag not in zeros):
        zeros.pop(tag, None)
        return steps
    before = zeros.get(tag, 0)
    zeros[tag] = before + len(steps)
    return np.arange(before, zeros[tag])


def _moments(parsed: Parsed, epoch: float) -> list[Moment]:
    """Return when some of the steps were logged, the last one among them."""
    columns = [column for column in parsed.columns.values() if (column.steps >= 0).any()]
    if not columns:
        return []
    steps = np.concatenate([column.steps for column in columns])
    times = np.concatenate([column.times for column in columns])
    steps, index = np.unique(steps, return_index=True)
    chosen = np.unique(np.linspace(0, len(steps) - 1, _MOST_MOMENTS).astype(np.int64))
    epochs = np.full(len(chosen), epoch)
    told = parsed.columns.get(_EPOCH_TAG)
    if told is not None:
        by_step = np.argsort(told.steps, kind="stable")
        epochs = np.interp(steps[chosen], told.steps[by_step], told.values[by_step])
    found = zip(steps[chosen], times[index[chosen]], epochs, strict=True)
    return [Moment(int(s), float(t), float(e)) for s, t, e in found if s >= 0 and t > 0]
