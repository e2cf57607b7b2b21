"""What the interface remembers between starts: the theme, and the table of runs.

A TOML file in the user's folder.
"""

import contextlib
import json
import os
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tuitrain.ui.themes import DEFAULT_THEME


class Preferences:
    """The user's choices."""

    def __init__(self, path: Path) -> None:
        """Read them; a file that can't be read counts as none."""
        self._path = path
        found: dict[str, Any] = {}
        with contextlib.suppress(OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        self._theme = _text(found.get("theme"), DEFAULT_THEME)
        columns = found.get("columns")
        kept = columns if isinstance(columns, list) else []
        self._columns = tuple(dict.fromkeys(each for each in kept if isinstance(each, str)))
        self._sort = _text(found.get("sort"), "")

    @property
    def copied_path(self) -> Path:
        """Where the last text that was copied is kept, for terminals without a clipboard."""
        return self._path.with_name("copied.txt")

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys of the columns of the table of runs; none were chosen: empty."""
        return self._columns

    @property
    def sort(self) -> str:
        """The key that the table of runs is sorted by, - before it: the largest first."""
        return self._sort

    def theme_among(self, names: Iterable[str]) -> str:
        """Return the remembered theme, or the default where that one is gone."""
        return self._theme if self._theme in names else DEFAULT_THEME

    def remember_theme(self, name: str) -> None:
        """Keep a choice; a folder that can't be written only means that it is not kept."""
        if name != self._theme:
            self._theme = name
            self._save()

    def remember_table(self, columns: Sequence[str], sort: str) -> None:
        """Keep how the table of runs looks, in the same way."""
        if (tuple(columns), sort) != (self._columns, self._sort):
            self._columns, self._sort = tuple(columns), sort
            self._save()

    def _save(self) -> None:
        # What JSON writes of texts and lists of them is TOML too.
        kept = {"theme": self._theme, "columns": list(self._columns), "sort": self._sort}
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in kept.items() if value)
        draft = self._path.with_name(f".{self._path.name}-{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._path)


def _text(found: object, otherwise: str) -> str:
    return found if isinstance(found, str) else otherwise
