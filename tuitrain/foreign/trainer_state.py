"""The state file of Hugging Face's Trainer, which is written anew with each of its checkpoints."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuitrain.foreign.reader import Position, last_written
from tuitrain.foreign.table_rows import Keys, RowPoints
from tuitrain.runs.imported import Batch, Rewind

FILE_NAME = "trainer_state.json"
_KEYS = Keys("step", "epoch", None)


class TrainerStateReader:
    """Reads the newest state in an output folder and in the checkpoints below it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _paths(self) -> list[Path]:
        return [self._folder / FILE_NAME, *self._folder.glob(f"checkpoint-*/{FILE_NAME}")]

    def changed(self) -> float:
        """Return when the newest state was written."""
        return last_written(self._paths())

    def settings(self) -> Mapping[str, Any]:
        """Return nothing: what the Trainer was given is in no file that can be read as text."""
        return {}

    def read(self, position: Position) -> Batch:
        """Return what the newest state says beyond `position`."""
        newest, written = None, 0.0
        for path in self._paths():
            if (at := last_written([path])) > written:
                newest, written = path, at
        if newest is None or written == position.get("written"):
            return Batch()
        state = _load(newest)
        if state is None:
            # It may be under way: the next look finds it whole.
            return Batch()
        history = [entry for entry in state["log_history"] if isinstance(entry, dict)]
        count = int(position.get("count", 0))
        if count and _digest(history[:count]) != position["digest"]:
            return Batch((Rewind(0),), position={}, more=True)
        points = RowPoints.go_on(_KEYS, position)
        for entry in history[count:]:
            points.add({canonical_name(name): each for name, each in entry.items()}, written)
        total = state.get("max_steps")
        total = total if isinstance(total, int) and total > 0 else None
        place: dict[str, Any] = {
            "written": written,
            "count": len(history),
            "digest": _digest(history),
            "rows": points.state(),
        }
        if total is not None and state.get("global_step") == total:
            place["ended"] = ["finished", ""]
        return Batch(points.changes(), points.progress(), place, total, more=True)


def is_trainer_state(path: Path) -> bool:
    """Say whether a file is such a state.

    Raises:
        OSError: it can't be read.
    """
    return _load(path) is not None


def canonical_name(name: str) -> str:
    """Return a metric's name as the Trainer itself hands it to TensorBoard."""
    if name in ("step", "epoch"):
        return name
    for part in ("eval", "test"):
        if name.startswith(f"{part}_"):
            return f"{part}/{name.removeprefix(f'{part}_')}"
    return f"train/{name}"


def _load(path: Path) -> dict[str, Any] | None:
    try:
        state = json.loads(path.read_bytes())
    except ValueError:
        return None
    history = state.get("log_history") if isinstance(state, dict) else None
    return state if isinstance(history, list) else None


def _digest(entries: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()[:16]
