"""The space of settings that a sweep looks through: one dimension a setting, and points in it.

Knows TOML's values; nothing of Optuna, and nothing of which settings exist.
"""

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuitrain.config.overrides import parse_override

KINDS = ("log", "uniform", "int", "choice")
Point = Mapping[str, Any]
"""A value for each setting, by its key."""
_MOST_STEPS = 2**53
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Dimension:
    """What one setting may be: a number between two, or one of some values."""

    key: str
    kind: str
    """log, uniform, int or choice."""
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    """Of an int: as many of one order of magnitude as of another."""
    choices: tuple[Any, ...] = ()

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that stand for all when settings are checked: the ends, or every choice."""
        if self.kind == "choice":
            return self.choices
        return (int(self.low), int(self.high)) if self.kind == "int" else (self.low, self.high)


def read_space(plain: Mapping[str, Any]) -> tuple[list[Dimension], list[tuple[str, str]]]:
    """Return the dimensions of `[sweep.space]`, and what is wrong in it by key.

    A key may be dotted and quoted, or stand in a table of its own.
    """
    dimensions, faults = [], []
    for key, value in _flat(plain):
        found = _dimension(key, value)
        if isinstance(found, str):
            faults.append((key, found))
        else:
            dimensions.append(found)
    return dimensions, faults


def _flat(plain: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in plain.items():
        key = f"{before}{name}"
        if isinstance(value, dict) and value and not set(value) & set(KINDS):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


def _dimension(key: str, value: Any) -> Dimension | str:
    allowed = "{ log = [a, b] }, { uniform = [a, b] }, { int = [a, b], log = true } or "
    allowed += "{ choice = [...] }"
    if not isinstance(value, dict):
        return f"found {json.dumps(value, default=str)}, must be {allowed}"
    flag = value.get("log") if isinstance(value.get("log"), bool) else None
    kinds = [name for name in value if name in KINDS and not (name == "log" and flag is not None)]
    unknown = set(value) - set(KINDS)
    if len(kinds) != 1 or unknown or (flag is not None and kinds != ["int"]):
        return f"has {', '.join(value)}, must be {allowed}"
    if kinds == ["choice"]:
        return _choice(key, value["choice"])
    return _range(key, kinds[0], value[kinds[0]], bool(flag))


def _choice(key: str, values: Any) -> Dimension | str:
    if not isinstance(values, list) or not values:
        return "choice: must be a list of values, at least one"
    texts = [value_text(each) for each in values]
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        return f"choice: {twice} is listed twice, and a sweep runs nothing twice"
    return Dimension(key, "choice", choices=tuple(values))


def _range(key: str, kind: str, ends: Any, log: bool) -> Dimension | str:
    numbers = isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends))
    if not numbers or not ends[0] < ends[1]:
        return f"{kind}: must be two numbers, the smaller first"
    if kind == "int" and not all(isinstance(end, int) for end in ends):
        return "int: must be two whole numbers, the smaller first"
    if max(map(abs, ends)) > _MOST_STEPS and kind == "int":
        return f"int: must be below {_MOST_STEPS:,}"
    if (kind == "log" or log) and ends[0] <= 0:
        return f"{kind}: on a logarithmic scale both must be above 0"
    return Dimension(key, kind, float(ends[0]), float(ends[1]), log or kind == "log")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_text(value: Any) -> str:
    """Return a value as TOML writes it, for `--set KEY=VALUE` and for comparing values."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key_text(k)} = {value_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return json.dumps(value)


def _key_text(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)


def value_words(value: Any) -> str:
    """Return a value in as few words as tell it from others: of a table its name first."""
    if isinstance(value, dict):
        return " ".join(
            value_words(v) if k == "name" else f"{k} {value_words(v)}" for k, v in value.items()
        )
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def overrides_of(point: Point) -> list[str]:
    """Return a point as texts KEY=VALUE."""
    return [f"{key}={value_text(value)}" for key, value in point.items()]


def grid(dimensions: Sequence[Dimension]) -> list[dict[str, Any]]:
    """Return every point of a space of choices; the last dimension changes first."""
    keys = [dimension.key for dimension in dimensions]
    values = itertools.product(*(dimension.choices for dimension in dimensions))
    return [dict(zip(keys, each, strict=True)) for each in values]


def encode(value: Any) -> Any:
    """Return what stands for a value in Optuna, whose choices are numbers and texts."""
    plain = value is None or isinstance(value, bool | int | float | str)
    return value if plain else value_text(value)


def decode(dimension: Dimension, stands: Any) -> Any:
    """Return the value that something stands for."""
    for choice in dimension.choices:
        if type(encode(choice)) is type(stands) and encode(choice) == stands:
            return choice
    return stands


def split_values(text: str) -> list[str]:
    """Return the parts of `KEY=V1,V2` as texts KEY=V1, KEY=V2; the text alone where it is one.

    What TOML reads as one value is one: `model.hidden=[64, 32]`, `name="a,b"`. Commas within
    brackets and quotes part nothing.
    """
    key, equals, values = text.partition("=")
    if not equals or "," not in values:
        return [text]
    _path, value = parse_override(text)
    if not isinstance(value, str) or value != values:
        return [text]
    parts = _parts(values)
    return [f"{key}={part}" for part in parts] if all(parts) else [text]


def _parts(values: str) -> list[str]:
    parts, depth, quote = [""], 0, ""
    for character in values:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character in "[{") - (character in "]}")
        if character == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
