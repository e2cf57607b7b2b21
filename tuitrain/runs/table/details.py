"""What a table may want of a run beside its gist: settings and metrics; and a copy of both.

The copy, details.json, follows from the record, is written with summary.json and goes with it.
"""

import json
import math
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tuitrain.errors import RecordError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.whole_file import written_whole

_VERSION = 1


@dataclass(frozen=True, slots=True)
class RunDetails:
    """Settings and metrics of one run."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """By dotted key, as the preset was resolved: numbers, texts, truth values, lists."""
    last: Mapping[str, float] = field(default_factory=dict)
    """The last value of each metric that is a number."""
    best: Mapping[str, float] = field(default_factory=dict)


def load_details(directory: RunDirectory) -> RunDetails:
    """Return a run's details, from their copy where it can be trusted; of a damaged run none."""
    return _copied(directory) or _read(directory)


def save_details(directory: RunDirectory) -> None:
    """Write the copy, of a run that is at rest, in one move.

    Raises:
        OSError: it can't be written.
    """
    plain = {"version": _VERSION, **asdict(_read(directory))}
    with written_whole(directory.details_path) as draft:
        draft.write_text(json.dumps(plain), encoding="utf-8")


def _copied(directory: RunDirectory) -> RunDetails | None:
    try:
        plain = json.loads(directory.details_path.read_bytes())
        if plain.pop("version") != _VERSION:
            return None
        # Keys are the same text in all runs: held once, ten thousand runs take a third.
        return RunDetails(**{part: _shared(values) for part, values in plain.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _shared(values: Mapping[str, Any]) -> dict[str, Any]:
    return {sys.intern(key): value for key, value in values.items()}


def _read(directory: RunDirectory) -> RunDetails:
    try:
        with RunReader(directory) as reader:
            return details_of(reader)
    except (RecordError, OSError, ValueError, KeyError, TypeError):
        return RunDetails()


def details_of(reader: RunReader) -> RunDetails:
    """Return the details of an open record.

    Raises:
        RecordError: it can't be read.
    """
    text, rows = reader.meta().get("config"), reader.curves.metrics()
    settings = flat_settings(reader.config() if text is None else tomllib.loads(str(text)))
    return RunDetails(
        settings,
        {row.name: row.last for row in rows if math.isfinite(row.last)},
        {row.name: row.best for row in rows if row.best is not None},
    )


def flat_settings(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the settings of a preset, as TOML reads it, by dotted key."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            found |= flat_settings(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
