"""Leaves the import of torch._dynamo until somebody compiles.

Every optimizer of torch imports it with its first step, for a graph break that only a compiled
program has: a second of start-up and 150 MiB for who compiles nothing (torch 2.14). It stands on
private parts of torch, all of them named here; where one of them is missing nothing is put off.
"""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_NAME = "torch._dynamo"
_DISABLED = "__dynamo_disable"
"""The attribute under which torch keeps what it has made of a function that it does not compile."""


_ANSWERS: dict[str, dict[str, Any]] = {
    "utils": {"get_optimize_ddp_mode": lambda: "ddp_optimizer"},
    "trace_rules": {"clear_lru_cache": lambda: None},
}
"""What torch.distributed asks of parts of it: a default, and to forget what nobody has made yet."""


class _LazyPart:
    """Stands in for a part of torch._dynamo; all but what it answers itself brings the real one."""

    def __init__(self, part: str) -> None:
        self._part = part
        vars(self).update(_ANSWERS[part])

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(f"{_NAME}.{self._part}"), name)


class _LazyDynamo(ModuleType):
    """Stands in for torch._dynamo while nothing is compiled; all else of it brings the real one."""

    def __init__(self) -> None:
        super().__init__(_NAME)
        self.__dict__["_given"] = []
        self.__dict__.update({part: _LazyPart(part) for part in _ANSWERS})

    def graph_break(self, *_given: Any, **_named: Any) -> None:
        """Do nothing, as torch does outside of a program that it compiles."""

    def disable(self, fn: Callable[..., Any], *_given: Any, **_named: Any) -> Callable[..., Any]:
        """Return the function: there is nobody yet to keep from compiling it."""
        self._given.append(fn)
        return fn

    def __getattr__(self, name: str) -> Any:
        if name == "__file__":
            # `inspect.stack`, which torch elastic calls, asks every module there is for its file.
            raise AttributeError(name)
        return getattr(self._load(), name)

    def _load(self) -> ModuleType:
        """Import torch._dynamo, and let torch ask it once more about what was given above."""
        import torch

        if sys.modules.get(_NAME) is self:
            del sys.modules[_NAME]
            if vars(torch).get("_dynamo") is self:
                del torch._dynamo
            for fn in self._given:
                vars(fn).pop(_DISABLED, None)
        return importlib.import_module(_NAME)


def put_off_dynamo() -> None:
    """Let torch._dynamo be imported by the first who compiles; call it once torch is imported."""
    import torch

    if _NAME not in sys.modules and hasattr(torch, "_disable_dynamo"):
        sys.modules[_NAME] = lazy = _LazyDynamo()
        # `import torch._dynamo` binds only the first part of the name.
        torch._dynamo = lazy


def bring_dynamo() -> None:
    """Import torch._dynamo now, where it was put off.

    For parts of torch that import it halfway through their own import, as FSDP2 and DTensor do.
    """
    lazy = sys.modules.get(_NAME)
    if isinstance(lazy, _LazyDynamo):
        lazy._load()
