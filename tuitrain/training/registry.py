"""The old place of what is now in `tuitrain.components.registry`."""

from typing import Any

from tuitrain.training.deprecated import moved

_NAMES = (
    "Registry", "import_own", "takes_context", "model", "dataset", "loss", "optimizer", "schedule",
    "augmentation", "hook",
)  # fmt: skip
_HOMES = dict.fromkeys(_NAMES, "tuitrain.components.registry")


def __getattr__(name: str) -> Any:
    return moved(__name__, _HOMES, name)
