"""Reads `--set KEY=VALUE` and puts the values over those of a file.

Knows dotted keys and TOML values; nothing of which keys exist.
"""

import copy
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tuitrain.config.faults import KeyPath, dotted
from tuitrain.config.wording import printable
from tuitrain.errors import UsageError

_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Override:
    """One `--set`: where the value goes, the value, and the text as typed."""

    path: tuple[str, ...]
    value: Any
    text: str


def parse_override(text: str) -> tuple[tuple[str, ...], Any]:
    """Split `train.epochs=5` into its key path and its value.

    The value is read as TOML, and as bare text where it is none: `model.name=mlp` needs no
    quotes.

    Raises:
        UsageError: no `=`, an empty value, a key that is no dotted key, or bytes that are no text.
    """
    key, equals, value = text.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or not value.strip():
        raise UsageError(f"--set {printable(text)}: must be KEY=VALUE, e.g. train.epochs=5")
    if not all(_KEY.fullmatch(part) for part in path):
        raise UsageError(
            f"--set {printable(text)}: {printable(key)!r} is no dotted key, e.g. train.epochs"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"--set {printable(text)}: is not UTF-8 text, and a preset holds no other"
        ) from error
    return path, read_value(value)


def read_value(text: str) -> Any:
    """Read a TOML value, or the text itself where it is not one."""
    try:
        document = tomllib.loads(f"value = {text}")
    except ValueError:
        # Not TOML, or a number of more digits than python reads.
        return text
    return document["value"] if len(document) == 1 else text


def read_overrides(texts: Iterable[str]) -> tuple[Override, ...]:
    """Parse every override.

    Raises:
        UsageError: one is not of the form KEY=VALUE.
    """
    return tuple(Override(*parse_override(text), text) for text in texts)


def apply_overrides(
    values: dict[str, Any], overrides: Sequence[Override]
) -> tuple[dict[str, Any], list[tuple[KeyPath, str]]]:
    """Return a copy of `values` with the overrides in place, and what could not be placed."""
    result = copy.deepcopy(values)
    faults: list[tuple[KeyPath, str]] = []
    for override in overrides:
        blocked = _put(result, override.path, override.value)
        if blocked is not None:
            outer = dotted(blocked)
            faults.append((override.path, f"{outer} is no table, so nothing can be set in it"))
    return result, faults


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> tuple[str, ...] | None:
    """Set a value; returns the outer key that is in the way, if one is."""
    table: Any = values
    for depth, part in enumerate(path[:-1], start=1):
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            return path[:depth]
    table[path[-1]] = copy.deepcopy(value)
    return None
