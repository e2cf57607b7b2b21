"""From a preset's values as Python has them to values that TOML can hold.

A class or function becomes the name by which a worker imports it again, `package.module:Name`.
Imports nothing of the user's itself.
"""

import functools
import importlib
import inspect
from collections.abc import Mapping
from datetime import date, time
from pathlib import PurePath
from types import ModuleType
from typing import Any

_COMPONENTS = ("data", "model", "loss", "optimizer", "schedule")
"""Sections that pick a component."""
_LISTS = {"data.augment", "hooks"}
"""Lists of components."""


class NotPlainError(Exception):
    """A value that no preset can hold; the text is one sentence without its place's file."""


def plain_preset(values: Mapping[str, Any], module: ModuleType) -> dict[str, Any]:
    """Return a preset's values for TOML.

    Args:
        values: sections and keys as in a TOML file, with classes and functions in place of names.
        module: the file's; what has no name of its own is looked for in it.

    Raises:
        NotPlainError: a value is neither, or can't be imported again.
    """
    plain: dict[str, Any] = {}
    for key, value in values.items():
        if key in _COMPONENTS:
            plain[key] = _component(value, str(key), module)
        elif key in _LISTS:
            plain[key] = _list(value, str(key), module)
        elif key == "task":
            plain[key] = value if isinstance(value, str) else _name(value, "task", module)
        elif value is not None:
            plain[str(key)] = _plain(value, str(key))
    return plain


def _component(value: Any, path: str, module: ModuleType) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if not isinstance(value, Mapping):
        return {"name": _name(value, path, module)}
    plain: dict[str, Any] = {}
    for key, item in value.items():
        place = f"{path}.{key}"
        if place in _LISTS:
            plain[str(key)] = _list(item, place, module)
        elif key == "name" and not isinstance(item, str):
            plain["name"] = _name(item, place, module)
        elif item is not None:
            plain[str(key)] = _plain(item, place)
    return plain


def _list(value: Any, path: str, module: ModuleType) -> Any:
    if not isinstance(value, list | tuple):
        raise NotPlainError(f"{path}: found {_kind(value)}, must be a list")
    return [_component(item, f"{path}[{place}]", module) for place, item in enumerate(value)]


def _plain(value: Any, path: str) -> Any:
    """Return a setting as TOML has it."""
    if isinstance(value, bool | int | float | str | date | time):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{place}]") for place, item in enumerate(value)]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        # A number of numpy's or torch's.
        return value.item()
    raise NotPlainError(
        f"{path}: found {_kind(value)}, must be a number, text, true or false, or a list or table "
        "of them: a preset holds code only in a section's name, so make this inside that function"
    )


def _name(value: Any, path: str, module: ModuleType) -> str:
    """Return what imports a class or function again.

    Raises:
        NotPlainError: it is none, or is reachable under no name.
    """
    if not (inspect.isclass(value) or inspect.isroutine(value) or _is_partial(value)):
        raise NotPlainError(
            f"{path}: found {_kind(value)}, must be a class or function: each process of the run "
            "makes its own object by calling it"
        )
    parts = str(getattr(value, "__module__", None)).split(".")
    for number in range(1, len(parts) + 1):
        # The outermost package that has it is where it is documented: torch.nn, torch.optim.
        known = f"{'.'.join(parts[:number])}:{getattr(value, '__qualname__', '')}"
        if _leads_to(known, value):
            return known
    here = [name for name, held in vars(module).items() if held is value]
    if here:
        return f"{module.__name__}:{here[0]}"
    raise NotPlainError(
        f"{path}: {_kind(value)} has no name by which it can be imported again: define it at the "
        "top level of the file"
    )


def _is_partial(value: Any) -> bool:
    return isinstance(value, functools.partial)


def _leads_to(name: str, value: Any) -> bool:
    module_name, _, attribute = name.partition(":")
    if module_name in ("None", "builtins", "__main__") or not attribute.isidentifier():
        return False
    try:
        module = importlib.import_module(module_name)
    except ImportError:
        return False
    return getattr(module, attribute, None) is value


def _kind(value: Any) -> str:
    if inspect.isclass(value):
        return f"the class {value.__qualname__}"
    if inspect.isroutine(value):
        return f"the function {value.__qualname__}"
    if value is None:
        return "None"
    kind = type(value)
    plain = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"an object of {plain}"
