"""Which colour and marker a series has: always the same for the same name.

Knows slots, not colours: the theme says what colour a slot is.
"""

import zlib
from collections.abc import Iterable

SLOTS = 8
MARKERS = "*+ox#@%&"
"""One a slot, all plain ASCII."""
FAINT_MARKER = "."

_FIXED = {"train": 0, "val": 1}


def slot_of(name: str) -> int:
    """Return the slot of a series: 0 for train and train/..., 1 for val/..., else by its name."""
    fixed = _FIXED.get(name.partition("/")[0])
    return fixed if fixed is not None else zlib.crc32(name.encode(errors="replace")) % SLOTS


def assign_slots(names: Iterable[str]) -> dict[str, int]:
    """Return a slot for each series of one chart, all different while there are enough.

    A series keeps its own slot unless one before it has that already; then it takes the next.
    """
    taken: dict[str, int] = {}
    for name in names:
        free = set(range(SLOTS)) - set(taken.values())
        slot = slot_of(name)
        while free and slot not in free:
            slot = (slot + 1) % SLOTS
        taken.setdefault(name, slot)
    return taken


def marker_of(slot: int) -> str:
    """Return the character that stands for a slot where colours can't."""
    return MARKERS[slot % SLOTS]
