"""Names that have moved: their old modules still give them, and say where they are now."""

import importlib
import warnings
from typing import Any


def moved(old: str, homes: dict[str, str], name: str) -> Any:
    """Return what `name` stood for in a module whose names live elsewhere now.

    Args:
        old: the module's name.
        homes: the module where each of its names lives.
        name: what is looked up; the caller is the old module's `__getattr__`.

    Raises:
        AttributeError: the old module never had such a name.
    """
    if name not in homes:
        raise AttributeError(f"module {old!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(homes[name]), name)
    text = f"{old}.{name} is now {homes[name]}.{name}"
    warnings.warn(text, DeprecationWarning, stacklevel=3)
    return found
