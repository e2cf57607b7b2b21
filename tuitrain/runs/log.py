"""Reading parts of worker.log by their place in it: a log of any length opens at once.

Knows bytes and lines, not what is in them.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MOST_LINE_BYTES = 16384
"""A longer line is handed on in pieces: a log may hold no line end at all."""
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LogPart:
    """Some lines that follow each other, with their places in the file."""

    lines: tuple[tuple[int, bytes], ...]
    start: int
    """Where the first line begins."""
    end: int
    """Where the next line begins; the same as its place for a last line that is not whole yet."""
    size: int
    """Of the file when it was read."""
    seen: int
    """Up to where it was read, a last line that is not whole yet included."""


class LogFile:
    """A log that may be growing; one that is not there is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def size(self) -> int:
        """Return the length in bytes."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def tail(self, most_bytes: int) -> LogPart:
        """Return the last lines, about `most_bytes` of them.

        Raises:
            OSError: the file can't be read.
        """
        return self.before(self.size(), most_bytes)

    def before(self, place: int, most_bytes: int) -> LogPart:
        """Return the lines that end at `place`, where a line begins or the file ends.

        Raises:
            OSError: the file can't be read.
        """
        return _part(*self._block_before(place, most_bytes))

    def after(self, place: int, most_bytes: int) -> LogPart:
        """Return the lines from `place` on, where one begins.

        Raises:
            OSError: the file can't be read.
        """
        return _part(*self._block_after(place, most_bytes))

    def around(self, place: int, most_bytes: int) -> LogPart:
        """Return the lines before and after `place`, where one begins.

        Raises:
            OSError: the file can't be read.
        """
        above = self.before(place, most_bytes // 2)
        below = self.after(place, most_bytes // 2)
        return LogPart(above.lines + below.lines, above.start, below.end, below.size, below.seen)

    def find(
        self, pattern: "re.Pattern[bytes]", place: int, *, forward: bool, stop: Callable[[], bool]
    ) -> int | None:
        """Return where the nearest line that matches begins: from `place` on, or before it.

        Args:
            pattern: looked for within a line; without anchors, as blocks are looked through first.
            place: where a line begins.
            forward: down the file, the line at `place` included; else up, without it.
            stop: asked between two blocks whether to give up.

        Raises:
            OSError: the file can't be read.
        """
        while not stop():
            read = self._block_after if forward else self._block_before
            block, start, size = read(place, _BLOCK_BYTES)
            if not block:
                return None
            place = start + len(block) if forward else start
            if pattern.search(block):
                lines = _part(block, start, size).lines
                for at, line in lines if forward else reversed(lines):
                    if pattern.search(line):
                        return at
        return None

    def block(self, place: int, most_bytes: int) -> tuple[bytes, int]:
        """Return bytes from `place` on, and the size of the file.

        Raises:
            OSError: the file can't be read.
        """
        return self._read(place, most_bytes)

    def _block_before(self, place: int, most_bytes: int) -> tuple[bytes, int, int]:
        """Return whole lines up to `place`, where they begin, and the size of the file."""
        wanted = max(0, place - most_bytes)
        # One byte more tells whether a line begins just there.
        from_place = max(0, wanted - 1)
        block, size = self._read(from_place, place - from_place)
        skipped = _first_line_start(block) if wanted else 0
        return block[skipped:], from_place + skipped, size

    def _block_after(self, place: int, most_bytes: int) -> tuple[bytes, int, int]:
        """Return whole lines from `place` on, where they begin, and the size of the file."""
        block, size = self._read(place, most_bytes + 1)
        # One byte more tells whether a line ends with \r or with \r\n there.
        if block[most_bytes - 1 :] != b"\r\n":
            block = block[:most_bytes]
        if place + len(block) < size:
            whole = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            block = block[: whole or len(block)]
        return block, place, size

    def _read(self, place: int, length: int) -> tuple[bytes, int]:
        try:
            with self._path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(place)
                return file.read(length), size
        except FileNotFoundError:
            return b"", 0


def _first_line_start(block: bytes) -> int:
    """Return where the first whole line of a block begins; 0 where the block is one long line."""
    end = re.search(rb"\r\n|\n|\r", block)
    return end.end() if end and end.end() < len(block) else 0


def _part(block: bytes, start: int, size: int) -> LogPart:
    lines, place = [], start
    for line in block.splitlines(keepends=True):
        for at in range(0, len(line), MOST_LINE_BYTES):
            piece = line[at : at + MOST_LINE_BYTES]
            lines.append((place, piece.rstrip(b"\r\n")))
            place += len(piece)
    ends_whole = block.endswith(b"\n") or place < size
    return LogPart(
        tuple(lines), start, place if ends_whole else _last_start(lines, start), size, place
    )


def _last_start(lines: list[tuple[int, bytes]], start: int) -> int:
    return lines[-1][0] if lines else start
