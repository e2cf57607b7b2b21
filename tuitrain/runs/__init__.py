"""The run directory and its database: create, write, read, reduce, list.

Knows nothing of terminals, of torch, or of how events and commands travel. As a word of the
Python API it is a function too: `tuitrain.runs()` returns every run.
"""

import importlib
import sys
from types import ModuleType
from typing import Any


class _Runs(ModuleType):
    """This package, called as the function of `tuitrain.api` that has its name.

    A package of this name is an attribute of `tuitrain` from its first import on, whatever
    `tuitrain` itself would have under it. Nothing of this package knows the API but this.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return importlib.import_module("tuitrain.api").runs(*args, **kwargs)


sys.modules[__name__].__class__ = _Runs
