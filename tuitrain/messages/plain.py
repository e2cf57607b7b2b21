"""The border for events: whatever one holds, what passes can be sent, recorded and shown.

Goes by the types that the events' own fields are annotated with, so that it knows none of them by
name. A number may come as a tensor or from numpy; neither is imported here.
"""

import math
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tuitrain.messages.events import AlertRaised, Event, MetricPoints, TrainingEnded
from tuitrain.messages.payloads import Environment, ProfileFacts

MOST_WORDS = 2_000
"""Characters of a reason or a text: some 25 lines of a terminal."""
MOST_DETAIL = 200_000
"""Characters of a traceback or of stacks."""
_MOST_TEXT = 10_000
_MOST_NAME = 200
_MOST_TOLD = 100
_MOST_INTEGER = 2**62
"""SQLite's integers have 64 bits."""
_MOST_FLOAT = int(sys.float_info.max)
_LIMITS = {
    "text": MOST_WORDS,
    "reason": MOST_WORDS,
    "traceback": MOST_DETAIL,
    "detail": MOST_DETAIL,
}
_WHOLE = frozenset({"config", "pending"})
"""Texts that a program reads again."""
_UNFIT: Any = object()
_ODD = re.compile("[\x00\ud800-\udfff]")

_EVENTS: frozenset[type] = frozenset(get_args(Event))
_INSTEAD: Mapping[str, Any] = {
    **dict.fromkeys(("epoch", "train_s", "duration_s", "held_up_s", "write_s"), 0.0),
    **dict.fromkeys(("pid", "size_bytes", "parameters", "command_id"), 0),
    **dict.fromkeys(("text", "reason", "traceback", "detail", "device", "digest"), ""),
    **dict.fromkeys(("pending", "peak_source"), ""),
    **{name: {} for name in ("readings", "metrics")},
    "environment": Environment(),
    "facts": ProfileFacts(),
    **dict.fromkeys(("names", "points"), ()),
    "peak_flops": None,
    "ability": "watched",
    "outcome": "refused",
    "state": "failed",
}
"""By field: what stands there where what was sent does not fit. An event is left out where it lacks
what is not listed, as a step that says where it belongs."""
_STEP_OPTIONAL = frozenset({"TrainingEnded", "AlertRaised", "TrainingPaused", "TrainingContinued"})
"""Events that must be heard even where their step is not known."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """An event as it may pass."""

    event: Event | None
    """None where too little of it was left."""
    left_out: tuple[str, ...]
    """Where something that could not pass stood, and what it was."""


def admit(event: object, clock: Callable[[], float] = time.time) -> Admitted:
    """Return an event as plain data of the types that its class says, and what that leaves out.

    Args:
        event: anything.
        clock: seconds since the epoch, for an event without a time that could be one.
    """
    kind: Any = type(event)
    if kind not in _EVENTS:
        return Admitted(None, (f"a message of the unknown type {kind.__name__}",))
    left_out: list[str] = []
    values = {
        name: _field(event, name, hint, clock, left_out) for name, hint in _hints(kind).items()
    }
    if any(value is _UNFIT for value in values.values()):
        return Admitted(None, tuple(left_out))
    return Admitted(kind(**values), tuple(left_out))


class Gate:
    """Lets events pass as plain data, and says once what of them could not."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._told: set[str] = set()

    def admit(self, event: object) -> tuple[Event | None, AlertRaised | None]:
        """Return the event, if enough of it is left, and an alert of what was left out of it."""
        admitted = admit(event, self._clock)
        news = [words for words in dict.fromkeys(admitted.left_out) if words not in self._told]
        if not news or len(self._told) > _MOST_TOLD:
            return admitted.event, None
        self._told.update(news)
        step = getattr(admitted.event, "step", 0)
        return admitted.event, left_out_alert(self._clock(), step, "; ".join(news))


def left_out_alert(time_s: float, step: object, words: str) -> AlertRaised:
    """Return the alert on what could not be recorded."""
    text = f"left out of the record, which goes on: {words}"
    return AlertRaised(time_s, step if type(step) is int else 0, "record", cut(text, MOST_WORDS))


def storable(text: str, backslash: str = "\\") -> str:
    """Return a text with what no file, database or terminal takes in escaped.

    A byte that was no UTF-8, as in the name of a file, shows as in `caf\\xe9`.

    Args:
        text: any.
        backslash: what an escape begins with.
    """
    if _ODD.search(text) is None:
        return text
    return _ODD.sub(lambda match: backslash + _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    # Python keeps the bytes 0x80 to 0xff of what it can't decode in these (PEP 383).
    code = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code
    return f"x{code:02x}" if code < 256 else f"u{code:04x}"


def cut(text: str, most: int, where: str = "") -> str:
    """Return a text of `most` characters at the most beside a word on how many were left out.

    Args:
        text: any.
        most: half of it from the beginning, half from the end.
        where: where all of it can be found; empty: nowhere.
    """
    if len(text) <= most:
        return text
    hint = f"; all of it is in {where}" if where else ""
    return (
        f"{text[: most - most // 2]} ... ({len(text) - most:,} more characters{hint}) ... "
        f"{text[len(text) - most // 2 :]}"
    )


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _field(
    event: object, name: str, hint: Any, clock: Callable[[], float], left_out: list[str]
) -> Any:
    """Return what a field of an event holds, or what stands there instead, or _UNFIT."""
    kind = type(event).__name__
    value = getattr(event, name, _UNFIT)
    found = _fit(value, hint, f"{kind}.{name}", left_out)
    if isinstance(found, str):
        found = _shortened(found, name, "worker.log" if type(event) is TrainingEnded else "")
    # A column that must have a number can't hold NaN.
    if isinstance(found, float) and not math.isfinite(found):
        left_out.append(f"{kind}.{name}, {found}")
        found = _UNFIT
    if found is not _UNFIT:
        return found
    if name == "time":
        return clock()
    if name == "step" and kind in _STEP_OPTIONAL:
        return 0
    return _INSTEAD.get(name, _UNFIT)


def _shortened(text: str, name: str, where: str) -> str:
    return text if name in _WHOLE else cut(text, _LIMITS.get(name, _MOST_TEXT), where)


# --- values by their annotation -------------------------------------------------------------------


def _fit(value: Any, hint: Any, where: str, left_out: list[str]) -> Any:
    """Return a value as its annotation wants it, or _UNFIT, which is then told."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _fit_option(value, get_args(hint), where, left_out)
    if origin is tuple:
        return _fit_tuple(value, get_args(hint)[0], where, left_out)
    if origin is not None and _issubclass(origin, Mapping):
        return _fit_mapping(value, get_args(hint)[1], where, left_out)
    if hint is MetricPoints:
        return _fit_points(value, where, left_out)
    if is_dataclass(hint):
        return _fit_payload(value, hint, where, left_out)
    found = _literal(value, hint) if origin is Literal else _SCALARS[hint](value)
    if found is _UNFIT:
        left_out.append(f"{where}, {_described(value)}")
    return found


def _issubclass(kind: Any, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def _fit_option(value: Any, options: tuple[Any, ...], where: str, left_out: list[str]) -> Any:
    if value is None and NoneType in options:
        return None
    known = [option for option in options if option is not NoneType]
    hint = next((option for option in known if type(value) is option), known[0])
    found = _fit(value, hint, where, left_out)
    return None if found is _UNFIT and NoneType in options else found


def _fit_tuple(value: Any, hint: Any, where: str, left_out: list[str]) -> Any:
    if not isinstance(value, list | tuple):
        left_out.append(f"{where}, {_described(value)}")
        return _UNFIT
    if hint is float and set(map(type, value)) <= {float}:
        return tuple(value)
    found = [_fit(each, hint, where, left_out) for each in value]
    if hint is float:
        # A step that was taken has a point, whatever is known of it.
        return tuple(math.nan if each is _UNFIT else each for each in found)
    # Numbers and rows go by their places.
    by_place = hint is int or get_origin(hint) is tuple
    if by_place and any(each is _UNFIT for each in found):
        return _UNFIT
    return tuple(each for each in found if each is not _UNFIT)


def _fit_mapping(value: Any, hint: Any, where: str, left_out: list[str]) -> Any:
    if not isinstance(value, Mapping):
        left_out.append(f"{where}, {_described(value)}")
        return _UNFIT
    found = {}
    for key, each in value.items():
        name = _key(key)
        kept = _fit(each, hint, f"{where}[{name}]", left_out)
        if kept is not _UNFIT:
            found[name] = kept
    return found


def _fit_payload(value: Any, hint: Any, where: str, left_out: list[str]) -> Any:
    """Return what an event carries; a field that does not fit is as if it had not been given."""
    parts, kinds = {}, _hints(hint)
    if type(value) is not hint:
        left_out.append(f"{where}, {_described(value)}")
        return _UNFIT
    for name, kind in kinds.items():
        found = _fit(getattr(value, name, _UNFIT), kind, f"{where}.{name}", left_out)
        if isinstance(found, str):
            found = _shortened(found, name, "")
        parts[name] = _default(hint, name) if found is _UNFIT else found
    return _UNFIT if any(part is _UNFIT for part in parts.values()) else hint(**parts)


def _default(kind: Any, name: str) -> Any:
    found = next(field.default for field in fields(kind) if field.name == name)
    return _UNFIT if found is MISSING else found


def _fit_points(value: Any, where: str, left_out: list[str]) -> Any:
    """Return the points of a metric, if their steps can be told; none at all are no loss."""
    if type(value) is not MetricPoints:
        left_out.append(f"{where}, {_described(value)}")
        return _UNFIT
    if _is_plain(value):
        return value
    name = _key(value.name)
    parts = {
        each: _fit(getattr(value, each), kind, f"{where}[{name}]", left_out)
        for each, kind in _hints(MetricPoints).items()
    }
    if any(part is _UNFIT for part in parts.values()) or not parts["values"]:
        return _UNFIT
    if not _ascending(parts["steps"], len(parts["values"])):
        left_out.append(f"{where}[{name}], whose steps do not ascend with its values")
        return _UNFIT
    return MetricPoints(**{**parts, "name": name})


def _is_plain(points: MetricPoints) -> bool:
    """Say at sight whether points may pass as they are: nearly all do, several times a second."""
    typical = type(points.name) is str and type(points.first_step) is int and points.steps is None
    values = points.values
    return (
        typical
        and type(values) is tuple
        and set(map(type, values)) == {float}
        and 0 <= points.first_step < _MOST_INTEGER
        and len(points.name) <= _MOST_NAME
        and points.name.isprintable()
    )


def _ascending(steps: tuple[int, ...] | None, count: int) -> bool:
    if steps is None:
        return True
    return len(steps) == count and all(a < b for a, b in pairwise(steps))


def _literal(value: Any, hint: Any) -> Any:
    return value if type(value) is str and value in get_args(hint) else _UNFIT


def _number(value: Any) -> Any:
    if type(value) is float:
        return value
    if isinstance(value, str | bytes | bytearray) or value is None:
        return _UNFIT
    if isinstance(value, int) and abs(value) > _MOST_FLOAT:
        return math.inf if value > 0 else -math.inf
    try:
        # A tensor or an array of one number; one of several raises.
        return float(value.item() if hasattr(value, "item") else value)
    except Exception:  # an object of anybody's: whatever it raises, it is no number
        return _UNFIT


def _integer(value: Any) -> Any:
    if type(value) is not int:
        number = _number(value)
        if number is _UNFIT or not math.isfinite(number) or number != int(number):
            return _UNFIT
        value = int(value) if isinstance(value, int) else int(number)
    return value if -_MOST_INTEGER <= value <= _MOST_INTEGER else _UNFIT


def _text(value: Any) -> Any:
    return storable(str.__str__(value)) if isinstance(value, str) else _UNFIT


def _truth(value: Any) -> Any:
    return value if type(value) is bool else _UNFIT


_SCALARS: Mapping[Any, Callable[[Any], Any]] = {
    float: _number,
    int: _integer,
    str: _text,
    bool: _truth,
}


def _key(key: Any) -> str:
    if isinstance(key, str):
        return cut(storable(str.__str__(key)), _MOST_NAME)
    return str(key) if isinstance(key, int | float | bool | NoneType) else f"<{type(key).__name__}>"


def _described(value: Any) -> str:
    if value is _UNFIT:
        return "which is missing"
    if isinstance(value, int) and not isinstance(value, bool):
        return "an integer of more than 62 bits" if abs(value) > _MOST_INTEGER else "an integer"
    if value is None or isinstance(value, float):
        return str(value)
    return f"of the type {type(value).__name__}"
