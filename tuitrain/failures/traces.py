"""Tracebacks in a text: where in the user's own code an error was raised, and what it says.

Knows text as python prints it; nothing of what errors mean.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FRAME = re.compile(
    r'^[^\S\n]*File "(?P<file>[^"\n]+)", line (?P<line>\d+)(?:, in (?P<function>[^\n]+))?$'
    r"(?:\n(?P<code>[^\n]*))?",
    re.MULTILINE,
)
CHAINED = (
    "The above exception was the direct cause of the following exception",
    "During handling of the above exception, another exception occurred",
)
"""What stands between an error and the one that it led to."""
_HEAD = "Traceback (most recent call last):"
_ERROR = re.compile(
    r"^(?:\[rank\d+\]: ?)?(?P<type>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|"
    r"Warning)?)(?:: (?P<said>.*))?$"
)
_NAMED_SO = re.compile(r"(?:Error|Exception|Interrupt|Exit|Killed)$")
_LIBRARIES = re.compile(r"/(?:site|dist)-packages/|/lib/python3(?:\.\d+)?/|/python3\.\d+/|^<")
_OWN = Path(__file__).parents[1]
"""This program: a frame of it is no place in the user's code."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in somebody's code something was raised."""

    file: str
    line: int
    function: str
    code: str
    """The line itself; empty where the traceback does not have it."""

    def __str__(self) -> str:
        where = f"{self.file} line {self.line}"
        return f"{where}, in {self.function}" if self.function else where


def place_before(text: str, position: int) -> Place | None:
    """Return the user's own line in the traceback that stands before `position`, or around it.

    Of frames that belong to no library and not to this program, the last: that is the one that
    called into them. None where the traceback has none.
    """
    first = text.rfind(_HEAD, 0, position)
    if first < 0:
        return None
    found = None
    for frame in _FRAME.finditer(text, first, position):
        if not _is_foreign(frame["file"]):
            code = (frame["code"] or "").strip()
            function = (frame["function"] or "").strip()
            found = Place(frame["file"], int(frame["line"]), function, code)
    return found


def last_error(text: str) -> tuple[int, str] | None:
    """Return the last line that says what was raised, with its position."""
    found, position = None, 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip()
        if is_error(bare):
            found = position, bare
        position += len(line)
    return found


def is_error(line: str) -> bool:
    """Return whether a line is the one of a traceback that says what was raised."""
    match = _ERROR.match(line)
    return match is not None and _NAMED_SO.search(match["type"]) is not None


def _is_foreign(file: str) -> bool:
    return bool(_LIBRARIES.search(file)) or Path(file).is_relative_to(_OWN)
