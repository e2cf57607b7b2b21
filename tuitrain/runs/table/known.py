"""What may be written in a filter over some runs: their keys, and the values of each.

Gathered run by run; knows nothing of who asks.
"""

from collections.abc import Iterable

from tuitrain.runs.table.query import check_keys
from tuitrain.runs.table.values import FIELDS, RunValues

_MOST_VALUES = 200
"""Different values of a key that are kept: more is nothing to choose from."""
_COMPARISONS = (">=", "<=", "!=", "!~", "=", ">", "<", "~", ":")


class KnownValues:
    """The keys of runs, and the values that can be chosen by name."""

    def __init__(self, runs: Iterable[RunValues] = ()) -> None:
        self._values: dict[str, dict[str, None]] = {key: {} for key in FIELDS}
        for run in runs:
            self.add(run)

    def add(self, run: RunValues) -> None:
        """Take in what a run has."""
        for key in ("name", "preset", "state", "device", "tag"):
            self._keep(key, run.get(key))
        details = run.details
        for key, value in details.settings.items():
            self._keep(key, value)
        for part in (details.last, details.best):
            for key in part:
                self._values.setdefault(key, {})

    def _keep(self, key: str, value: object) -> None:
        kept = self._values.setdefault(key, {})
        if len(kept) >= _MOST_VALUES:
            return
        if isinstance(value, bool):
            kept[str(value).lower()] = None
        elif isinstance(value, tuple | list):
            kept.update(dict.fromkeys(str(each) for each in value))
        elif value not in (None, ""):
            kept[str(value)] = None

    def copy(self) -> "KnownValues":
        """Return what is known now, for another thread."""
        other = KnownValues()
        other._values = {key: dict(values) for key, values in self._values.items()}
        return other

    @property
    def keys(self) -> list[str]:
        """All keys: fields, then settings and metrics as they were first met."""
        return list(self._values)

    def values(self, key: str) -> list[str]:
        """Return what a key's value may be, in the order of the alphabet, or of numbers."""
        whole = next((name for name in self._values if key in _forms(name)), key)
        return sorted(self._values.get(whole, ()), key=_rank)

    def has_key(self, beginning: str) -> bool:
        """Return whether a key, or the last part of one, begins so."""
        return bool(self._keys_beginning(beginning))

    def check(self, keys: Iterable[str]) -> None:
        """Hold keys against those there are.

        Raises:
            UsageError: no run has one of them.
        """
        check_keys(keys, self._values)

    def completions(self, text: str) -> list[str]:
        """Return what a filter that is being typed may become, its last word completed."""
        head, _space, word = text.rpartition(" ")
        before = f"{head} " if head else ""
        sign = "-" if word.startswith("-") else ""
        body = word.removeprefix("-")
        comparison = _first_comparison(body)
        if comparison:
            key, _sign, typed = body.partition(comparison)
            front, comma, part = typed.rpartition(",")
            stem = f"{before}{sign}{key}{comparison}{front}{comma}"
            return [f"{stem}{_quoted(each)}" for each in _beginning(self.values(key), part)]
        return [f"{before}{sign}{key}" for key in self._keys_beginning(body)]

    def _keys_beginning(self, part: str) -> list[str]:
        whole = _beginning(self._values, part)
        if "." in part or not part:
            return whole
        short = [name.rpartition(".")[2] for name in self._values if "." in name]
        alone = [name for name in dict.fromkeys(short) if short.count(name) == 1]
        parts = [name.removesuffix(".name") for name in self._values if name.endswith(".name")]
        return list(dict.fromkeys([*whole, *_beginning([*parts, *alone], part)]))


def _forms(name: str) -> tuple[str, ...]:
    return (name, name.rpartition(".")[2], name.removesuffix(".name"))


def _first_comparison(word: str) -> str:
    places = {sign: word.find(sign) for sign in _COMPARISONS if sign in word}
    return min(places, key=lambda sign: (places[sign], -len(sign)), default="")


def _beginning(choices: Iterable[str], part: str) -> list[str]:
    return [each for each in choices if each.casefold().startswith(part.casefold())]


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


def _rank(value: str) -> tuple[bool, float, str]:
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value.casefold()
