"""The language of filters: `lr>=1e-3 model~resnet state=failed,lost -tag:old moons`.

Knows keys, comparisons and values; where a run's values come from is not known here.
"""

import difflib
import operator
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tuitrain.errors import UsageError

_TERM = re.compile(
    r"(?P<key>(?:last:)?[^\s:=<>~!]+)(?P<comparison>>=|<=|!=|!~|=|>|<|~|:)(?P<value>.*)", re.DOTALL
)
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)(s|m|min|h|d|w)")
_TIMES = frozenset({"age", "duration"})
_NAMES = ("name", "preset", "state", "id")
"""Where a word without a key is looked for."""
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
FORMS = (
    "KEY=VALUE, !=, >, >=, <, <=, KEY~PART, !~, tag:NAME or a part of a name or state; "
    "- before it: not"
)


class Row(Protocol):
    """What is filtered."""

    def get(self, key: str) -> Any:
        """Return the value of a key; None: there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Term:
    """One condition."""

    key: str
    """Empty: a part of the name, preset, id or state."""
    comparison: str
    values: tuple[str, ...]
    """Any of these will do."""
    negated: bool = False

    def holds(self, row: Row) -> bool:
        """Return whether a row fulfils it; what has no such value fulfils nothing but a `not`."""
        return self._found(row) is not self.negated

    def _found(self, row: Row) -> bool:
        if not self.key:
            return self.tester()(named_text(row))
        return self.tester()(row.get(self.key))

    def tester(self) -> Callable[[Any], bool]:
        """Return what says whether a value of the key will do, whether or not it is negated.

        Of a term without a key the value is the text that `named_text` makes of a row.
        """
        if not self.key:
            part = self.values[0].casefold()
            return lambda text: part in text
        if self.comparison in _ORDERS:
            return _order_tester(_ORDERS[self.comparison], _limit(self.key, self.values[0]))
        values = self.values
        alike = _has if self.comparison.endswith("~") else _equals
        if self.comparison.startswith("!"):
            return lambda value: value is not None and not any(alike(value, x) for x in values)
        return lambda value: value is not None and any(alike(value, each) for each in values)


def named_text(row: Row) -> str:
    """Return where a word without a key is looked for, in small letters."""
    return "\n".join([str(row.get(key) or "") for key in _NAMES]).casefold()


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions that a row must fulfil, all of them."""

    terms: tuple[Term, ...] = ()

    def matches(self, row: Row) -> bool:
        """Return whether a row is one that is looked for."""
        return all(term.holds(row) for term in self.terms)

    @property
    def keys(self) -> list[str]:
        """What is asked for, as it is written."""
        return [term.key for term in self.terms if term.key]


def parse_query(text: str) -> Query:
    """Return the query that a text is; of nothing, one that all rows match.

    Raises:
        UsageError: a part of it is no condition.
    """
    try:
        parts = shlex.split(text, posix=True)
    except ValueError as error:
        raise UsageError(f"filter: a quote has no end in {text!r}") from error
    return Query(tuple(_term(part) for part in parts))


def _term(text: str) -> Term:
    negated = text.startswith("-") and len(text) > 1
    body = text[1:] if negated else text
    found = _TERM.fullmatch(body)
    if found is None:
        if re.search(r"[=<>~!]", body):
            raise UsageError(f"filter {text!r}: a condition is {FORMS}")
        return Term("", "", (body,), negated)
    key, comparison, value = found["key"], found["comparison"], found["value"]
    if not value:
        raise UsageError(f"filter {text!r}: there is nothing behind {comparison}")
    if comparison in _ORDERS:
        _limit(key, value)
        return Term(key, comparison, (value,), negated)
    return Term(key, "=" if comparison == ":" else comparison, tuple(value.split(",")), negated)


def check_keys(keys: Iterable[str], known: Collection[str]) -> None:
    """Hold keys against those that any row has.

    Args:
        keys: as written: the last part of a setting's key, or a part's own name, will do.
        known: whole ones.

    Raises:
        UsageError: one is no row's.
    """
    short = {part for key in known for part in _forms(key)}
    for key in keys:
        name = key.removeprefix("last:")
        if name not in short:
            near = difflib.get_close_matches(name, short, n=3, cutoff=0.5)
            hint = f"; near it: {', '.join(near)}" if near else ""
            raise UsageError(f"no run has {name!r}{hint}")


def _forms(key: str) -> Sequence[str]:
    return (key, key.rpartition(".")[2], key.removesuffix(".name"))


# --- values -------------------------------------------------------------------------------------


def _equals(value: Any, text: str) -> bool:
    if isinstance(value, tuple):
        return any(_equals(each, text) for each in value)
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int | float):
        number = _as_number(text)
        return number is not None and float(value) == number
    return str(value).casefold() == text.casefold()


def _has(value: Any, part: str) -> bool:
    if isinstance(value, tuple):
        return any(_has(each, part) for each in value)
    return part.casefold() in str(value).casefold()


def _order_tester(compare: Callable[[Any, Any], bool], limit: float) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return compare(value, limit)

    return test


def _limit(key: str, text: str) -> float:
    """Return what a value is held against: a number, a length of time (2h, 3d) or a date.

    Raises:
        UsageError: it is none.
    """
    number = _as_number(text)
    if number is not None:
        return number
    if (time := _TIME.fullmatch(text)) and key in _TIMES:
        return float(time[1]) * _UNITS[time[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise UsageError(
            f"filter {key}: {text!r} is no number"
            + (", nor a time as 30m, 2h or 3d" if key in _TIMES else "")
            + (", nor a date as 2026-11-30" if key == "created" else "")
        ) from None


def _as_number(text: str) -> float | None:
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None
