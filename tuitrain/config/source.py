"""The text of a preset and its overrides: reading them, and naming the place of a value.

Knows nothing of which keys a preset may have.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tuitrain.config.faults import Fault, InvalidPresetError, KeyPath, dotted
from tuitrain.config.lines import line_of, line_of_syntax_error
from tuitrain.config.overrides import Override, read_overrides
from tuitrain.config.wording import printable


@dataclass(frozen=True, slots=True)
class Source:
    """Where a preset's values come from: a text under a name, and overrides."""

    name: str
    """The file as the user named it."""
    text: str
    overrides: tuple[Override, ...] = ()
    has_lines: bool = True
    """The text is the user's own; else its lines say nothing to them."""

    @classmethod
    def of(
        cls, name: str, text: str, overrides: Sequence[str], *, has_lines: bool = True
    ) -> "Source":
        """Take a text and overrides as typed.

        Raises:
            UsageError: an override is not of the form KEY=VALUE.
        """
        return cls(name, text, read_overrides(overrides), has_lines)

    def fault(self, path: KeyPath, message: str) -> Fault:
        """Give the place to what is wrong at a key."""
        file, line = self._place(path)
        return Fault(printable(file), line, printable(dotted(path)), message)

    def values(self) -> dict[str, Any]:
        """Parse the text.

        Raises:
            PresetError: it is not TOML.
        """
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            line = line_of_syntax_error(error, self.text)
            words = printable(str(error).partition(" (at ")[0])
            fault = Fault(printable(self.name), line, "", f"is not valid TOML: {words}")
        except ValueError:
            fault = Fault(printable(self.name), None, "", "holds a number of too many digits")
        except RecursionError:
            fault = Fault(printable(self.name), None, "", "is nested too deeply")
        raise InvalidPresetError([fault])

    def _place(self, path: KeyPath) -> tuple[str, int | None]:
        for override in reversed(self.overrides):
            if path[: len(override.path)] == override.path:
                return f"--set {override.text}", None
        line = line_of(self.text, path)
        if line is not None:
            return self.name, line if self.has_lines else None
        for override in reversed(self.overrides):
            if override.path[: len(path)] == path:
                return f"--set {override.text}", None
        outer = line_of(self.text, path[:-1]) if self.has_lines and len(path) > 1 else None
        return self.name, outer


def read_text(path: Path) -> str:
    """Read a preset file.

    Raises:
        PresetError: it does not exist, can't be read, or is not UTF-8 text.
    """
    fault = partial(Fault, printable(str(path)), None, "")
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InvalidPresetError([fault("there is no such file")]) from None
    except OSError as error:
        raise InvalidPresetError([fault(f"can't be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise InvalidPresetError([fault(f"is not UTF-8 text (byte {error.start})")]) from error
