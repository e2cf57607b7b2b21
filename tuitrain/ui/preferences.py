"""What the interface remembers between starts, in the user's folder.

The theme in a TOML file, how charts are seen in `charts.json` beside it, by preset and title.
"""

import contextlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuitrain.ui.themes import DEFAULT_THEME

if TYPE_CHECKING:
    from tuitrain.ui.charting import ChartSettings


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
        _write(self._path, f'theme = "{name}"\n')

    def charts_of(self, preset: str) -> "dict[str, ChartSettings]":
        """Return how charts of a preset's runs are seen, by title, as far as it can be read."""
        from tuitrain.ui.charting import clean_settings

        known = self._charts().get(preset)
        return {
            title: clean_settings(each)
            for title, each in (known if isinstance(known, dict) else {}).items()
            if isinstance(each, dict)
        }

    def remember_charts(self, preset: str, charts: "Mapping[str, ChartSettings]") -> None:
        """Keep how charts of a preset's runs are seen; other presets keep what they have."""
        if not preset:
            return
        known = {**self._charts(), preset: {title: asdict(each) for title, each in charts.items()}}
        kept = {name: each for name, each in known.items() if each}
        _write(self._charts_path, json.dumps(kept, indent=1, sort_keys=True) + "\n")

    @property
    def _charts_path(self) -> Path:
        return self._path.with_name("charts.json")

    def _charts(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._charts_path.read_text(encoding="utf-8"))
            return found if isinstance(found, dict) else {}
        return {}


def _write(path: Path, text: str) -> None:
    """Write a file in one move; a folder that can't be written only means that it is not kept."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
