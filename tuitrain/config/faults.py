"""What is wrong with a preset: one value a fault, and the error that carries all of them.

Knows nothing of how faults are found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tuitrain.errors import PresetError

KeyPath = tuple[str | int, ...]
"""Where a value stands in a preset: table names, keys and list positions."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a preset."""

    file: str
    """The file as the user named it, or the `--set KEY=VALUE` that the value came from."""
    line: int | None
    """The line, counted from 1, on which the statement begins; None where no line says it."""
    key: str
    """Dotted key; empty where the file as a whole is at fault."""
    message: str

    def __str__(self) -> str:
        """The fault on one line: place, key, what was found and what is allowed."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class InvalidPresetError(PresetError):
    """A preset with one or more faults; the text has a line for each."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults, which are at least one, and put them into words."""
        self.faults = tuple(faults)
        lines = [str(fault) for fault in self.faults]
        head = [] if len(lines) == 1 else [f"the preset has {len(lines)} faults:"]
        super().__init__("\n".join(head + lines))


def dotted(path: KeyPath) -> str:
    """Write a path as users do: `data.augment[0].pixels`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
