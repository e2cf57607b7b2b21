"""Messages as JSON data and back: for the record, for what a checkpoint carries, for stdout.

Written out field by field; read by pydantic, which is imported when something is read first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from tuitrain.messages.commands import KINDS, Request
from tuitrain.messages.events import Event, MetricPoints, Numbered

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_Value = TypeVar("_Value")

_EVENTS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(Event)}
_SCALARS = frozenset({float, int, str, bool, type(None)})
_KIND_OF: Mapping[type, str] = {found: kind for kind, found in KINDS.items()}


def to_plain(message: Any) -> dict[str, Any]:
    """Return a message as JSON data, its class under `type`."""
    return {"type": type(message).__name__, **_fields(message)}


def plain_data(value: Any) -> Any:
    """Return a value as JSON data: objects for dataclasses, lists for tuples."""
    # Points carry their class too, as checkpoints of every version have them.
    if isinstance(value, MetricPoints):
        return to_plain(value)
    if is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, tuple | list):
        # Most are the values of a metric, thousands of them in a checkpoint.
        if set(map(type, value)) <= _SCALARS:
            return list(value)
        return [plain_data(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain_data(item) for key, item in value.items()}
    return value


def _fields(value: Any) -> dict[str, Any]:
    found = ((field, getattr(value, field.name)) for field in fields(value))
    return {
        field.name: plain_data(held)
        for field, held in found
        if held is not None or not field.metadata.get("absent_if_none")
    }


def decode(kind: type[_Value], value: object) -> _Value:
    """Return JSON data as a value of a dataclass; fields that it does not know are left out.

    Raises:
        ValueError: a field is missing or holds something else; the text says which and what.
    """
    from pydantic import ValidationError

    known: Any = kind
    try:
        found: _Value = _adapter(known).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join([kind.__name__, *map(str, first["loc"])])
        raise ValueError(f"{place}: {first['msg']}") from error
    return found


@cache
def _adapter(kind: Any) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def decode_event(value: object) -> Event:
    """Read what `to_plain` made of an event.

    Raises:
        ValueError: it is no event, or none of this version.
    """
    if not isinstance(value, Mapping) or "type" not in value:
        raise ValueError("no event: it has no type")
    kind = _EVENTS.get(str(value["type"]))
    if kind is None:
        raise ValueError(f"unknown event {value['type']!r}")
    event: Event = decode(kind, value)
    return event


# --- what people ask, as a row -----------------------------------------------------------------


def kind_of(request: Request) -> str:
    """Return what a request is called in its row."""
    return _KIND_OF[type(request)]


def encode_request(request: Request) -> tuple[str, dict[str, Any]]:
    """Return a request's kind and its arguments as JSON data."""
    stored = _stored(type(request))
    return kind_of(request), {name: getattr(request, name) for name in stored}


def decode_request(kind: str, command_id: int, arguments: Mapping[str, Any]) -> Request:
    """Return the request of a row; what an older version left out has its default.

    Args:
        kind: of the row.
        command_id: its number.
        arguments: its arguments.

    Raises:
        ValueError: there is no such request, or an argument is missing or of another type.
    """
    found = KINDS.get(kind)
    if found is None:
        raise ValueError(f"there is no command {kind!r}")
    # Rows are written by any process: what is annotated is not what is there.
    if not isinstance(arguments, Mapping):
        raise ValueError(f"the arguments of {kind!r} are no table")
    given = {name: arguments[name] for name in _stored(found) if name in arguments}
    return decode(found, {**given, "command_id": command_id})


def _stored(kind: type[Request]) -> list[str]:
    return [field.name for field in fields(kind) if field.metadata.get("stored", True)]


# --- what a checkpoint carries ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pending:
    """The events that a checkpoint carried for the record."""

    events: tuple[Numbered, ...] = ()
    left_out: tuple[str, ...] = ()
    """Why some of them can't be read."""


def encode_pending(events: list[Numbered]) -> str:
    """Write numbered events as one JSON text; NaN and infinities survive."""
    return json.dumps([[item.attempt, item.sequence, to_plain(item.event)] for item in events])


def decode_pending(text: str) -> Pending:
    """Read what `encode_pending` wrote; an event that can't be read keeps no other from it.

    Raises:
        ValueError: the text is no such list.
    """
    if not text:
        return Pending()
    try:
        items = [(attempt, sequence, event) for attempt, sequence, event in json.loads(text)]
    except (TypeError, RecursionError) as error:
        raise ValueError(f"no list of events: {type(error).__name__}: {error}") from error
    events: list[Numbered] = []
    left_out: list[str] = []
    for attempt, sequence, event in items:
        try:
            place = decode(int, attempt), decode(int, sequence)
            events.append(Numbered(*place, decode_event(event)))
        except ValueError as error:
            left_out.append(str(error))
    return Pending(tuple(events), tuple(left_out))
