"""Finds the line on which a key of a TOML text is set.

Knows nothing of presets. tomllib keeps no positions, so it is asked how much of the text it
needs until the key is there: the answer is exact for every way in which TOML can say a thing.
"""

import re
import tomllib
from typing import Any

from tuitrain.config.faults import KeyPath


def line_of(text: str, path: KeyPath) -> int | None:
    """Return the line (from 1) on which the statement begins that gives `path` its value.

    Returns None where the text does not set that key. The text must be valid TOML.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    end = len(lines)
    if not _has(tomllib.loads("\n".join(lines)), path):
        return None
    low = 0
    while low < end:
        middle = (low + end) // 2
        count, values = _parsed_prefix(lines, middle)
        if _has(values, path):
            end = count
        else:
            low = middle + 1
    return _parsed_prefix(lines, end - 1)[0] + 1


def line_of_syntax_error(error: tomllib.TOMLDecodeError, text: str) -> int | None:
    """Return the line (from 1) that a syntax error speaks of."""
    if "at end of document" in str(error):
        return max(1, len(text.rstrip().split("\n")))
    found = re.search(r"at line (\d+), column \d+\)$", str(error))
    return int(found[1]) if found else None


def _parsed_prefix(lines: list[str], count: int) -> tuple[int, dict[str, Any]]:
    """Parse the first `count` lines, or fewer, down to where no statement is left open."""
    while True:
        try:
            return count, tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            count -= 1


def _has(values: Any, path: KeyPath) -> bool:
    for part in path:
        is_key = isinstance(values, dict) and part in values
        if not is_key and not (isinstance(values, list) and part in range(len(values))):
            return False
        values = values[part]
    return True
