"""What the interface remembers between starts, in the user's folder.

The theme, the table of runs, the mouse and how curves are drawn in a TOML file, how charts are seen
in `charts.json` beside it, by preset and title.
"""

import contextlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tuitrain.ui.themes import DEFAULT_THEME
from tuitrain.whole_file import written_whole

if TYPE_CHECKING:
    from tuitrain.ui.curve_choices import ChartSettings

Wanted = Literal["auto", "kitty", "sixel", "off"]
"""How curves are to be drawn: as pictures of the terminal's own kind, of one kind, or as text."""
WANTED: tuple[Wanted, ...] = ("auto", "kitty", "sixel", "off")


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
        group = found.get("group")
        self.group = tuple(each for each in group if isinstance(each, str)) if isinstance(
            group, list) else ()  # fmt: skip
        """The keys of the tree of runs, the outermost first; empty: a plain list."""
        graphics = found.get("graphics")
        self.graphics: Wanted = graphics if graphics in WANTED else "off"
        """How curves are drawn on terminals that show pictures."""
        self.mouse = found.get("mouse") is not False
        """Whether clicks and the wheel are for the interface, and not for the terminal."""

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

    def remember_mouse(self, wanted: bool) -> None:
        """Keep who the mouse is for, in the same way."""
        if wanted != self.mouse:
            self.mouse = wanted
            self._save()

    def remember_graphics(self, wanted: Wanted) -> None:
        """Keep how curves are drawn, in the same way."""
        if wanted != self.graphics:
            self.graphics = wanted
            self._save()

    def remember_table(self, columns: Sequence[str], sort: str) -> None:
        """Keep how the table of runs looks, in the same way."""
        if (tuple(columns), sort) != (self._columns, self._sort):
            self._columns, self._sort = tuple(columns), sort
            self._save()

    def remember_group(self, keys: Sequence[str]) -> None:
        """Keep what the runs are grouped by, in the same way."""
        if tuple(keys) != self.group:
            self.group = tuple(keys)
            self._save()

    def _save(self) -> None:
        # What JSON writes of texts and lists of them is TOML too.
        kept = {
            "theme": self._theme,
            "columns": list(self._columns),
            "sort": self._sort,
            "group": list(self.group),
        }
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in kept.items() if value)
        text += "" if self.mouse else "mouse = false\n"
        text += "" if self.graphics == "off" else f"graphics = {json.dumps(self.graphics)}\n"
        _write(self._path, text)

    def charts_of(self, preset: str) -> "dict[str, ChartSettings]":
        """Return how charts of a preset's runs are seen, by title, as far as it can be read."""
        from tuitrain.ui.curve_choices import clean_settings

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
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as draft:
            draft.write_text(text, encoding="utf-8")


def _text(found: object, otherwise: str) -> str:
    return found if isinstance(found, str) else otherwise
