"""Whether a run gave again what another one had given: weights by their bytes, metrics by value.

Reads records and checkpoint files, without torch; runs nothing.
"""

import hashlib
import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tuitrain.runs.reader import RunReader

_OF_TIME = ("samples_per_s", "steps_per_s", "tokens_per_s", "time", "memory")
"""Parts of names of what no two runs have alike."""
_STORAGES = "/data/"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class MetricMatch:
    """One metric of both runs, at the steps that both have."""

    name: str
    points: int
    first_step: int | None
    """The first at which they differ at all; None: they are the same."""
    most: float
    """The largest difference, relative to the larger of both values."""


@dataclass(frozen=True, slots=True)
class Match:
    """What two runs have in common."""

    step: int | None
    """Of the checkpoints that were compared; None: they have none of the same step."""
    same_tensors: bool | None
    """Weights, the optimizer's state and the generators' are the same, bit for bit."""
    metrics: tuple[MetricMatch, ...]

    def verdict(self, tolerance: float) -> str:
        """Return `same`, `within` the tolerance, or `differs`."""
        if not self.metrics and self.same_tensors is None:
            return "differs"
        differ = [each for each in self.metrics if each.first_step is not None]
        if self.same_tensors is not False and not differ:
            return "same"
        return "within" if all(each.most <= tolerance for each in differ) else "differs"


def compare_runs(before: RunReader, again: RunReader) -> Match:
    """Hold two runs against each other.

    Raises:
        RecordError: a record can't be read.
        OSError: a checkpoint can't be.
        zipfile.BadZipFile: a checkpoint is damaged.
    """
    names = sorted(set(before.curves.metric_names()) & set(again.curves.metric_names()))
    metrics = tuple(
        found
        for name in names
        if not any(part in name for part in _OF_TIME)
        and (found := _match(name, dict(before.curves.points(name)), again.curves.points(name)))
    )
    there, here = _checkpoints(before), _checkpoints(again)
    steps = sorted(there.keys() & here.keys())
    if not steps:
        return Match(None, None, metrics)
    same = tensors_digest(there[steps[-1]]) == tensors_digest(here[steps[-1]])
    return Match(steps[-1], same, metrics)


def _match(
    name: str, before: Mapping[int, float], again: Iterable[tuple[int, float]]
) -> MetricMatch | None:
    points, first, most = 0, None, 0.0
    for step, value in again:
        if step not in before:
            continue
        points += 1
        apart = _apart(before[step], value)
        if apart and first is None:
            first = step
        most = max(most, apart)
    return MetricMatch(name, points, first, most) if points else None


def _apart(one: float, two: float) -> float:
    """Return the relative difference; that of a number to none at all is infinite."""
    if one == two or (math.isnan(one) and math.isnan(two)):
        return 0.0
    if not (math.isfinite(one) and math.isfinite(two)):
        return math.inf
    return abs(one - two) / max(abs(one), abs(two))


def _checkpoints(reader: RunReader) -> dict[int, Path]:
    """Return the checkpoint files that are there, by step."""
    paths = {
        row.step: reader.directory.path / row.path
        for row in reader.entries.checkpoints()
        if row.removed is None and not row.superseded
    }
    return {step: path for step, path in paths.items() if path.is_file()}


def tensors_digest(path: Path) -> str:
    """Return a digest of all tensors in a checkpoint, whatever else the file says.

    torch.save keeps each storage as a file of its own in a zip, by the order in which it came; what
    is beside them holds times and paths, which no two runs have alike.

    Raises:
        OSError: the file can't be read.
        zipfile.BadZipFile: it is damaged.
    """
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as archive:
        for name in sorted(_storages(archive)):
            digest.update(f"{name.rpartition('/')[2]} ".encode())
            with archive.open(name) as storage:
                while piece := storage.read(_PIECE):
                    digest.update(piece)
    return digest.hexdigest()


def _storages(archive: zipfile.ZipFile) -> Iterator[str]:
    return (name for name in archive.namelist() if _STORAGES in name)
