"""Lines of a log as they can be shown: harmless, cut to a part, wrapped, matches found.

Pure functions from bytes and text to text; knows nothing of files or of screens.
"""

import re

from tuitrain.view.format import display_width, sanitise
from tuitrain.view.osc import COLOURS


def harmless(line: bytes) -> str:
    r"""Return a line of a log as text that can't act on a terminal.

    Colours are left out; every other control character is shown as \x1b.
    """
    text = line.decode("utf-8", errors="replace")
    if text.isprintable():
        return text
    text = COLOURS.sub("", text).expandtabs()
    return text if text.isprintable() else sanitise(text)


def search_flags(needle: str) -> re.RegexFlag:
    """Return how to compare: a needle without capitals finds them too."""
    return re.NOFLAG if any(letter.isupper() for letter in needle) else re.IGNORECASE


def text_pattern(needle: str) -> re.Pattern[str]:
    """Return what finds the needle, as it is, in shown lines."""
    return re.compile(re.escape(needle), search_flags(needle))


def byte_pattern(needle: str) -> re.Pattern[bytes]:
    """Return what finds the needle in the file itself."""
    return re.compile(re.escape(needle.encode("utf-8")), search_flags(needle))


def wrap_starts(text: str, width: int) -> list[int]:
    """Return where each row of a line begins when it is wrapped at `width` cells."""
    if text.isascii():
        return list(range(0, max(1, len(text)), max(1, width)))
    starts, used = [0], 0
    for place, character in enumerate(text):
        cells = display_width(character)
        if used + cells > width and used:
            starts.append(place)
            used = 0
        used += cells
    return starts


def cut_left(text: str, cells: int) -> str:
    """Return text without its first `cells` cells; half of a wide character becomes a space."""
    if text.isascii():
        return text[cells:]
    used = 0
    for place, character in enumerate(text):
        if used >= cells:
            return " " * (used - cells) + text[place:]
        used += display_width(character)
    return " " * max(0, used - cells)


def split_matches(text: str, pattern: re.Pattern[str] | None) -> list[tuple[str, bool]]:
    """Return a line in parts, each with whether it matches."""
    if pattern is None:
        return [(text, False)]
    parts, place = [], 0
    for match in pattern.finditer(text):
        if match.end() > match.start():
            parts += [(text[place : match.start()], False), (match.group(), True)]
            place = match.end()
    parts.append((text[place:], False))
    return [part for part in parts if part[0]]
