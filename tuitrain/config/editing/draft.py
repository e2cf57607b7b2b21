"""A preset while somebody edits it: its text, and single values typed over it.

Pure values; knows nothing of forms, and reads no file.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tuitrain.config.catalogue import read_catalogue
from tuitrain.config.checking.components import SECTION_KINDS
from tuitrain.config.checking.keys import owner
from tuitrain.config.editing.shortest import toml_value
from tuitrain.config.faults import Fault, InvalidPresetError
from tuitrain.config.load import parse_preset
from tuitrain.config.overrides import Override, apply_overrides, read_value
from tuitrain.config.schema import Preset

NAME = "settings"
"""What messages call a text that lies in no file."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a draft amounts to: a preset, or what is wrong with it."""

    text: str
    """The whole of it as TOML."""
    preset: Preset | None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Settings under way."""

    text: str
    """A preset as TOML, which may be at fault."""
    typed: Mapping[str, str] = field(default_factory=dict)
    """What was typed over it, by dotted key; a key whose text is blank keeps its value."""

    def type_over(self, key: str, text: str) -> "Draft":
        """Return the draft with a value typed over the one of the text."""
        return replace(self, typed={**self.typed, key: text})

    def check(self) -> Checked:
        """Return the preset that this is, or every fault of it."""
        try:
            text = self._written()
            return Checked(text, parse_preset(text, NAME))
        except InvalidPresetError as error:
            return Checked(self._written() if self._is_toml() else self.text, None, error.faults)

    def _is_toml(self) -> bool:
        try:
            tomllib.loads(self.text)
        except (tomllib.TOMLDecodeError, RecursionError):
            return False
        return True

    def _written(self) -> str:
        """Return the text with what was typed over it."""
        typed = {key: text for key, text in self.typed.items() if text.strip()}
        if not typed or not self._is_toml():
            return self.text
        import tomli_w

        values = tomllib.loads(self.text)
        overrides = [
            Override(tuple(key.split(".")), read_value(text), text) for key, text in typed.items()
        ]
        for override in overrides:
            _drop_options(values, override)
        return tomli_w.dumps(apply_overrides(values, overrides)[0])


def value_text(values: Mapping[str, Any], key: str) -> str:
    """Return the value at a dotted key as somebody would type it; empty where there is none."""
    found: Any = values
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        return ""
    return toml_value(found) if isinstance(found, bool | list | tuple | dict) else str(found)


def _drop_options(values: dict[str, Any], override: Override) -> None:
    """Take away the options that a section's new component does not know."""
    section, *rest = override.path
    table, kind = values.get(section), SECTION_KINDS.get(section)
    if rest != ["name"] or kind is None or not isinstance(table, dict):
        return
    info = read_catalogue().find(kind, str(override.value))
    if info is None or table.get("name") == override.value:
        return
    known = {*owner(override.path).model_fields, *info.fields}
    values[section] = {key: value for key, value in table.items() if key in known}
