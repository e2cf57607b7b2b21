"""Finds presets by name or path, and lists those there are.

Knows folders and files; nothing of what a preset's keys mean.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tuitrain.config.folders import built_in_preset_directory, config_directory
from tuitrain.config.wording import nearest, one_of, printable
from tuitrain.errors import PresetError

if TYPE_CHECKING:
    from tuitrain.config.schema import Preset

_TABLES = (".csv", ".tsv", ".tab")

Origin = Literal["file", "./presets", "user", "built-in"]
"""A path that the user named, or the folder in which the name was found."""


@dataclass(frozen=True, slots=True)
class FoundPreset:
    """A preset file, and the files of the same name that it takes precedence over."""

    name: str
    path: Path
    origin: Origin
    attribute: str = ""
    """What the preset is called in a Python file; empty for a TOML file."""
    shadowed: tuple[Path, ...] = ()

    @property
    def shadowing(self) -> str:
        """Say which file is taken, where a name was found more than once; else empty."""
        if not self.shadowed:
            return ""
        others = ", ".join(printable(str(path)) for path in self.shadowed)
        return f"preset {self.name}: taking {printable(str(self.path))}, not {others}"


@dataclass(frozen=True, slots=True)
class ListedPreset:
    """A preset for a list: what it says of itself, or the first thing that is wrong with it."""

    found: FoundPreset
    preset: "Preset | None"
    download: str
    """What is fetched on first use; empty: nothing."""
    error: str
    """Empty for a valid preset."""


def find_preset(name: str, cwd: Path | None = None, user_dir: Path | None = None) -> FoundPreset:
    """Find a preset by path, else in ./presets, the user's folder and the built-in ones.

    A name with a slash or ending in .toml is a path, and so is what ends in .py, where
    `my_train.py:NAME` is the preset called NAME in it, and `preset` the one that is meant without.
    `user_dir` is the user's folder for settings.

    Raises:
        PresetError: there is no such preset.
    """
    cwd = cwd or Path()
    file, _, attribute = name.rpartition(":")
    if name.endswith(".py"):
        file, attribute = name, "preset"
    if file.endswith(".py") and attribute.isidentifier():
        return _in_python_file(cwd / file, attribute)
    path = cwd / name
    if path.suffix.lower() in _TABLES or ("/" in name and path.is_dir()):
        raise PresetError(
            f"{printable(name)} is no preset; `tuitrain new {printable(name)}` looks at images or "
            "a table and writes a preset that trains them"
        )
    if "/" in name or name.endswith(".toml"):
        if not path.is_file():
            raise PresetError(f"{printable(name)}: there is no such preset file")
        return FoundPreset(path.stem, path, "file")
    found = _by_name(cwd, user_dir)
    if name not in found:
        near = nearest(name, found)
        hint = f" did you mean {one_of(near)}?" if near else ""
        raise PresetError(
            f"there is no preset {printable(name)!r};{hint} `tuitrain presets list` shows them all"
        )
    return found[name]


def _in_python_file(path: Path, attribute: str) -> FoundPreset:
    if not path.is_file():
        raise PresetError(f"{printable(str(path))}: there is no such Python file")
    return FoundPreset(path.stem, path, "file", attribute)


def preset_names(cwd: Path | None = None, user_dir: Path | None = None) -> list[str]:
    """Return the names of all presets, in alphabetical order, without reading them."""
    return sorted(_by_name(cwd or Path(), user_dir))


def list_presets(cwd: Path | None = None, user_dir: Path | None = None) -> list[ListedPreset]:
    """Return all presets in alphabetical order; a faulty one is listed with its first fault."""
    return [listed(found) for _, found in sorted(_by_name(cwd or Path(), user_dir).items())]


def listed(found: FoundPreset) -> ListedPreset:
    """Read a preset for a list."""
    from tuitrain.config.catalogue import read_catalogue
    from tuitrain.config.faults import InvalidPresetError
    from tuitrain.config.load import load_preset

    try:
        preset = load_preset(found.path)
    except InvalidPresetError as error:
        return ListedPreset(found, None, "", str(error.faults[0]))
    dataset = read_catalogue().find("dataset", preset.data.name)
    return ListedPreset(found, preset, dataset.download if dataset else "", "")


def _by_name(cwd: Path, user_dir: Path | None) -> dict[str, FoundPreset]:
    candidates: dict[str, list[tuple[Origin, Path]]] = {}
    for origin, folder in _folders(cwd, user_dir):
        for path in sorted(folder.glob("*.toml")):
            candidates.setdefault(path.stem, []).append((origin, path))
    return {
        name: FoundPreset(name, path, origin, shadowed=tuple(other for _, other in rest))
        for name, [(origin, path), *rest] in candidates.items()
    }


def _folders(cwd: Path, user_dir: Path | None) -> Iterator[tuple[Origin, Path]]:
    """Yield the folders in order of precedence; in a checkout ./presets are the built-in ones."""
    built_in = built_in_preset_directory()
    own: list[tuple[Origin, Path]] = [
        ("./presets", cwd / "presets"),
        ("user", (user_dir or config_directory()) / "presets"),
    ]
    yield from (item for item in own if item[1].resolve() != built_in.resolve())
    yield "built-in", built_in
