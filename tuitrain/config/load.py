"""Reads a preset: TOML and overrides in, a resolved `Preset` or every fault out.

Knows nothing of where presets are found.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuitrain.config.checking.validate import validate
from tuitrain.config.faults import Fault, InvalidPresetError
from tuitrain.config.schema import Preset
from tuitrain.config.source import Source, read_text
from tuitrain.config.wording import printable

if TYPE_CHECKING:
    from tuitrain.config.presets import FoundPreset


def load_preset(
    path: Path, overrides: Sequence[str] = (), alerts: Mapping[str, Any] | None = None
) -> Preset:
    """Read a preset file; every component option and every dependent default is filled in.

    Args:
        path: the file.
        overrides: KEY=VALUE texts.
        alerts: the user's own defaults for `[alerts]`, valid ones.

    Raises:
        PresetError: the file can't be read, or has faults; the text has a line for each.
        UsageError: an override is not of the form KEY=VALUE.
    """
    return parse_preset(read_text(path), str(path), overrides, alerts)


def load_found(
    found: "FoundPreset", overrides: Sequence[str] = (), alerts: Mapping[str, Any] | None = None
) -> Preset:
    """Do as `load_preset` with a preset that was found: in a TOML file, or in a Python file.

    Raises:
        PresetError: the file can't be read, or has faults; the text has a line for each.
        UsageError: an override is not of the form KEY=VALUE.
    """
    if not found.attribute:
        return load_preset(found.path, overrides, alerts)
    name = f"{found.path}:{found.attribute}"
    source = Source.of(name, found_text(found), overrides, has_lines=False)
    return validate(source, alerts or {})


def found_text(found: "FoundPreset") -> str:
    """Return a preset as TOML text: the file's own, or what a Python file amounts to.

    Raises:
        PresetError: the file can't be read.
    """
    if not found.attribute:
        return read_text(found.path)
    from tuitrain.config.python_preset.ask import read_python_preset

    return read_python_preset(found.path, found.attribute)


def parse_preset(
    text: str,
    source: str,
    overrides: Sequence[str] = (),
    alerts: Mapping[str, Any] | None = None,
) -> Preset:
    """Read a preset from TOML text; `source` is the file name for messages.

    Raises:
        PresetError: the text has faults; the error has a line for each.
        UsageError: an override is not of the form KEY=VALUE.
    """
    return validate(Source.of(source, text, overrides), alerts or {})


def check_file(path: Path) -> list[Fault]:
    """Return everything that is wrong with a preset file; nothing, if it is valid."""
    try:
        load_preset(path)
    except InvalidPresetError as error:
        return list(error.faults)
    return []


def check_found(found: "FoundPreset") -> list[Fault]:
    """Do as `check_file` with a preset that was found."""
    try:
        load_found(found)
    except InvalidPresetError as error:
        return list(error.faults)
    return []


def to_toml(preset: Preset) -> str:
    """Write a preset as TOML that reads back as the same preset, safe to show on a terminal."""
    import tomli_w

    text = tomli_w.dumps(_without_none(preset.model_dump()))
    # Only quoted text can hold a character that does not print, and there its escape means it.
    return printable(text, keep="\n")


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value
