"""Weights for a run to begin with: from a checkpoint, a plain state dict or a safetensors file.

Reads tensors by name and puts those into a model that fit it. Knows nothing of the rest of a run.
"""

import json
import math
import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tuitrain.errors import CheckpointError, TrainingError
from tuitrain.training.checkpoints.files import load_checkpoint
from tuitrain.training.checkpoints.sharded import cut_like

SAFETENSORS_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""The types of the format that torch has, by the format's names."""
_HEADER_BYTES = 100 * 1024 * 1024
"""The largest header that the format allows."""
_WRAPPERS = ("model", "state_dict", "model_state_dict")
"""Under which of these others keep the weights beside the rest of a checkpoint."""
_PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Fitting:
    """Which of a file's weights a model took."""

    taken: int
    missing: tuple[str, ...]
    """Names of the model that the file lacks."""
    unexpected: tuple[str, ...]
    """Names of the file that the model lacks."""
    shapes: tuple[str, ...]
    """Names of both with different shapes, and which."""

    @property
    def is_whole(self) -> bool:
        """Whether every name fits."""
        return not (self.missing or self.unexpected or self.shapes)

    def text(self) -> str:
        """Return in words how many were taken, and what was not."""
        of = self.taken + len(self.missing) + len(self.shapes)
        parts = [f"{self.taken} of the model's {of} weights were taken"]
        for what, names in (
            ("not in the file", self.missing),
            ("only in the file", self.unexpected),
            ("of another shape", self.shapes),
        ):
            if names:
                more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
                parts.append(f"{what}: {', '.join(names[:_LISTED])}{more}")
        return "; ".join(parts)


def begin_with(model: nn.Module, path: Path, sharded: bool = False) -> Fitting:
    """Put a file's weights into a model where name and shape are the same.

    Raises:
        CheckpointError: the file can't be read, or is no file of weights.
        TrainingError: none of its weights fits the model.
    """
    own = model.state_dict()
    try:
        weights = _without_prefix(read_weights(path), own)
    except CheckpointError as error:
        raise CheckpointError(f"train.weights_from = {error}") from error
    fits = {name: w for name, w in weights.items() if name in own and w.shape == own[name].shape}
    fitting = Fitting(
        len(fits),
        tuple(name for name in own if name not in weights),
        tuple(name for name in weights if name not in own),
        tuple(
            f"{name} ({_shape(w)} in the file, {_shape(own[name])} in the model)"
            for name, w in weights.items()
            if name in own and name not in fits
        ),
    )
    if not any(name in fits for name, _parameter in model.named_parameters()):
        raise TrainingError(
            f"train.weights_from = {path}: its weights are not of this model, as none fits by name "
            f"and shape; {fitting.text()}"
        )
    model.load_state_dict({**own, **(cut_like(fits, own) if sharded else fits)})
    return fitting


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def _without_prefix(weights: dict[str, Tensor], own: Mapping[str, Any]) -> dict[str, Tensor]:
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in weights) and not any(
            name.startswith(prefix) for name in own
        ):
            weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
    return weights


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file's weights by name, onto the CPU; it runs no code that the file may hold.

    Takes a checkpoint of tuitrain, what `torch.save` wrote of a state dict or of a dict with one
    under `model`, `state_dict` or `model_state_dict`, or a safetensors file.

    Raises:
        CheckpointError: the file can't be read, or is none of these.
    """
    try:
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        if path.is_dir():
            return _weights_in(load_checkpoint(path)["model"], path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror or error}") from error
    except pickle.UnpicklingError:
        # What a checkpoint of ours may hold beside tensors is known there.
        return _weights_in(load_checkpoint(path)["model"], path)
    except Exception as error:
        # In a file that is something else torch and pickle stumble over nearly anything.
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path} is no file of weights, or damaged: {first}") from error
    if isinstance(found, dict) and {"format", "digest", "model"} <= found.keys():
        found = load_checkpoint(path)
    return _weights_in(found, path)


def _weights_in(found: Any, path: Path) -> dict[str, Tensor]:
    if isinstance(found, dict):
        inner = next((found[key] for key in _WRAPPERS if isinstance(found.get(key), dict)), found)
        # An extra state or a version number beside the weights is no weight.
        weights = {str(name): w for name, w in inner.items() if isinstance(w, Tensor)}
        if weights:
            return weights
    raise CheckpointError(
        f"{path} holds no weights: it must be a state dict, a dict with one under "
        f"{', '.join(_WRAPPERS)}, a checkpoint of tuitrain or a .safetensors file"
    )


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read the format of https://huggingface.co/docs/safetensors: a header in JSON, then bytes.

    Raises:
        ValueError: the file is not of that format.
        OSError: it can't be read.
    """
    data = bytearray(path.read_bytes())
    if len(data) < 8:
        raise ValueError("it has less than 8 bytes")
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(len(data) - 8, _HEADER_BYTES):
        raise ValueError(f"its header of {length:,} bytes does not fit into it")
    header = json.loads(data[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    start = 8 + length
    return {
        str(name): _tensor(name, entry, data, start)
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _tensor(name: str, entry: Any, data: bytearray, start: int) -> Tensor:
    try:
        kind, shape, (first, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{name} has no dtype, shape and data_offsets in its header") from error
    if kind not in SAFETENSORS_TYPES:
        raise ValueError(f"{name} is of type {kind}, known: {', '.join(SAFETENSORS_TYPES)}")
    type_ = SAFETENSORS_TYPES[kind]
    sound = all(isinstance(n, int) and n >= 0 for n in (*shape, first, end))
    number = math.prod(shape) if sound else 0
    if not sound or end - first != number * type_.itemsize or start + end > len(data):
        raise ValueError(f"{name} has a shape and a place that do not fit each other or the file")
    if not number:
        return torch.empty(shape, dtype=type_)
    flat = torch.frombuffer(data, dtype=torch.uint8, count=end - first, offset=start + first)
    # A copy, as a tensor of another type must begin at a multiple of its size.
    return flat.clone().view(type_).reshape(shape)
