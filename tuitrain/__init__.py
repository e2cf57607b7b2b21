"""tuitrain: launch, watch and control PyTorch training runs in the terminal.

In a training loop `tuitrain.init` makes the process a run; in a notebook `tuitrain.runs` finds the
runs there are. Importing this imports nothing else: what is named is loaded when it is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuitrain.api import RecordedRun, find, runs
    from tuitrain.script.api import Run, init
    from tuitrain.script.media import Histogram, Image, Text
    from tuitrain.script.stop import Stop

__version__ = "0.1.0"
__all__ = [
    "Histogram", "Image", "RecordedRun", "Run", "Stop", "Text", "__version__", "find", "init",
    "runs",
]  # fmt: skip

_HOMES = {
    "init": "tuitrain.script.api",
    "Run": "tuitrain.script.api",
    "Stop": "tuitrain.script.stop",
    "Image": "tuitrain.script.media",
    "Text": "tuitrain.script.media",
    "Histogram": "tuitrain.script.media",
    "find": "tuitrain.api",
    "RecordedRun": "tuitrain.api",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name == "runs":
        # A package that can be called: see there.
        return importlib.import_module("tuitrain.runs")
    if name not in _HOMES:
        raise AttributeError(f"module 'tuitrain' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
