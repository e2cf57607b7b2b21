"""Which components exist and which options they take, read from their source.

Imports none of them, as they import torch: a component is one decorated function whose
keyword-only parameters are its options, a task one decorated class with literals. Knows nothing
of presets.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import pydantic
from pydantic import BaseModel, ConfigDict, create_model

from tuitrain.config import schema
from tuitrain.config.parsing import parse_python

Kind = Literal[
    "dataset", "model", "loss", "optimizer", "schedule", "augmentation", "hook", "metric"
]
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
    "Share": schema.Share,
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
    targets: tuple[str, ...] = ()
    """What a task's targets may be, any of these; empty: anything."""
    larger_is_better: bool = False
    """Of a metric."""
    terms: tuple[str, ...] = ()
    """Of a loss that returns them by name."""

    def fits(self, task: "TaskInfo") -> bool:
        """Return whether it can be used in a task."""
        return (not self.tasks or task.name in self.tasks) and self.takes_targets_of(task)

    def takes_targets_of(self, task: "TaskInfo") -> bool:
        """Return whether a task's targets are what it needs, or the task does not say."""
        if not (self.targets and task.target_kinds):
            return True
        return bool(task.target_kinds & set(self.targets))

    @cached_property
    def options(self) -> type[BaseModel]:
        """The options as a pydantic model, strict and closed."""
        config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
        fields = cast(dict[str, Any], dict(self.fields))
        return create_model(f"{self.name} {self.kind}", __config__=config, **fields)


@dataclass(frozen=True)
class TaskInfo:
    """A task as the literals of its class describe it."""

    name: str
    description: str
    metrics: tuple[str, ...]
    """What an evaluation gives beside the loss."""
    train_metric: str
    larger_is_better: tuple[str, ...] = ()
    monitor: str = "val/loss"
    """What decides which checkpoint is best, where a preset does not say."""
    loss: str = ""
    """Of a preset that names none; empty: it must name one."""
    has_classes: bool = False
    targets: tuple[str, ...] = ()
    takes_data_of: tuple[str, ...] = ()
    """Tasks whose data sets fit it as well."""

    @property
    def target_kinds(self) -> frozenset[str]:
        """What its targets are; empty where it does not say."""
        return frozenset(self.targets) | ({"classes"} if self.has_classes else set())

    @property
    def watched(self) -> tuple[str, ...]:
        """The metrics that `checkpoint.monitor` and `stop.monitor` can watch."""
        values = ("val/loss", *(f"val/{name}" for name in self.metrics))
        return (*values, "train/loss", f"train/{self.train_metric}")


@dataclass(frozen=True)
class Catalogue:
    """All components and tasks of a folder."""

    components: Mapping[tuple[Kind, str], ComponentInfo]
    tasks: Mapping[str, TaskInfo]

    def find(self, kind: Kind, name: str) -> ComponentInfo | None:
        """Return a component, or None where no such one is registered."""
        return self.components.get((kind, name))

    def of_kind(self, kind: Kind) -> list[ComponentInfo]:
        """Return the components of one kind, in the order of their source."""
        return [info for (of, _), info in self.components.items() if of == kind]


_TASK_KEYS = {field.name for field in fields(TaskInfo)} - {"name", "description"}
"""What a task may say of itself by literals."""


@lru_cache(maxsize=8)
def read_catalogue(folder: Path = COMPONENT_FOLDER) -> Catalogue:
    """Read every component in the `.py` files of a folder and of those in it.

    Raises:
        ValueError: a component is registered twice, or its source does not keep to the convention.
    """
    components: dict[tuple[Kind, str], ComponentInfo] = {}
    tasks: dict[str, TaskInfo] = {}
    for path in sorted(folder.rglob("*.py")):
        for info in read_components(path.read_text("utf-8"), str(path)):
            if isinstance(info, TaskInfo):
                kept: object = tasks.setdefault(info.name, info)
            else:
                kept = components.setdefault((info.kind, info.name), info)
            if kept is not info:
                kind = "task" if isinstance(info, TaskInfo) else info.kind
                raise ValueError(f"{path}: {kind} {info.name!r} is registered twice")
    return Catalogue(components, tasks)


def read_components(source: str, file: str) -> Iterator[ComponentInfo | TaskInfo]:
    """Yield the components and tasks that a source text registers.

    Raises:
        ValueError: a component does not keep to the convention; the text names file and line.
    """
    for node in parse_python(source, file).body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            if _kind_of(decorator) is not None:
                try:
                    yield _read(node, cast(ast.Call, decorator))
                except (ValueError, NameError, TypeError, SyntaxError, IndexError) as error:
                    raise ValueError(f"{file}:{node.lineno}: {node.name}: {error}") from error


def _kind_of(decorator: ast.expr) -> Kind | Literal["task"] | None:
    match decorator:
        case ast.Call(func=ast.Name(id=name)) if name in (*KINDS, "task"):
            return cast(Kind | Literal["task"], name)
        case _:
            return None


def _read(node: ast.FunctionDef | ast.ClassDef, decorator: ast.Call) -> ComponentInfo | TaskInfo:
    if isinstance(node, ast.ClassDef) is not (_kind_of(decorator) == "task"):
        raise ValueError("a task is a class, every other component a function")
    if isinstance(node, ast.ClassDef):
        return _read_task(node, decorator)
    return _read_component(node, decorator)


def _description(node: ast.FunctionDef | ast.ClassDef) -> str:
    docstring = ast.get_docstring(node)
    if not docstring:
        raise ValueError("a component needs a docstring; its first line is the description")
    return docstring.splitlines()[0]


def _read_task(node: ast.ClassDef, decorator: ast.Call) -> TaskInfo:
    literals = dict(_read_literals(node))
    for key in ("metrics", "train_metric"):
        if key not in literals:
            raise ValueError(f"a task needs {key!r} as a literal in its class")
    name = str(ast.literal_eval(decorator.args[0]))
    return TaskInfo(name=name, description=_description(node), **literals)


def _read_literals(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    """Yield those of a task's attributes that it sets itself, written out."""
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=key)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=key), value=ast.expr() as value):
                pass
            case _:
                continue
        if key in _TASK_KEYS:
            yield key, ast.literal_eval(value)


def _read_component(node: ast.FunctionDef, decorator: ast.Call) -> ComponentInfo:
    metadata = {str(word.arg): ast.literal_eval(word.value) for word in decorator.keywords}
    return ComponentInfo(
        kind=cast(Kind, _kind_of(decorator)),
        name=str(ast.literal_eval(decorator.args[0])),
        description=_description(node),
        fields=dict(_read_options(node.args)),
        download=metadata.pop("download", ""),
        tasks=tuple(metadata.pop("tasks", ())),
        targets=tuple(metadata.pop("targets", ())),
        terms=tuple(metadata.pop("terms", ())),
        **metadata,
    )


def _read_options(arguments: ast.arguments) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if argument.annotation is None:
            raise ValueError(f"the option {argument.arg!r} has no annotation")
        code = compile(ast.Expression(argument.annotation), "<annotation>", "eval")
        value = ... if default is None else ast.literal_eval(default)
        yield argument.arg, (eval(code, dict(_ANNOTATION_NAMES)), value)
