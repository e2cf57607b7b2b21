"""Puts values, types and near misses into words that a user reads.

Knows JSON schemas and plain values; nothing of presets.
"""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SHOWN_CHARACTERS = 60
_LONG_BITS = 4096
MOST = 1_000_000_000
"""No count and no time of a run needs to be larger, and products of two fit into 64 bits.

It is worded only where a value is beyond it.
"""


def printable(text: str, keep: str = "") -> str:
    """Replace what a terminal would act on instead of showing; characters in `keep` stay."""
    return "".join(
        character if character.isprintable() or character in keep else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def show(value: Any) -> str:
    """Write a value as TOML would, on one line and shortened."""
    text = write_value(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


def write_value(value: Any) -> str:
    """Write a value as TOML would, in full on one line."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return printable(json.dumps(value, ensure_ascii=False))
        case list() | tuple():
            return "[" + ", ".join(write_value(item) for item in value) + "]"
        case dict():
            items = (f"{printable(str(key))} = {write_value(item)}" for key, item in value.items())
            return "{" + ", ".join(items) + "}"
        case int() if value.bit_length() > _LONG_BITS:
            # Python writes no number of very many digits, but in a base of 2.
            return hex(value)
        case _:
            return str(value)


def one_of(names: Sequence[str]) -> str:
    """Join names as in `a, b or c`."""
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def nearest(word: str, known: Iterable[str], closeness: float | None = None) -> list[str]:
    """Return up to three of `known` that a typo of `word` might have meant, the best first."""
    if closeness is None:
        # One wrong letter out of two leaves half of the word.
        closeness = 0.5 if len(word) <= 3 else 0.6
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=3, cutoff=closeness)
    return [by_lower[name] for name in found]


def unknown_name(word: str, known: Sequence[str], what: str) -> str:
    """Say that `word` is no `what`, with near misses and everything that is allowed."""
    near = nearest(word, known)
    hint = f" did you mean {one_of(near)}?" if near else ""
    return f"found {show(word)}, which is no {what};{hint} allowed: {', '.join(known)}"


def words_for(schema: Mapping[str, Any], *, many: bool = False) -> str:
    """Say what a JSON schema allows, e.g. `a whole number greater than 0`.

    A schema may bring its own `words`, for patterns that no rule could put into words.
    """
    if "words" in schema:
        return str(schema["words"])
    if "anyOf" in schema:
        choices = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
        return one_of([words_for(choice, many=many) for choice in choices])
    if "enum" in schema or "const" in schema:
        names = [str(name) for name in schema.get("enum", [schema.get("const")])]
        return ("values out of " if many else "" if len(names) < 2 else "one of ") + one_of(names)
    return _words_for_type(schema, many)


def _words_for_type(schema: Mapping[str, Any], many: bool) -> str:
    match schema.get("type"):
        case "integer":
            return ("whole numbers" if many else "a whole number") + _bounds(schema)
        case "number":
            return ("numbers" if many else "a number") + _bounds(schema)
        case "boolean":
            return "true or false"
        case "string":
            return ("texts" if many else "text") + _length(schema)
        case "array":
            return ("lists of " if many else "a list of ") + _count(schema)
        case _:
            return "tables" if many else "a table"


def _bounds(schema: Mapping[str, Any]) -> str:
    phrases = {
        "exclusiveMinimum": "greater than",
        "minimum": "of at least",
        "exclusiveMaximum": "less than",
        "maximum": "at most",
    }
    given = [
        f"{words} {schema[key]:g}"
        for key, words in phrases.items()
        if key in schema and schema[key] != MOST
    ]
    return "".join([" ", " and ".join(given)]) if given else ""


def _length(schema: Mapping[str, Any]) -> str:
    if "maxLength" in schema:
        return f" of at most {schema['maxLength']} characters"
    return " that is not empty" if schema.get("minLength") else ""


def _count(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minItems"), schema.get("maxItems")
    items = words_for(schema.get("items", {}), many=True)
    if least is not None and least == most:
        return f"{least} {items}"
    if least:
        return f"at least {least} {items}"
    return f"at most {most} {items}" if most is not None else items
