"""Settings of a training as they lie beside its log, as plain values.

Of YAML only what Lightning writes for simple hyperparameters is read: a name and a value a line.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

HPARAMS = "hparams.yaml"
_WORDS: Mapping[str, bool] = {"true": True, "false": False}
_NOTHING = frozenset({"", "null", "~", "none", "|", ">"})


def plain_value(text: str) -> Any:
    """Return a text as the number or truth value that it spells, else as it is."""
    stripped = text.strip()
    if stripped.lower() in _WORDS:
        return _WORDS[stripped.lower()]
    for kind in (int, float):
        try:
            return kind(stripped)
        except ValueError:
            continue
    return stripped.strip("'\"")


def hparams_beside(folder: Path) -> dict[str, Any]:
    """Return what Lightning's hparams.yaml in a folder says on its outer level; {} without one."""
    try:
        text = (folder / HPARAMS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        simple = bool(colon) and line[:1] not in (" ", "-", "#", "")
        if simple and value.strip().lower() not in _NOTHING and value.strip()[0] not in "[{&*!":
            found[name.strip().strip("'\"")] = plain_value(value)
    return found
