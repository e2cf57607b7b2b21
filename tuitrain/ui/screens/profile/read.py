"""The profiles of a run as they were read: the record's rows, and digests, which take a while."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from textual.dom import DOMNode

from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import ProfileRow
from tuitrain.traces.store import load_digest
from tuitrain.ui.feeds.delivery import Bring
from tuitrain.ui.feeds.snapshot import RunSnapshot

Digest = Mapping[str, Any]


class ReadProfiles:
    """Profiles by name; each digest is read once, in a thread."""

    def __init__(self, directory: RunDirectory, shown_by: DOMNode, bring: Bring) -> None:
        """Know of none yet; a digest that was read, `bring` has taken in."""
        self._directory = directory
        self._shown_by = shown_by
        self._bring = bring
        self._loading: set[str] = set()
        self._digests: dict[str, Digest] = {}
        self.snapshot = RunSnapshot(directory.id)
        """What was read of the run last."""
        self.faults: dict[str, str] = {}
        """Why digests can't be read."""

    @property
    def names(self) -> list[str]:
        """Those there are, the oldest first."""
        return [row.name for row in self.snapshot.profiles]

    def row(self, name: str) -> ProfileRow | None:
        """Return what the record says of one; None: there is none."""
        return next((row for row in self.snapshot.profiles if row.name == name), None)

    def digest(self, name: str) -> Digest | None:
        """Return a digest; None where it was not read."""
        return self._digests.get(name)

    def load(self, name: str) -> Digest | None:
        """Return a digest, or None and have it read."""
        row = self.row(name)
        if name in self._digests or name in self.faults or row is None:
            return self._digests.get(name)
        if row.state == "failed":
            self.faults[name] = f"it can't be read: {row.summary.get('error', '')}"
        elif name not in self._loading and (row.state == "done" or not self.snapshot.live):
            self._loading.add(name)
            self._shown_by.run_worker(partial(self._read, name), thread=True, group="digests")
        return None

    def _read(self, name: str) -> None:
        try:
            digest = load_digest(self._directory.path, name)
            take = partial(self._digests.__setitem__, name, digest)
        except TuitrainError as fault:
            take = partial(self.faults.__setitem__, name, str(fault))
        self._bring(take)
