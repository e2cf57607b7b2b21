"""Which classifiers `torchvision.models` has, read from its source.

Does not import torchvision, which loads torch.
"""

import ast
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path


def find_torchvision() -> Path | None:
    """Return the folder of the installed torchvision, or None where there is none."""
    spec = PathFinder.find_spec("torchvision")
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
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "register_model"
    }


def _name_given(decorator: ast.Call) -> str | None:
    values = [*decorator.args, *(word.value for word in decorator.keywords if word.arg == "name")]
    return str(ast.literal_eval(values[0])) if values else None
