"""How fast earlier runs of a preset were on this machine, for the time that a new one will take.

Reads records, so it is called in a thread; knows nothing of screens.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuitrain.config.schema import Preset
from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import list_runs
from tuitrain.runs.reader import RunReader

_LOOKED_AT = 20
"""The newest runs of a preset that are looked at."""
_COMPARED = ("task", "data", "model", "loss", "optimizer.name")
_COMPARED_TRAIN = ("batch_size", "accumulate", "precision", "channels_last", "compile", "device")


@dataclass(frozen=True, slots=True)
class Pace:
    """A run, what it trained, and how long a step took."""

    run: str
    step_s: float
    alike: tuple[object, ...]


def read_paces(root: Path, preset: str) -> list[Pace]:
    """Return the paces of the newest runs of a preset, newest first."""
    runs = [run for run in list_runs(root) if run.preset == preset and run.step > 0]
    paces = (_pace(RunDirectory(Path(run.path)), run.name) for run in runs[:_LOOKED_AT])
    return [pace for pace in paces if pace is not None]


def _pace(directory: RunDirectory, name: str) -> Pace | None:
    try:
        with RunReader(directory) as reader:
            progress, config = reader.steps.progress(), reader.config()
    except (TuitrainError, OSError):
        # A run that can't be read says nothing of how long the next one takes.
        return None
    if progress is None or progress.step <= 0 or progress.train_s <= 0:
        return None
    return Pace(name, progress.train_s / progress.step, _cost_settings(config))


def pace_for(paces: Iterable[Pace], preset: Preset) -> Pace | None:
    """Return the newest pace of a run whose steps cost what those of `preset` will."""
    wanted = _cost_settings(preset.model_dump())
    return next((pace for pace in paces if pace.alike == wanted), None)


def _cost_settings(config: Mapping[str, Any]) -> tuple[object, ...]:
    """Return the settings that decide what a step costs, comparable between file and schema."""
    found: list[object] = []
    for key in _COMPARED:
        section, _, name = key.partition(".")
        table = config.get(section)
        found.append(_plain(table.get(name) if name and isinstance(table, Mapping) else table))
    train = config.get("train", {})
    return (*found, *(train.get(key) for key in _COMPARED_TRAIN))


def _plain(value: Any) -> object:
    if isinstance(value, Mapping):
        return tuple(sorted((k, _plain(v)) for k, v in value.items() if v is not None))
    return tuple(_plain(item) for item in value) if isinstance(value, list | tuple) else value
