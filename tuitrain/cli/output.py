"""The only module that prints: data on stdout, words on stderr."""

import json
import os
import sys
from typing import Any


def data(text: str) -> None:
    """Print one line or block of what was asked for."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def data_json(value: Any, *, indent: int | None = 2) -> None:
    """Print JSON; numbers that are not finite become the strings that JSON lacks."""
    data(json.dumps(_finite(value), indent=indent, ensure_ascii=False, allow_nan=False))


def say(text: str) -> None:
    """Print words for the person at the terminal."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def go_silent() -> None:
    """Write nowhere from now on: the terminal or pipe is gone, and what runs must not end of it."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and value - value != 0:
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
