"""A run's gist, and the copy of it that makes lists fast: summary.json.

The copy follows from run.db and may be deleted at any time; knows nothing of how to make it.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tuitrain.runs.directory import RunDirectory
from tuitrain.whole_file import written_whole

SUMMARY_VERSION = 1


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a list says of a run."""

    id: str
    name: str
    preset: str
    state: str
    """A RunState; `damaged` or `newer` where the record can't be read."""
    reason: str
    created: float
    started: float | None
    ended: float | None
    duration_s: float
    """How long its workers lived, all attempts together."""
    step: int
    total_steps: int | None
    epoch: float
    best_metric: str | None
    best_value: float | None
    device: str
    path: str


def save_summary(directory: RunDirectory, summary: RunSummary) -> None:
    """Write summary.json in one move: it is there whole or not at all."""
    plain = {"version": SUMMARY_VERSION, **asdict(summary)}
    # Where the run lies follows from where the file is found: folders get moved.
    del plain["path"], plain["id"]
    with written_whole(directory.summary_path) as draft:
        draft.write_text(json.dumps(plain), encoding="utf-8")


def load_summary(path: str) -> RunSummary | None:
    """Return the copy in the run's folder `path`, or None where there is none to be trusted."""
    try:
        # Plain calls of the system: ten thousand of these are one list.
        descriptor = os.open(f"{path}/summary.json", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(descriptor, 65536)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return _parse(text, path)


def _parse(text: bytes, path: str) -> RunSummary | None:
    try:
        plain: dict[str, Any] = json.loads(text)
        if plain.pop("version") != SUMMARY_VERSION:
            return None
        return RunSummary(id=Path(path).name, path=path, **plain)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
