"""The writer of a record that follows somebody else's log: points, and how far the log was read.

Both are in one transaction, so that no point is read twice or lost. Knows no format of any log.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from tuitrain.messages import RunState
from tuitrain.runs.directory import RunDirectory, build_run
from tuitrain.runs.metrics import metric_mode
from tuitrain.runs.rows import WatchedLog
from tuitrain.runs.samples import Kept, add_samples, remove_samples
from tuitrain.runs.storage.database import explained
from tuitrain.runs.storage.opened import OpenRecord
from tuitrain.whole_file import written_whole

_PLAIN = (str, int, float, bool)
_MOST_PROGRESS_ROWS = 64
"""Of one batch: enough for an axis of times, however many points a batch has."""


@dataclass(frozen=True, slots=True)
class Points:
    """New points of one metric."""

    name: str
    steps: Sequence[int]
    """Ascending, each once, none below 0."""
    values: Sequence[float]
    replace: bool = False
    """The metric's points from the first of these steps on belong to a history given up."""


@dataclass(frozen=True, slots=True)
class Rewind:
    """Every metric's points from `step` on belong to a history given up."""

    step: int


@dataclass(frozen=True, slots=True)
class Moment:
    """When a step was logged, as far as the log says so."""

    step: int
    time: float
    """Seconds since the epoch."""
    epoch: float = 0.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What was new in a log."""

    changes: Sequence[Points | Rewind] = ()
    """In the order in which they were logged."""
    moments: Sequence[Moment] = ()
    """By ascending steps."""
    position: Mapping[str, Any] | None = None
    """Where to read on, as plain JSON data; in it `ended`, a state and a reason, once the log says
    how training ended."""
    total_steps: int | None = None
    told: Sequence[str] = ()
    """What could not be read, a sentence each."""
    more: bool = False
    """There is more to be read at once."""
    kept: Sequence[Kept] = ()
    """Images and texts, in the order in which they were logged."""


def create_imported(directory: RunDirectory, name: str, log: WatchedLog, created: float) -> None:
    """Make the directory of a record that follows a log, unless it is there.

    Raises:
        RecordError: the database can't be written.
        OSError: the folder can't be written.
    """
    directory.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if directory.path.exists():
        return
    identity: dict[str, object] = {
        "id": directory.id,
        "name": name,
        "preset": log.kind,
        "created": created,
        "config": "",
        "monitor": "",
        "mode": "min",
        "watched": {"path": log.path, "kind": log.kind},
    }
    origin = {"cwd": str(Path(log.path).parent), "git_commit": ""}
    build_run(directory, identity, "", origin=origin)


class ImportWriter(OpenRecord):
    """Writes the record of one watched log; every method is one transaction.

    Every method raises RecordError when the database can't be written.
    """

    def __init__(self, directory: RunDirectory) -> None:
        """Open the record for writing.

        Raises:
            RecordError: missing, damaged or of a newer version.
        """
        super().__init__(directory)
        # The log itself is what must not be lost: a crash of the machine costs reading it again.
        self._connection.execute("PRAGMA synchronous=NORMAL")

    def position(self) -> Mapping[str, Any]:
        """Return how far the log was read; empty at the begin."""
        found: Mapping[str, Any] = self._fact("position") or {}
        return found

    def _fact(self, key: str) -> Any:
        with explained(self._directory):
            row = self._tables.execute("SELECT value_json FROM meta WHERE key=?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def begin(self, name: str) -> None:
        """Follow the log from now on, under this name."""
        with self._tables.transaction():
            self._directory.summary_path.unlink(missing_ok=True)
            self._directory.details_path.unlink(missing_ok=True)
            self._tables.set_meta(name=name, at_rest=False)

    def add(self, batch: Batch, now: float) -> None:
        """Add what was new in the log."""
        self._keep(batch)
        with self._tables.transaction():
            for change in batch.changes:
                self._apply(change)
            self._add_moments(batch.moments)
            for text in batch.told:
                self._tables.add_alert(now, "record", text, None)
            if batch.total_steps is not None:
                self._tables.set_meta(total_steps=batch.total_steps)
            if batch.position is not None:
                self._tables.set_meta(position=batch.position)
            self._choose_monitor()

    def _keep(self, batch: Batch) -> None:
        """Write images and texts, before the place in the log says that they are read.

        One that is written again after a crash replaces itself.
        """
        rewinds = [change.step for change in batch.changes if isinstance(change, Rewind)]
        with explained(self._directory):
            if rewinds:
                remove_samples(self._directory, min(rewinds))
            add_samples(self._directory, batch.kept)

    def set_settings(self, settings: Mapping[str, Any]) -> None:
        """Say what is known of the training's settings, where tables and comparisons look.

        Raises:
            OSError: config.toml can't be written.
        """
        kept = {name: each for name, each in settings.items() if isinstance(each, _PLAIN)}
        text = tomli_w.dumps(kept)
        if self._fact("config") == text:
            return
        with written_whole(self._directory.config_path) as draft:
            draft.write_text(text, encoding="utf-8")
        with self._tables.transaction():
            self._tables.set_meta(config=text)

    def rest(self, state: RunState, reason: str, written: float) -> None:
        """Say how training stands, as nobody follows the log from now on."""
        self.change_state(state, reason, written)
        with self._tables.transaction():
            self._tables.set_meta(at_rest=True)

    def change_state(self, state: RunState, reason: str, written: float) -> None:
        """Say how training stands, unless that is the state it is in.

        Args:
            state: the state.
            reason: why it is thought to be in that state.
            written: when the log was written to; the time of its last step counts where it says so.
        """
        with self._tables.transaction():
            last = self._tables.execute("SELECT max(time) FROM progress").fetchone()[0]
            time = written if last is None else float(last)
            newest = self._tables.execute(
                "SELECT state, reason FROM states ORDER BY id DESC LIMIT 1"
            ).fetchone()
            if newest != (state, reason):
                self._tables.change_state(time, state, reason, self._tables.last_step())
            ended = None if state == "running" else time
            self._tables.execute("UPDATE attempts SET ended=max(started, ?)", (ended,))

    def _apply(self, change: Points | Rewind) -> None:
        points = self._tables.points
        if isinstance(change, Rewind):
            points.remove_after(change.step - 1)
            self._tables.execute("DELETE FROM progress WHERE step>=?", (change.step,))
            return
        if change.replace:
            points.remove_metric_after(change.name, change.steps[0] - 1)
            self._tables.execute("DELETE FROM progress WHERE step>=?", (change.steps[0],))
        points.append(change.name, change.steps, change.values)

    def _add_moments(self, moments: Sequence[Moment]) -> None:
        """Keep some moments of many; how long training took is since the first of all."""
        if not moments:
            return
        first = min(moment.time for moment in moments)
        self._tables.execute(
            "INSERT INTO attempts (attempt, started) VALUES (1, ?)"
            " ON CONFLICT (attempt) DO UPDATE SET started=min(started, excluded.started)",
            (first,),
        )
        started = self._tables.execute("SELECT started FROM attempts").fetchone()[0]
        self._tables.set_meta(created=started)
        every = math.ceil(len(moments) / _MOST_PROGRESS_ROWS)
        kept = [*moments[-1::-every][::-1]]
        if every > 1 and kept[0] is not moments[0]:
            kept.insert(0, moments[0])
        self._tables.connection.executemany(
            "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?)",
            [(each.step, each.time, each.epoch, max(0.0, each.time - started)) for each in kept],
        )

    def _choose_monitor(self) -> None:
        """Let the metric that a list shows be the first that looks like the loss that counts."""
        names = [
            name
            for (name,) in self._tables.execute(
                "SELECT name FROM metrics WHERE axis='step' ORDER BY id"
            )
        ]
        monitor = monitor_among(names)
        mode = metric_mode(monitor) or "min" if monitor else "min"
        self._tables.set_meta(monitor=monitor, mode=mode)


def monitor_among(names: Sequence[str]) -> str:
    """Return the metric that says best how training goes, by its name; empty where none does."""

    def rank(name: str) -> int:
        lower = name.lower()
        held_out = any(word in lower for word in ("val", "eval", "test", "dev"))
        return (2 if held_out else 0) + ("loss" in lower)

    found = max(names, key=rank, default="")
    return found if found and rank(found) else ""
