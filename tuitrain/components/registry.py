"""Components by name: what a preset's `name` keys stand for.

A component is one decorated function in a folder of `tuitrain/components/`, whose keyword-only
parameters are its options; a task is one decorated class. Names and options are also read from
the source, without importing it, by `tuitrain.config.catalogue`.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from tuitrain.errors import TrainingError

Build = TypeVar("Build", bound=Callable[..., Any])


class Registry(Generic[Build]):
    """The components of one kind; an instance is the decorator that registers."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._builders: dict[str, Build] = {}

    def __call__(
        self,
        name: str,
        *,
        download: str = "",
        tasks: Sequence[str] = (),
        targets: Sequence[str] = (),
        larger_is_better: bool = False,
        terms: Sequence[str] = (),
    ) -> Callable[[Build], Build]:
        """Register a function under `name`.

        What else is given is for `tuitrain presets` and read there from the source.

        Args:
            name: as a preset's.
            download: what is fetched on first use.
            tasks: those it fits, where it does not fit all.
            targets: what a task's targets may be, as `Task.targets` says it: any of these.
            larger_is_better: of a metric.
            terms: of a loss that returns them by name.
        """
        del download, tasks, targets, larger_is_better, terms

        def add(build: Build) -> Build:
            if name in self._builders:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._builders[name] = build
            return build

        return add

    def find(self, name: str) -> Build:
        """Return the builder called `name`, or the user's own at `package.module:Name`.

        Raises:
            TrainingError: there is none, or the user's code can't be imported.
        """
        if ":" in name:
            found: Build = import_own(name, self.kind)
            return found
        import_components()
        if name not in self._builders:
            known = ", ".join(sorted(self._builders))
            raise TrainingError(f"there is no {self.kind} called {name!r}; known: {known}")
        return self._builders[name]


def import_components() -> None:
    """Import every module of the package: a component may lie in any of them."""
    from tuitrain import components

    for module in pkgutil.walk_packages(components.__path__, f"{components.__name__}."):
        importlib.import_module(module.name)


def import_own(name: str, kind: str) -> Any:
    """Import `package.module:Name`.

    Raises:
        TrainingError: the module or the name in it does not exist, or its import failed.
    """
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise TrainingError(
            f"the {kind} {name!r} can't be imported: {error}; its folder must be the preset "
            "file's or the one you are in, or the package must be installed"
        ) from error
    if not hasattr(module, attribute):
        raise TrainingError(f"the module {module_name!r} has no {attribute!r}, needed as {kind}")
    return getattr(module, attribute)


def takes_context(build: Callable[..., Any]) -> bool:
    """Return whether a builder has a positional argument that must be given."""
    return bool(required_arguments(build))


def required_arguments(build: Callable[..., Any]) -> list[str]:
    """Return the names of the positional arguments that must be given."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(build).parameters.values()
    except ValueError:  # some of python's own types have none
        return []
    return [p.name for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty]


model: Registry[Callable[..., Any]] = Registry("model")
dataset: Registry[Callable[..., Any]] = Registry("dataset")
loss: Registry[Callable[..., Any]] = Registry("loss")
optimizer: Registry[Callable[..., Any]] = Registry("optimizer")
schedule: Registry[Callable[..., Any]] = Registry("schedule")
augmentation: Registry[Callable[..., Any]] = Registry("augmentation")
hook: Registry[Callable[..., Any]] = Registry("hook")
metric: Registry[Callable[..., Any]] = Registry("metric")
task: Registry[Callable[..., Any]] = Registry("task")
