"""Where runs ran: code, packages, machine and data, and which of them are not the same.

From what is on record to words; knows nothing of databases or of screens.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Kind = Literal["code", "packages", "data", "machine"]

_META = ("host", "user", "cwd", "git_commit", "git_changes", "data_directory")
_FIELDS = (
    "tuitrain", "python", "torch", "torchvision", "numpy", "cuda", "cudnn", "platform", "device",
    "device_name", "cpu_count", "usable_cpus", "threads", "precision", "train_samples",
    "input_shape", "data_fingerprint",
)  # fmt: skip
_WORDS = {
    "cwd": "folder of the command", "git_commit": "git commit",
    "git_changes": "changes since the commit", "data_directory": "data sets in",
    "device_name": "device's name", "cpu_count": "CPUs", "usable_cpus": "CPUs it may use",
    "train_samples": "training samples", "input_shape": "shape of an input",
    "data_fingerprint": "fingerprint of the data", "cuda": "CUDA",
    "cudnn": "cuDNN", "precision": "numbers",
}  # fmt: skip
CODE = ("git commit", "changes since the commit", "tuitrain")
_PACKAGES = ("python", "torch", "torchvision", "numpy", "CUDA", "cuDNN")
_DATA = ("data sets in", "training samples", "shape of an input", "fingerprint of the data")


def environment(meta: Mapping[str, Any]) -> dict[str, str]:
    """Return where a run ran, in words by name; what is not known is left out."""
    known = {**{key: meta.get(key) for key in _META}, **meta.get("environment", {})}
    names = dict.fromkeys((*_META, *_FIELDS))
    return {
        _WORDS.get(name, name): _plain(known[name])
        for name in names
        if known.get(name) not in (None, "")
    }


def kind_of(name: str) -> Kind:
    """Return what a name of `environment` is about."""
    if name in CODE:
        return "code"
    if name in _PACKAGES:
        return "packages"
    return "data" if name in _DATA else "machine"


def differing_places(
    places: Sequence[Mapping[str, str]],
) -> dict[Kind, dict[str, tuple[str | None, ...]]]:
    """Return what is not the same in all runs, by kind and name: the value in each.

    A run of which nothing is known, as one that has not begun, differs in nothing.
    """
    known = [place for place in places if place]
    found: dict[Kind, dict[str, tuple[str | None, ...]]] = {}
    for name in dict.fromkeys(name for place in places for name in place):
        if len({place.get(name) for place in known}) > 1:
            values = tuple(place.get(name) for place in places)
            found.setdefault(kind_of(name), {})[name] = values
    return found


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return " x ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
