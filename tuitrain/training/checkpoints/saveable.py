"""What may stand in a checkpoint: data that `torch.load(weights_only=True)` reads back.

A file that runs code when it is opened is no record to hand on, so the state of a user's part is
limited to tensors, numbers, texts, times, numpy arrays and nested containers of them.
"""

import datetime
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tuitrain.errors import TrainingError

_NUMBERS = (np.bool_, np.number)
_TIMES = (datetime.datetime, datetime.date, datetime.timedelta)
_NUMBERS_AND_TEXTS = (type(None), bool, int, float, complex, str, bytes, bytearray)
_SINGLE = frozenset((*_NUMBERS_AND_TEXTS, torch.dtype, torch.device, torch.Size, *_TIMES))
_MANY = (list, tuple, set, frozenset)
_KEYED = (dict, OrderedDict, Counter)
_TENSORS = (Tensor, nn.Parameter, nn.Buffer)

SAFE_GLOBALS: list[Any] = [
    *_TIMES,
    frozenset,
    # What numpy pickles arrays and numbers by; its place differs between numpy's versions.
    np.zeros(0).__reduce__()[0],
    np.float64(0).__reduce__()[0],
    np.ndarray,
    np.dtype,
    *(type(np.dtype(code)) for code in "?bBhHiIlLqQefdgFDG"),
]
"""What a checkpoint may name beyond what torch allows: each builds plain data and nothing else."""

Place = tuple[Any, ...]


def unsaveable(state: Any, place: Place = ()) -> Iterator[tuple[str, str]]:
    """Yield (where, type) of each value that could not be read back."""
    kind = type(state)
    if kind in _KEYED:
        for key, item in state.items():
            yield from unsaveable(item, (*place, key))
            if type(key) not in _SINGLE and kind is not Counter:
                yield (_path((*place, "a key")), _named(type(key)))
    elif kind in _MANY:
        for number, item in enumerate(state):
            yield from unsaveable(item, (*place, number))
    elif not (kind in _SINGLE or _is_tensor(state) or _is_numeric(state)):
        yield (_path(place), _named(kind))


def require_saveable(state: Any, step: int) -> None:
    """Refuse a state that could be written but never be loaded again.

    Raises:
        TrainingError: the text says which value of which part it is.
    """
    found = list(unsaveable(state))
    if found:
        where, kind = found[0]
        more = f" ({len(found) - 1} more like it)" if len(found) > 1 else ""
        raise TrainingError(
            f"a checkpoint of step {step} could not be loaded again: {where} is a {kind}{more}; a "
            "part's state may hold tensors, numbers, texts, times, numpy arrays and lists, tuples, "
            "sets and dicts of them: keep it in those, or give the part state_dict and "
            "load_state_dict that do"
        )


def _is_tensor(value: Any) -> bool:
    """Return whether it is one that is written as it is, or that is made whole for that."""
    return type(value) in _TENSORS or hasattr(value, "full_tensor")


def _is_numeric(value: Any) -> bool:
    """Return whether it is numpy's, and holds numbers: texts and objects it pickles as code."""
    return isinstance(value, _NUMBERS) or (
        type(value) is np.ndarray and value.dtype.kind in "?biufc"
    )


def _path(place: Place) -> str:
    first, *rest = place or ("it",)
    return str(first) + "".join(f"[{key!r}]" for key in rest)


def _named(kind: type) -> str:
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return module + kind.__qualname__


def copy_nested(state: Any, copy: Callable[[Tensor, Place], Tensor], place: Place = ()) -> Any:
    """Return nested data with every tensor replaced by its copy and every container a new one."""
    if isinstance(state, Tensor):
        return copy(state, place)
    kind = type(state)
    if kind in _KEYED:
        items = {key: copy_nested(item, copy, (*place, key)) for key, item in state.items()}
        copied = items if kind is dict else kind(items)
        if hasattr(state, "_metadata"):
            # Versions of modules: a module of a newer version migrates an older state by them.
            vars(copied)["_metadata"] = vars(state)["_metadata"]
        return copied
    if kind in _MANY:
        return kind(copy_nested(item, copy, (*place, n)) for n, item in enumerate(state))
    return state.copy() if isinstance(state, np.ndarray | bytearray) else state


def digest_state(state: Any) -> str:
    """Return the sha256 of a module's state: of each name in order, its type, shape and bytes."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(f"{name} ".encode())
        for part in _parts(state[name]):
            digest.update(part)
    return digest.hexdigest()


def _parts(value: Any) -> Iterable[Any]:
    """Yield the bytes that stand for a value; equal values have equal ones in every process."""
    if isinstance(value, Tensor):
        yield from _parts_of_tensor(value)
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype.name} {value.shape}\n".encode()
        yield value.astype(value.dtype.newbyteorder("=")).tobytes()
    elif isinstance(value, _KEYED):
        for key, item in value.items():
            yield f"{key!r}:".encode()
            yield from _parts(item)
    elif isinstance(value, set | frozenset):
        yield repr(sorted(value, key=repr)).encode()
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)
            yield b","
    else:
        yield f"{value!r}\n".encode()


def _parts_of_tensor(value: Tensor) -> Iterable[Any]:
    value = value.detach().cpu()
    if value.layout is not torch.strided:
        value = value.to_dense()
    if value.is_quantized:
        value = value.int_repr()
    yield f"{value.dtype} {tuple(value.shape)}\n".encode()
    yield value.contiguous().reshape(-1).view(torch.uint8).numpy().data
