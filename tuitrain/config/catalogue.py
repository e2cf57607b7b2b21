"""Which components exist and which options they take, read from their source.

Imports none of them, as they import torch: a component is one decorated function whose
keyword-only parameters are its options. Knows nothing of presets.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import pydantic
from pydantic import BaseModel, ConfigDict, create_model

from tuitrain.config import schema

Kind = Literal["dataset", "model", "loss", "optimizer", "schedule", "augmentation", "hook"]
KINDS: tuple[Kind, ...] = get_args(Kind)
COMPONENT_FOLDER = Path(__file__).parent.parent / "components"

_ANNOTATION_NAMES: dict[str, Any] = {
    "__builtins__": {},
    "Annotated": Annotated,
    "Field": pydantic.Field,
    "Fraction": schema.Fraction,
    "Literal": Literal,
    "NonNegativeFloat": pydantic.NonNegativeFloat,
    "NonNegativeInt": schema.NonNegativeInt,
    "PositiveFloat": pydantic.PositiveFloat,
    "PositiveInt": schema.PositiveInt,
    "Sequence": Sequence,
    "bool": bool,
    "float": float,
    "int": int,
    "str": str,
}


@dataclass(frozen=True)
class ComponentInfo:
    """A component as its source describes it."""

    kind: Kind
    name: str
    description: str
    fields: Mapping[str, tuple[Any, Any]]
    """Annotation and default of each option; the default `...` marks a required one."""
    download: str = ""
    """What is fetched on first use; empty: nothing."""
    tasks: tuple[str, ...] = ()
    """The tasks it fits; empty: all."""

    @cached_property
    def options(self) -> type[BaseModel]:
        """The options as a pydantic model, strict and closed."""
        config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
        fields = cast(dict[str, Any], dict(self.fields))
        return create_model(f"{self.name} {self.kind}", __config__=config, **fields)


@dataclass(frozen=True)
class Catalogue:
    """All components of a folder."""

    components: Mapping[tuple[Kind, str], ComponentInfo]

    def find(self, kind: Kind, name: str) -> ComponentInfo | None:
        """Return a component, or None where no such one is registered."""
        return self.components.get((kind, name))

    def of_kind(self, kind: Kind) -> list[ComponentInfo]:
        """Return the components of one kind, in the order of their source."""
        return [info for (of, _), info in self.components.items() if of == kind]


@lru_cache(maxsize=8)
def read_catalogue(folder: Path = COMPONENT_FOLDER) -> Catalogue:
    """Read every component in the `.py` files of a folder and of those in it.

    Raises:
        ValueError: a component is registered twice, or its source does not keep to the convention.
    """
    components: dict[tuple[Kind, str], ComponentInfo] = {}
    for path in sorted(folder.rglob("*.py")):
        for info in read_components(path.read_text("utf-8"), str(path)):
            if components.setdefault((info.kind, info.name), info) is not info:
                raise ValueError(f"{path}: {info.kind} {info.name!r} is registered twice")
    return Catalogue(components)


def read_components(source: str, file: str) -> Iterator[ComponentInfo]:
    """Yield the components that a source text registers.

    Raises:
        ValueError: a component does not keep to the convention; the text names file and line.
    """
    for node in ast.parse(source, file).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if _kind_of(decorator) is not None:
                try:
                    yield _read_component(node, cast(ast.Call, decorator))
                except (ValueError, NameError, TypeError, SyntaxError, IndexError) as error:
                    raise ValueError(f"{file}:{node.lineno}: {node.name}: {error}") from error


def _kind_of(decorator: ast.expr) -> Kind | None:
    match decorator:
        case ast.Call(func=ast.Name(id=name)) if name in KINDS:
            return name
        case _:
            return None


def _read_component(node: ast.FunctionDef, decorator: ast.Call) -> ComponentInfo:
    metadata = {str(word.arg): ast.literal_eval(word.value) for word in decorator.keywords}
    docstring = ast.get_docstring(node)
    if not docstring:
        raise ValueError("a component needs a docstring; its first line is the description")
    return ComponentInfo(
        kind=cast(Kind, _kind_of(decorator)),
        name=str(ast.literal_eval(decorator.args[0])),
        description=docstring.splitlines()[0],
        fields=dict(_read_options(node.args)),
        download=metadata.pop("download", ""),
        tasks=tuple(metadata.pop("tasks", ())),
        **metadata,
    )


def _read_options(arguments: ast.arguments) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if argument.annotation is None:
            raise ValueError(f"the option {argument.arg!r} has no annotation")
        code = compile(ast.Expression(argument.annotation), "<annotation>", "eval")
        value = ... if default is None else ast.literal_eval(default)
        yield argument.arg, (eval(code, dict(_ANNOTATION_NAMES)), value)
