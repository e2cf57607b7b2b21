"""A log followed into a record, and what is on record then."""

import math
from pathlib import Path

from tuitrain.foreign.find import FoundLog, find_logs
from tuitrain.foreign.follow import LogFollower
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader

Curves = dict[str, list[tuple[int, float]]]


class Followed:
    """Follows the only log at a path."""

    def __init__(self, path: Path, cache: Path) -> None:
        (self.log,) = find_logs(path)
        self.record = RunDirectory(cache / "record")
        self.follower = LogFollower(self.log, self.record)

    def read(self) -> Curves:
        """Read what is new, let go of it, and return every curve."""
        assert self.follower.begin()
        self.follower.catch_up()
        self.follower.close()
        return curves(self.record)


def curves(record: RunDirectory) -> Curves:
    """Every point on record, NaN as None so that it equals itself."""
    with RunReader(record) as reader:
        names = reader.curves.metric_names()
        return {name: plain(list(reader.curves.points(name))) for name in names}


def plain(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    return [(step, None if math.isnan(value) else value) for step, value in points]  # type: ignore[misc]


def read_whole(path: Path, cache: Path) -> Curves:
    return Followed(path, cache).read()


def names(found: list[FoundLog]) -> list[tuple[str, str]]:
    return [(log.name, log.kind) for log in found]
