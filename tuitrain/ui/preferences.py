"""What the interface remembers between starts: the theme. A TOML file in the user's folder."""

import contextlib
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path

from tuitrain.ui.themes import DEFAULT_THEME


class Preferences:
    """The user's choices."""

    def __init__(self, path: Path) -> None:
        """Read them; a file that can't be read counts as none."""
        self._path = path
        self._theme = DEFAULT_THEME
        with contextlib.suppress(OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            found = tomllib.loads(path.read_text(encoding="utf-8")).get("theme")
            self._theme = found if isinstance(found, str) else DEFAULT_THEME

    @property
    def copied_path(self) -> Path:
        """Where the last text that was copied is kept, for terminals without a clipboard."""
        return self._path.with_name("copied.txt")

    def theme_among(self, names: Iterable[str]) -> str:
        """Return the remembered theme, or the default where that one is gone."""
        return self._theme if self._theme in names else DEFAULT_THEME

    def remember_theme(self, name: str) -> None:
        """Keep a choice; a folder that can't be written only means that it is not kept."""
        if name == self._theme:
            return
        self._theme = name
        draft = self._path.with_name(f".{self._path.name}-{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(f'theme = "{name}"\n', encoding="utf-8")
            draft.replace(self._path)
