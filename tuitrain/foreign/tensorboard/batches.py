"""Many events at once: records of the same form are cut into columns, only new forms are parsed.

A training loop logs the same few tags over and over, so that two of its records differ in time,
step and value alone. Knows nothing of files.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tuitrain.foreign.tensorboard.events import Event, parse_event
from tuitrain.foreign.tensorboard.records import Numbers

_TIME_KEY, _STEP_KEY = 0x09, 0x10
_TIME_END = 9
_LONGEST_FORM_BYTES = 4096
"""Longer records are images and the like: each is parsed by itself."""


@dataclass(slots=True)
class Column:
    """The points of one tag in the order in which they were logged."""

    order: Numbers
    """Which record each point is of."""
    times: Numbers
    steps: Numbers
    values: Numbers


@dataclass(slots=True)
class Parsed:
    """What a block of records says."""

    columns: dict[str, Column]
    restarts: list[tuple[int, int]] = field(default_factory=list)
    """(record, step) of each restart."""
    damaged: list[int] = field(default_factory=list)
    """Records that are no events."""
    media: list[tuple[int, int, int]] = field(default_factory=list)
    """(record, begin, end) of each event that holds more than scalars."""


def parse_block(block: bytes, begins: Numbers, lengths: Numbers) -> Parsed:
    """Return the scalars in the records of a block.

    Args:
        block: the bytes.
        begins: where the data of each record begin, int64 [records].
        lengths: how long they are, int64 [records].
    """
    found = _Found()
    bytes_ = np.frombuffer(block, dtype=np.uint8)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        if length > _LONGEST_FORM_BYTES or length <= _TIME_END:
            found.parse(block, rows, begins[rows], int(length))
            continue
        table = bytes_[begins[rows][:, None] + np.arange(length)]
        for group, step_end in _by_step_size(table):
            _take_forms(block, begins, rows[group], table[group], step_end, found)
    return found.parsed()


class _Found:
    """Gathers points by tag."""

    def __init__(self) -> None:
        self._parts: dict[str, list[tuple[Numbers, Numbers, Numbers, Numbers]]] = {}
        self._restarts: list[tuple[int, int]] = []
        self._damaged: list[int] = []
        self._media: list[tuple[int, int, int]] = []

    def add(
        self, tag: str, order: Numbers, times: Numbers, steps: Numbers, values: Numbers
    ) -> None:
        """Add points of a tag."""
        self._parts.setdefault(tag, []).append((order, times, steps, values))

    def parse(self, block: bytes, rows: Numbers, begins: Numbers, length: int) -> None:
        """Parse records one by one."""
        for row, first in zip(rows.tolist(), begins.tolist(), strict=True):
            try:
                event = parse_event(block, first, first + length)
                self._add_event(row, event)
                if event.has_media:
                    self._media.append((row, first, first + length))
            except ValueError:
                self._damaged.append(row)

    def _add_event(self, row: int, event: Event) -> None:
        if event.restart:
            self._restarts.append((row, event.step))
        for scalar in event.scalars:
            self.add(
                scalar.tag,
                np.array([row]),
                np.array([event.time]),
                np.array([event.step]),
                np.array([scalar.value]),
            )

    def parsed(self) -> Parsed:
        """Return all of it, each tag's points as they were logged."""
        columns = {}
        for tag, parts in self._parts.items():
            joined = [np.concatenate(each) for each in zip(*parts, strict=True)]
            if len(parts) > 1:
                by_record = np.argsort(joined[0], kind="stable")
                joined = [each[by_record] for each in joined]
            columns[tag] = Column(*joined)
        first = {tag: int(column.order[0]) for tag, column in columns.items()}
        ordered = {tag: columns[tag] for tag in sorted(columns, key=first.__getitem__)}
        return Parsed(ordered, sorted(self._restarts), sorted(self._damaged), sorted(self._media))


def _by_step_size(table: Numbers) -> Iterator[tuple[Numbers, int]]:
    """Yield rows whose steps take as many bytes, and where these end; 0 where it is unknown."""
    timed = table[:, 0] == _TIME_KEY
    stepped = timed & (table[:, _TIME_END] == _STEP_KEY)
    size = np.zeros(len(table), dtype=np.int64)
    open_ = stepped.copy()
    for column in range(_TIME_END + 1, min(table.shape[1], _TIME_END + 11)):
        size[open_] += 1
        open_ &= table[:, column] >= 0x80
    ends = np.where(stepped, _TIME_END + 1 + size, np.where(timed, _TIME_END, 0))
    for end in np.unique(ends):
        yield np.flatnonzero(ends == end), int(end)


def _take_forms(
    block: bytes, begins: Numbers, rows: Numbers, table: Numbers, step_end: int, found: _Found
) -> None:
    """Take records of one length whose steps end at the same byte, form by form.

    The first record tells which bytes are values; all that agree with one in every other byte say
    the same of other steps.
    """
    length = table.shape[1]
    while len(rows):
        first = int(begins[rows[0]])
        values = _value_bytes(block, first, length) if step_end else None
        if values is None:
            found.parse(block, rows, begins[rows], length)
            return
        fixed = np.ones(length, dtype=bool)
        fixed[:step_end] = False
        for at, size, _kind in values:
            fixed[at : at + size] = False
        left = _take_form(block, begins, rows, table, step_end, fixed, values, found)
        rows, table = rows[left], table[left]


def _take_form(
    block: bytes,
    begins: Numbers,
    rows: Numbers,
    table: Numbers,
    step_end: int,
    fixed: Numbers,
    values: list[tuple[int, int, str]],
    found: _Found,
) -> Numbers:
    """Take the records with values where the first has them; return which are left."""
    length, columns = table.shape[1], np.flatnonzero(fixed)
    rest = table[:, columns]
    weights = np.random.default_rng(0).integers(1, 2**63, len(columns), dtype=np.uint64)
    hashes = rest.astype(np.uint64) @ weights
    _unique, representatives, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    left = np.zeros(len(rows), dtype=bool)
    for number, representative in enumerate(representatives.tolist()):
        group = np.flatnonzero(inverse == number) if len(representatives) > 1 else slice(None)
        same = (rest[group] == rest[representative]).all(axis=1)
        members = np.arange(len(rows))[group]
        left[members[~same]] = True
        members = members[same]
        begin = int(begins[rows[representative]])
        if _value_bytes(block, begin, length) != values:
            left[members] = True
            continue
        event = parse_event(block, begin, begin + length)
        cut = table[members]
        times = _cut(cut, 1, 8, "<f8")
        steps = _steps(cut, step_end)
        for scalar, (at, size, kind) in zip(event.scalars, values, strict=True):
            found.add(scalar.tag, rows[members], times, steps, _cut(cut, at, size, kind))
    return np.flatnonzero(left)


def _value_bytes(block: bytes, first: int, length: int) -> list[tuple[int, int, str]] | None:
    """Return where in a record its values lie, and how each is read; None where that varies."""
    try:
        event = parse_event(block, first, first + length)
    except ValueError:
        return None
    if event.restart or not event.scalars or any(each.first < 0 for each in event.scalars):
        return None
    return [(each.first - first, np.dtype(each.kind).itemsize, each.kind) for each in event.scalars]


def _cut(table: Numbers, at: int, size: int, kind: str) -> Numbers:
    raw = np.ascontiguousarray(table[:, at : at + size])
    return raw.view(kind)[:, 0].astype(np.float64)


def _steps(table: Numbers, end: int) -> Numbers:
    steps = np.zeros(len(table), dtype=np.uint64)
    for shift, column in enumerate(range(_TIME_END + 1, end)):
        part = (table[:, column] & 0x7F).astype(np.uint64)
        steps |= part << np.uint64(7 * shift)
    return steps.astype(np.int64)
