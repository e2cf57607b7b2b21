"""The fewest `--set` options that turn one preset into another.

Pure; knows nothing of the command line beyond what an option's text is.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tuitrain.config.checking.components import SECTION_KINDS
from tuitrain.config.faults import InvalidPresetError
from tuitrain.config.load import parse_preset
from tuitrain.config.overrides import read_value
from tuitrain.config.schema import Preset
from tuitrain.config.wording import printable

_BASE = "preset"


def shortest_overrides(base: str, target: Preset) -> list[str]:
    """Return `KEY=VALUE` texts that make the preset `base` (TOML) be `target`.

    Another component may not know the options that `base` gives the one it has; then its table is
    written as a whole, `optimizer={name = "sgd"}`, as an override can add a key but not remove one.

    Raises:
        PresetError: `base` is no valid preset.
    """
    wanted = target.model_dump()
    for first in _beginnings(base, wanted):
        try:
            begun = parse_preset(base, _BASE, first).model_dump()
        except InvalidPresetError:
            continue
        overrides = [*first, *_differences(begun, wanted)]
        if _leads_to(base, overrides, target):
            return overrides
    return _whole(wanted, wanted)


def _beginnings(base: str, wanted: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield ways to pick the wanted components, the shortest first."""
    given = parse_preset(base, _BASE).model_dump()
    changed = [name for name in SECTION_KINDS if given[name]["name"] != wanted[name]["name"]]
    task = [f"task={wanted['task']}"] if given["task"] != wanted["task"] else []
    yield [*task, *(f"{name}.name={_typed(wanted[name]['name'])}" for name in changed)]
    yield [*task, *_whole({name: {"name": wanted[name]["name"]} for name in changed}, changed)]
    yield [*task, *_whole(wanted, changed)]


def _whole(values: Mapping[str, Any], keys: Iterable[str]) -> list[str]:
    return [f"{key}={toml_value(values[key])}" for key in keys if values[key] is not None]


def _differences(begun: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for key, value in wanted.items():
        before = begun.get(key)
        if not isinstance(value, dict) or not isinstance(before, dict):
            found += [f"{key}={_typed(value)}"] if value != before else []
            continue
        changed = {name: item for name, item in value.items() if before.get(name) != item}
        if any(item is None for item in changed.values()):
            found.append(f"{key}={toml_value(value)}")
        else:
            found += [f"{key}.{name}={_typed(item)}" for name, item in changed.items()]
    return found


def _leads_to(base: str, overrides: list[str], target: Preset) -> bool:
    try:
        return parse_preset(base, _BASE, overrides) == target
    except InvalidPresetError:
        return False


def _typed(value: Any) -> str:
    """Write a value as short as an override allows: text needs no quotes where it can be told."""
    if isinstance(value, str) and value and value.isprintable() and read_value(value) == value:
        return value
    return toml_value(value)


def toml_value(value: Any) -> str:
    """Write a value as TOML on one line; keys of a table that are None are left out."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return printable(json.dumps(value, ensure_ascii=False))
        case list() | tuple():
            return "[" + ", ".join(toml_value(item) for item in value) + "]"
        case dict():
            items = (f"{_key(k)} = {toml_value(v)}" for k, v in value.items() if v is not None)
            return "{" + ", ".join(items) + "}"
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return repr(value)


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if plain else toml_value(key)
