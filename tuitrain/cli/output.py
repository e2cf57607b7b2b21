"""The only module that prints: data on stdout, words on stderr."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tuitrain.errors import TuitrainError


class StreamError(TuitrainError):
    """Stdout does not take what was asked for."""


def data(text: str) -> None:
    """Print one line or block of what was asked for.

    Raises:
        StreamError: stdout is on a full disk, or gone.
        BrokenPipeError: nobody reads.
    """
    with _written():
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def raw(block: bytes) -> None:
    """Print bytes as they are.

    Raises:
        StreamError: stdout is on a full disk, or gone.
        BrokenPipeError: nobody reads.
    """
    with _written():
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()


def data_json(value: Any, *, indent: int | None = 2) -> None:
    """Print JSON; numbers that are not finite become the strings that JSON lacks."""
    data(json.dumps(_finite(value), indent=indent, ensure_ascii=False, allow_nan=False))


def say(text: str) -> None:
    """Print words for the person at the terminal, if there is one: data and runs go before."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        go_silent(2)


def move(line: str) -> None:
    """Put words on the line of stderr's terminal where the cursor is, in place of those there."""
    from tuitrain.view.osc import CLEAR_TO_END

    try:
        sys.stderr.write(f"\r{line}{CLEAR_TO_END}")
        sys.stderr.flush()
    except OSError:
        go_silent(2)


def go_silent(descriptor: int) -> None:
    """Write nowhere from now on: stdout (1) or stderr (2) is gone, and what runs goes on.

    What is still in python's buffer would else fail once more when the process ends.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        go_silent(1)
        raise StreamError(f"stdout can't be written: {error.strerror or error}.") from error


def _finite(value: Any) -> Any:
    if isinstance(value, float) and value - value != 0:
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
