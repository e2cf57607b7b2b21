"""Which keys a preset may have, and which one a user may have meant.

Knows the schema and the options of the components that a preset picks; nothing of values.
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from tuitrain.config.faults import KeyPath, dotted
from tuitrain.config.schema import Preset
from tuitrain.config.wording import nearest, one_of

CLOSE_IN_OTHER_SECTION = 0.8


def field_model(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """Return the table's model where a field holds a table, or a list of tables."""
    field = model.model_fields.get(key)
    if field is None:
        return None
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def owner(path: KeyPath) -> type[BaseModel]:
    """Return the model of the table in which the last key of `path` stands."""
    model: type[BaseModel] = Preset
    for part in path[:-1]:
        if isinstance(part, str):
            model = field_model(model, part) or model
    return model


def known_keys(options: Mapping[KeyPath, Mapping[str, Any]]) -> dict[KeyPath, list[str]]:
    """Return the keys of every table; `options` are those of the components picked."""
    tables: dict[KeyPath, list[str]] = {(): list(Preset.model_fields)}
    for section in Preset.model_fields:
        model = field_model(Preset, section)
        if model is not None:
            tables[(section,)] = list(model.model_fields)
    for table, extra in options.items():
        fields = owner((*table, "name")).model_fields
        tables[table] = list(dict.fromkeys([*tables.get(table, fields), *extra]))
    return tables


def suggestion(path: KeyPath, tables: Mapping[KeyPath, list[str]]) -> str:
    """Say what the unknown key at `path` may have meant, or what its table takes."""
    table, key = path[:-1], str(path[-1])
    meant = [dotted(found) for found in _same_elsewhere(key, tables)]
    known = tables.get(table) or list(owner(path).model_fields)
    meant = meant or [dotted((*table, name)) for name in nearest(key, known)]
    meant = meant or [dotted(found) for found in _close_elsewhere(key, tables)]
    if meant:
        return f"did you mean {one_of(list(dict.fromkeys(meant)))}?"
    allowed = ", ".join(known)
    return f"allowed: {allowed}" if allowed else "no keys are allowed here"


def _same_elsewhere(key: str, tables: Mapping[KeyPath, list[str]]) -> Iterator[KeyPath]:
    return ((*table, key) for table, keys in tables.items() if key in keys)


def _close_elsewhere(key: str, tables: Mapping[KeyPath, list[str]]) -> Iterator[KeyPath]:
    for table, keys in tables.items():
        for name in nearest(key, keys, CLOSE_IN_OTHER_SECTION):
            yield (*table, name)
