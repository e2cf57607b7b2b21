"""All logs at some paths, followed together; new ones are found, quiet ones cost a rare look.

One thread reads them in turn, a piece each, so that every run has its first curves soon.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tuitrain.errors import TuitrainError, UsageError
from tuitrain.foreign.cache import link_record, record_of
from tuitrain.foreign.find import FoundLog, find_logs
from tuitrain.foreign.follow import LogFollower
from tuitrain.runs.directory import RunDirectory

SOON_S, RARELY_S = 0.3, 5.0
"""Between two looks at a log: one that was written to just now, and one that was not for long."""
_SEARCH_S = 5.0
_SEARCH_SHARE = 20
"""Searching the folders takes at most this part of the time."""


@dataclass(slots=True)
class _Followed:
    follower: LogFollower
    next_look: float = 0.0
    failed: str = ""


class Watcher:
    """Follows the logs at some paths into one view."""

    def __init__(
        self,
        paths: Sequence[Path],
        cache: Path,
        view: Path,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Follow what is found at `paths`.

        Args:
            paths: files and folders.
            cache: the folder of all watched logs.
            view: the folder in which these are listed.
            tell: is told in a sentence what can't be followed, and why.
        """
        self._paths = [path.absolute() for path in paths]
        self._cache = cache
        self._view = view
        self._tell = tell
        self._followed: dict[RunDirectory, _Followed] = {}
        self._next_search = 0.0
        self._empty: set[Path] = set()
        """Paths without logs any more, which was told."""
        self._failed = ""

    def search(self, *, again: bool = False) -> list[RunDirectory]:
        """Look for logs that are not followed yet; return all runs of the view.

        Args:
            again: a path that has none any more is told, once, and the others are searched.

        Raises:
            UsageError: a path has none.
            FolderError: the cache can't be written.
        """
        begun = time.monotonic()
        listed = []
        found = [self._find(path, again=again) for path in self._paths]
        for log in named_apart(found, self._paths):
            record = record_of(self._cache, log)
            listed.append(link_record(self._view, log, record))
            if record not in self._followed:
                self._followed[record] = _Followed(LogFollower(log, record))
        took_s = time.monotonic() - begun
        self._next_search = time.monotonic() + max(_SEARCH_S, _SEARCH_SHARE * took_s)
        return listed

    def prepare(self) -> None:
        """Make every record, so that it can be opened before anything is read.

        Raises:
            TuitrainError: one can't be written.
        """
        for followed in self._followed.values():
            followed.follower.create()

    def catch_up(self) -> bool:
        """Read all that there is, and let go of it; return whether all of it could be read.

        A log that can't be read, or whose record can't be written, is told; the others are read.
        """
        whole = True
        for follower in [followed.follower for followed in self._followed.values()]:
            try:
                if not follower.is_read() and follower.begin():
                    try:
                        follower.catch_up()
                    finally:
                        follower.close()
            except (TuitrainError, OSError, ValueError) as error:
                whole = False
                self._tell(f"{follower.log.path}: {error}")
        return whole

    def turn(self) -> bool:
        """Read a piece of every log that is due; return whether there is more at once."""
        now = time.monotonic()
        if now >= self._next_search:
            try:
                self.search(again=True)
            except TuitrainError as error:
                self._next_search = now + _SEARCH_S
                if str(error) != self._failed:
                    self._failed = str(error)
                    self._tell(self._failed)
        due = [each for each in self._followed.values() if each.next_look <= now]
        return sum(map(self._look, due)) > 0

    def close(self) -> None:
        """Let go of all logs."""
        for followed in self._followed.values():
            try:
                followed.follower.close()
            except (TuitrainError, OSError) as error:
                self._tell(f"{followed.follower.log.path}: {error}")

    def _find(self, path: Path, *, again: bool) -> list[FoundLog]:
        try:
            found = find_logs(path)
        except UsageError as error:
            if not again:
                raise
            if path not in self._empty:
                self._empty.add(path)
                self._tell(str(error))
            return []
        self._empty.discard(path)
        return found

    def _look(self, followed: _Followed) -> bool:
        """Read a piece of one log; say when the next look is due."""
        follower = followed.follower
        try:
            more = follower.look()
        except (TuitrainError, OSError, ValueError) as error:
            more = False
            if str(error) != followed.failed:
                followed.failed = str(error)
                self._tell(f"{follower.log.path}: {error}")
        wait_s = 0.0 if more else min(RARELY_S, SOON_S + follower.quiet_s() / 100)
        followed.next_look = time.monotonic() + wait_s
        return more


def named_apart(found: Sequence[Sequence[FoundLog]], paths: Sequence[Path]) -> list[FoundLog]:
    """Return the logs of several paths as one list, each log once, named after its path too."""
    several = len(paths) > 1
    logs: dict[tuple[str, Path, str], FoundLog] = {}
    for path, group in zip(paths, found, strict=True):
        for log in group:
            whole = log.name == path.name or not several
            name = log.name if whole else f"{path.name}/{log.name}"
            logs.setdefault((log.kind, log.path, log.part), replace(log, name=name))
    return list(logs.values())
