"""Put on PYTHONPATH by `tuitrain exec`: Python imports it before the script begins.

Imports the standard library alone until the script imports what is of interest, runs the
`sitecustomize` that it stands before, and never fails: a script must start as if it were not there.
What is written here is understood by every Python 3.
"""

import importlib.abc
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, Optional

_HERE = Path(__file__).resolve().parent


class _OwnVersion(importlib.abc.MetaPathFinder):
    """Lets this very version be found, in a Python too that has no tuitrain, or another one."""

    def find_spec(
        self,
        fullname: str,
        path: Any = None,  # noqa: ARG002
        target: Any = None,
    ) -> Optional[ModuleSpec]:  # noqa: UP045
        """Find `tuitrain` alone."""
        if fullname != "tuitrain":
            return None
        return PathFinder.find_spec(fullname, [str(_HERE.parents[2])], target)


def _watch() -> None:
    try:
        sys.meta_path.insert(0, _OwnVersion())
        from tuitrain.script.begin import begin

        begin()
    except Exception as error:
        sys.stderr.write("tuitrain: not watched: {}: {}\n".format(type(error).__name__, error))  # noqa: UP032


def _run_shadowed() -> None:
    """Run the sitecustomize that would have been found without this one."""
    others = [place for place in sys.path if Path(place or ".").resolve() != _HERE]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


if os.environ.get("TUITRAIN_FD"):
    _watch()
_run_shadowed()
