"""File names and counts in sentences; a name may be any bytes.

Pure; knows nothing of what the files hold.
"""

import os
from collections.abc import Sequence

NAMED = 5
"""Files that a sentence names; of more it says how many there are."""


def shown(name: str | bytes | os.PathLike[str]) -> str:
    """Return a file name as text that any terminal, record or log can hold."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """Return the first names, and how many more there are: `a, b and 3 more`."""
    first = ", ".join(names[:most])
    return f"{first} and {len(names) - most:,} more" if len(names) > most else first


def counted(number: int, what: str) -> str:
    """Return `1 image` or `1,200 images`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
