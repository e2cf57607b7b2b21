"""What every reader of a log does, and the helpers that several share.

A reader holds nothing between two calls: where it stands is a plain value, kept in the record
together with what was read up to there.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from tuitrain.runs.imported import Batch, Points

Position = Mapping[str, Any]
LAST_STEP = 2**62 - 1
"""No step on record is larger."""


class LogReader(Protocol):
    """Reads one log, a piece at a time."""

    def read(self, position: Position) -> Batch:
        """Return what is new since `position`; its own is None where nothing is.

        Args:
            position: what the batch before said; empty at the begin.

        Raises:
            OSError: the log can't be read.
        """

    def changed(self) -> float:
        """Return when the log was last written to, in seconds since the epoch.

        Raises:
            OSError: the log is gone.
        """

    def settings(self) -> Mapping[str, Any]:
        """Return what is known of the training's settings: numbers, texts, truth values, by name.

        Raises:
            OSError: the log is gone.
        """


def in_order(
    name: str, steps: Sequence[int], values: Sequence[float], *, replace: bool = False
) -> Points | None:
    """Return points by ascending steps, the last one of each step; None where none is left."""
    if all(a < b for a, b in pairwise(steps)):
        if not steps or steps[0] < 0 or steps[-1] > LAST_STEP:
            return _within(name, dict(zip(steps, values, strict=True)), replace=replace)
        return Points(name, steps, values, replace)
    return _within(name, dict(zip(steps, values, strict=True)), replace=replace)


def _within(name: str, found: dict[int, float], *, replace: bool) -> Points | None:
    steps = sorted(step for step in found if 0 <= step <= LAST_STEP)
    return Points(name, steps, [found[step] for step in steps], replace) if steps else None


def last_written(paths: Sequence[Path]) -> float:
    """Return when the newest of some files was written to; 0 where none is there."""
    times = []
    for path in paths:
        try:
            times.append(path.stat().st_mtime)
        except FileNotFoundError:
            continue
    return max(times, default=0.0)
