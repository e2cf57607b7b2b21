"""What the two ends say to each other, line by line, and which calls there are.

The far end speaks first: `{"tuitrain": PROTOCOL, ...}`. Then each line is a question with a number,
and each is answered by one line with that number. Knows values, not processes.
"""

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from types import GenericAlias
from typing import Any, get_args, get_origin, get_type_hints

from tuitrain.messages import plain_data
from tuitrain.runs.reader import RunReader
from tuitrain.runs.reading.curves import CurveReader
from tuitrain.runs.reading.entries import EntryReader
from tuitrain.runs.reading.readings import ReadingReader
from tuitrain.runs.reading.steps import StepReader
from tuitrain.runs.rows import MARK_DATA, MarkRow, NoMarkData
from tuitrain.runs.series import Column, Series

PROTOCOL = 1
"""Raised when an older end would misunderstand a newer one."""
HELLO = "tuitrain"
"""The key of the first line that holds the protocol's number."""

PARTS: Mapping[str, type] = {
    "": RunReader, "entries": EntryReader, "curves": CurveReader, "readings": ReadingReader,
    "steps": StepReader,
}  # fmt: skip
"""Of a reader, by the name of the attribute that holds it."""
_OWN_CALLS = (
    "version", "meta", "facts", "config", "state", "states", "attempts", "spent", "summary",
    "recorded_now",
)  # fmt: skip
_PART_CALLS: Mapping[str, tuple[str, ...]] = {
    "entries": (
        "marks", "alerts", "commands", "checkpoints", "evaluations", "last_evaluations",
        "count_evaluations", "evaluated", "evaluation_times", "devices", "profiles",
    ),
    "curves": ("metric_names", "metrics", "points", "last_step", "series", "split"),
    "readings": (
        "sample_names", "samples", "sample_series", "latest_samples", "latest_sample_time",
    ),
    "steps": ("progress", "recent_progress", "speed", "progress_at", "step_times"),
}  # fmt: skip
CALLS: frozenset[str] = frozenset(
    [*_OWN_CALLS, *(f"{part}.{name}" for part, names in _PART_CALLS.items() for name in names)]
)
"""What may be asked of a run's reader: what only reads, and takes and gives plain values."""
KEPT_CALLS: frozenset[str] = CALLS - {"version", "curves.points", "recorded_now"}
"""Those whose answers hold until the record changes, and are asked for again together."""

_COLUMN = tuple(each.name for each in fields(Column))


def method_of(call: str) -> Any:
    """Return the function behind a call."""
    part, _, name = call.rpartition(".")
    return getattr(PARTS[part], name)


def bound_call(reader: RunReader, call: str) -> Any:
    """Return a call of an open reader."""
    part, _, name = call.rpartition(".")
    return getattr(getattr(reader, part) if part else reader, name)


def line_of(value: Mapping[str, Any]) -> bytes:
    """Write a line; NaN and infinities are in Python's spelling, as in the record."""
    return json.dumps(value, separators=(",", ":"), default=str).encode() + b"\n"


def to_wire(value: Any) -> Any:
    """Return what a call gave as JSON data."""
    if isinstance(value, Iterator):
        return [plain_data(each) for each in value]
    if isinstance(value, Series):
        # A third of what it is with names.
        columns = [[getattr(each, name) for name in _COLUMN] for each in value.columns]
        return {**plain_data(replace(value, columns=())), "columns": columns}
    return plain_data(value)


def from_wire(call: str, value: Any) -> Any:
    """Return JSON data as the value that the call gives.

    Raises:
        ValueError: it is none.
    """
    if call == "entries.marks":
        return [_mark(each) for each in value]
    if isinstance(value, Mapping) and "columns" in value:
        columns = [dict(zip(_COLUMN, each, strict=True)) for each in value["columns"]]
        value = {**value, "columns": columns}
    return _adapter(call).validate_python(value)


# --- what has changed ---------------------------------------------------------------------------


def digest(value: Any) -> str:
    """Return a few characters that tell whether JSON data are the same at both ends."""
    text = json.dumps(value, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def what_is_known(value: Any) -> list[Any]:
    """Return what the near end says of the data that it has of a call.

    The digest of all; for a curve also of its columns but the last, which may still grow.
    """
    if isinstance(value, dict) and value.get("columns"):
        begin = value["columns"][:-1]
        return [digest(value), len(begin), digest(begin)]
    return [digest(value)]


def change_of(value: Any, known: Sequence[Any] | None) -> dict[str, Any] | None:
    """Return what the near end lacks of JSON data; None where it has them all."""
    if not known:
        return {"value": value}
    if known[0] == digest(value):
        return None
    if len(known) == 3 and isinstance(value, dict) and "columns" in value:
        keep = int(known[1])
        if digest(value["columns"][:keep]) == known[2]:
            return {"value": {**value, "columns": value["columns"][keep:]}, "keep": keep}
    return {"value": value}


def changed(before: Any, change: Mapping[str, Any] | None) -> Any:
    """Return JSON data as they are now."""
    if change is None:
        return before
    value = change["value"]
    if keep := change.get("keep"):
        return {**value, "columns": [*before["columns"][:keep], *value["columns"]]}
    return value


# --- calls --------------------------------------------------------------------------------------


def bound_arguments(call: str, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> list[Any]:
    """Return a call's arguments by their places, without the reader and what was known before.

    Raises:
        TypeError: they don't fit.
    """
    bound = inspect.signature(method_of(call)).bind(None, *arguments, **named)
    bound.apply_defaults()
    return [each for name, each in bound.arguments.items() if name not in ("self", "known")]


@cache
def _adapter(call: str) -> Any:
    from pydantic import TypeAdapter

    kind = get_type_hints(method_of(call))["return"]
    if get_origin(kind) is Iterator:
        kind = GenericAlias(list, get_args(kind))
    return TypeAdapter(kind)


def _mark(value: Mapping[str, Any]) -> MarkRow:
    """Return a mark: what it carries is of the class that goes with its kind."""
    from tuitrain.messages import decode

    data = MARK_DATA.get(str(value["kind"]), NoMarkData)
    return MarkRow(
        int(value["step"]),
        float(value["time"]),
        str(value["kind"]),
        str(value["text"]),
        decode(data, value["data"]),
    )
