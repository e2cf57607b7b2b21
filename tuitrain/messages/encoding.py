"""Messages as JSON text: for what a checkpoint carries, and for `run --json`."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import GenericAlias
from typing import Any, get_args, get_origin, get_type_hints

from tuitrain.messages.events import Event, MetricPoints, Numbered


def to_plain(message: Any) -> dict[str, Any]:
    """Return a message as JSON data, its class under `type`."""
    plain = {field.name: _plain_value(getattr(message, field.name)) for field in fields(message)}
    return {"type": type(message).__name__, **plain}


def _plain_value(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(value)
    if isinstance(value, tuple):
        return [_plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain_value(item) for key, item in value.items()}
    return value


def encode_pending(events: list[Numbered]) -> str:
    """Write numbered events as one JSON text; NaN and infinities survive."""
    return json.dumps([[item.attempt, item.sequence, to_plain(item.event)] for item in events])


def decode_pending(text: str) -> list[Numbered]:
    """Read what `encode_pending` wrote.

    Raises:
        ValueError: the text is not such a list, or names an unknown event.
    """
    if not text:
        return []
    try:
        return [
            Numbered(attempt, sequence, _from_plain(plain))
            for attempt, sequence, plain in json.loads(text)
        ]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no list of events: {type(error).__name__}: {error}") from error


_EVENTS: dict[str, type] = {kind.__name__: kind for kind in (*get_args(Event), MetricPoints)}


def _from_plain(plain: Mapping[str, Any]) -> Any:
    kind = _EVENTS.get(plain["type"])
    if kind is None:
        raise ValueError(f"unknown event {plain['type']!r}")
    hints = get_type_hints(kind)
    values = {
        field.name: _restore(plain[field.name], hints[field.name])
        for field in fields(kind)
        if field.name in plain
    }
    return kind(**values)


def _restore(value: Any, hint: Any) -> Any:
    """Undo `_plain_value`: lists become the tuples that the frozen messages hold."""
    if not isinstance(value, list):
        return value
    options = get_args(hint) if get_origin(hint) is not tuple else (hint,)
    if any(get_origin(option) is tuple or isinstance(option, GenericAlias) for option in options):
        return tuple(_from_plain(item) if isinstance(item, dict) else item for item in value)
    return value
