"""Which classifiers `torchvision.models` and which optimizers `torch.optim` have, by their source.

Imports neither torchvision nor torch.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tuitrain.config.parsing import parse_python

Fields = Mapping[str, tuple[Any, Any]]
"""Annotation and default of each option."""
_OF_SECTION = ("self", "params", "lr", "weight_decay")
"""What the section `optimizer` gives itself."""


def find_torchvision() -> Path | None:
    """Return the folder of the installed torchvision, or None where there is none."""
    return _find("torchvision")


def find_torch() -> Path | None:
    """Return the folder of the installed torch, or None where there is none."""
    return _find("torch")


def _find(package: str) -> Path | None:
    spec = PathFinder.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


@lru_cache(maxsize=4)
def torchvision_model_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the models that are registered in `models/*.py` of a torchvision."""
    names: set[str] = set()
    for path in (folder / "models").glob("*.py"):
        names.update(_registered(path.read_text("utf-8")))
    return tuple(sorted(names))


def _registered(source: str) -> set[str]:
    return {
        _name_given(decorator) or node.name
        for node in parse_python(source).body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "register_model"
    }


def _name_given(decorator: ast.Call) -> str | None:
    values = [*decorator.args, *(word.value for word in decorator.keywords if word.arg == "name")]
    return str(ast.literal_eval(values[0])) if values else None


@lru_cache(maxsize=4)
def torch_optimizers(folder: Path) -> Mapping[str, Fields]:
    """Return the options of every optimizer in `optim/*.py` of a torch, by its class's name."""
    found: dict[str, Fields] = {}
    for path in sorted((folder / "optim").glob("*.py")):
        for node in parse_python(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and _bases(node) & {"Optimizer", *found, "Adam"}:
                found[node.name] = dict(_arguments(node))
    return {name: found[name] for name in sorted(found)}


def _bases(node: ast.ClassDef) -> set[str]:
    return {base.id for base in node.bases if isinstance(base, ast.Name)}


def _arguments(node: ast.ClassDef) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for function in node.body:
        if not isinstance(function, ast.FunctionDef) or function.name != "__init__":
            continue
        given = function.args
        plain = given.args[len(given.args) - len(given.defaults) :]
        pairs = [
            *zip(plain, given.defaults, strict=True),
            *zip(given.kwonlyargs, given.kw_defaults, strict=True),
        ]
        for argument, default in pairs:
            if argument.arg not in _OF_SECTION:
                yield argument.arg, _option(argument, default)


def _option(argument: ast.arg, default: ast.expr | None) -> tuple[Any, Any]:
    """Return an option's type and default; None: it is left to torch."""
    written = ast.unparse(argument.annotation) if argument.annotation is not None else ""
    value = _literal(default)
    kind = _type_of(written)
    if value is None or (isinstance(value, tuple) and None in value):
        return kind | None, None
    return kind, value


def _literal(node: ast.expr | None) -> Any:
    try:
        return ast.literal_eval(node) if node is not None else None
    except ValueError:  # a constant of the module
        return None


def _type_of(written: str) -> Any:
    if written.startswith("tuple["):
        number = written.count(",") + 1
        return Annotated[Sequence[float], Field(min_length=number, max_length=number)]
    for word, kind in (("float", float), ("int", int), ("bool", bool), ("str", str)):
        if word in written:
            return kind
    return Any
