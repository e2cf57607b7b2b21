"""The events of a trace one after another, however large the file.

A trace of 200 MB read whole would be 2 GB of objects. Knows JSON, not what an event means.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tuitrain.errors import ProfileError

_CHUNK = 1 << 20
_EVENTS = re.compile(r'"traceEvents"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_LONGEST_EVENT = 1 << 24


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """Yield every event of a trace, packed or not.

    Raises:
        ProfileError: the file is missing, or is no whole trace.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
                yield from _events(file, path)
        else:
            with path.open(encoding="utf-8", errors="replace") as file:
                yield from _events(file, path)
    except (OSError, EOFError, zlib.error) as error:
        raise ProfileError(f"{path} can't be read: {error}") from error


def _events(file: IO[str], path: Path) -> Iterator[dict[str, Any]]:
    text = _until_events(file, path)
    decode = json.JSONDecoder(strict=False).raw_decode
    place = 0
    while True:
        found = _BETWEEN.match(text, place)
        place = found.end() if found else place
        if text.startswith("]", place):
            return
        try:
            event, place = decode(text, place)
        except ValueError as error:
            more = file.read(_CHUNK)
            if not more or len(text) - place > _LONGEST_EVENT:
                raise ProfileError(f"{path} is no whole trace: it ends within an event") from error
            text, place = text[place:] + more, 0
            continue
        if isinstance(event, dict):
            yield event


def _until_events(file: IO[str], path: Path) -> str:
    """Return the text from the first event on."""
    text = ""
    while more := file.read(_CHUNK):
        text += more
        found = _EVENTS.search(text)
        if found:
            return text[found.end() :]
    raise ProfileError(f"{path} is no trace: it has no traceEvents")
