"""The digests of a run's profiles, each read once and in a thread: a trace may be large."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from textual.message_pump import MessagePump

from tuitrain.errors import TuitrainError
from tuitrain.runs.rows import ProfileRow
from tuitrain.traces.store import load_digest
from tuitrain.ui.feeds.delivery import Delivery

Digest = Mapping[str, Any]


class Digests:
    """Digests by the names of profiles, and why some can't be read."""

    def __init__(self, run: Path, shown_by: MessagePump) -> None:
        """Read those in a run's folder; a delivery to `shown_by` tells that one has come."""
        self._run = run
        self._shown_by = shown_by
        self._loading: set[str] = set()
        self.read: dict[str, Digest] = {}
        self.faults: dict[str, str] = {}

    def load(self, row: ProfileRow | None, *, live: bool) -> Digest | None:
        """Return a profile's digest, or None and have it read.

        Args:
            row: of the profile; None: there is none.
            live: the run may still write it.
        """
        if row is None or row.name in self.faults or row.name in self.read:
            return None if row is None else self.read.get(row.name)
        if row.state == "failed":
            self.faults[row.name] = f"it can't be read: {row.summary.get('error', '')}"
        elif row.name not in self._loading and (row.state == "done" or not live):
            self._loading.add(row.name)
            Thread(target=self._load, args=(row.name,), daemon=True).start()
        return None

    def _load(self, name: str) -> None:
        try:
            take = partial(self.read.__setitem__, name, load_digest(self._run, name))
        except TuitrainError as fault:
            take = partial(self.faults.__setitem__, name, str(fault))
        self._shown_by.post_message(Delivery(take))
