"""The old place of what is now in `tuitrain.components`."""

from typing import Any

from tuitrain.training.deprecated import moved

_SOURCES = "tuitrain.training.data.sources"
_HOMES = {
    **dict.fromkeys(("Samples", "Splits", "DataSpec", "DataContext"), "tuitrain.components"),
    **dict.fromkeys(("Source", "sample_shape", "target_shape", "count"), _SOURCES),
}


def __getattr__(name: str) -> Any:
    return moved(__name__, _HOMES, name)
