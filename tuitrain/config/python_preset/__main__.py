"""`python -m tuitrain.config.python_preset FILE NAME`: prints the preset of a Python file as JSON.

One line on stdout: `{"toml": TEXT}` or `{"error": TEXT}`; what the file prints goes to stderr.
"""

import importlib
import inspect
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tuitrain.config.load import to_toml
from tuitrain.config.python_preset.plain import NotPlainError, plain_preset
from tuitrain.config.schema import Preset

_TAKEN = sys.stdlib_module_names | {"tuitrain", "torch", "torchvision", "numpy", "sklearn"}


def main(file: str, attribute: str) -> int:
    """Print the preset called `attribute` in a file; return the exit code."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    path = Path(file)
    try:
        told = {"toml": _toml(path, attribute)}
    except NotPlainError as error:
        told = {"error": str(error)}
    except BaseException as error:
        # The user's own code may raise anything, SystemExit too.
        told = {"error": _raised(error, path)}
    answers.write(json.dumps(told) + "\n")
    answers.flush()
    return 0


def _toml(path: Path, attribute: str) -> str:
    import tomli_w

    module = _import(path)
    found = _called(_attribute(module, attribute), attribute)
    if isinstance(found, Preset):
        return to_toml(found)
    if not isinstance(found, Mapping):
        kind = type(found).__name__
        raise NotPlainError(
            f"is an object of {kind}; must be a dict with the sections of a preset, a "
            "tuitrain.config.schema.Preset, or a function without arguments that returns one"
        )
    # A name is what a TOML file has to say; here the file says it.
    named = {"name": _run_name(path.stem), **found}
    return tomli_w.dumps(plain_preset(named, module))


def _import(path: Path) -> ModuleType:
    if not path.stem.isidentifier() or path.stem in _TAKEN:
        raise NotPlainError(
            f"a run imports this file by its name, and {path.stem!r} can't be: rename it to one of "
            "letters, digits and underscores that is no module of python's, e.g. my_train.py"
        )
    sys.path[:0] = [str(path.parent.absolute()), str(Path.cwd())]
    return importlib.import_module(path.stem)


def _attribute(module: ModuleType, attribute: str) -> Any:
    if hasattr(module, attribute):
        return getattr(module, attribute)
    dicts = [name for name, held in vars(module).items() if isinstance(held, dict | Preset)]
    there = ", ".join(name for name in dicts if not name.startswith("_")) or "none"
    raise NotPlainError(f"the file has nothing of that name; presets in it: {there}")


def _called(found: Any, attribute: str) -> Any:
    if not inspect.isroutine(found):
        return found
    function: Callable[[], Any] = found
    needed = [
        name
        for name, each in inspect.signature(function).parameters.items()
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    if needed:
        raise NotPlainError(
            f"the function {attribute} needs {', '.join(needed)}; a preset's function takes no "
            "arguments"
        )
    return function()


def _run_name(stem: str) -> str:
    """Return a file's name as a preset may be called."""
    name = re.sub(r"[^a-z0-9._-]+", "-", stem.lower().replace("_", "-")).strip("-._")
    return name[:64] or "preset"


def _raised(error: BaseException, path: Path) -> str:
    """Return what a file raised, with its line there."""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    words = (text.strip().splitlines() or [""])[0]
    said = f"{type(error).__name__}: {words}" if words else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if Path(frame.filename).name == path.name]
    line = error.lineno if isinstance(error, SyntaxError) else own[-1] if own else None
    return f"the file can't be used: {said}{'' if line is None else f' (line {line})'}"


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
