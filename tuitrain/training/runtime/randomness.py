"""The order of an epoch, and the state of what is random else than by `components.draw`.

Order and augmentation are functions of those numbers, so neither the number of loader workers,
nor a resume, nor the device changes them. Dropout and a user's own draws use torch's, numpy's and
python's generators, whose states a checkpoint holds.
"""

import random
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from tuitrain.components.draw import Draw, derive

__all__ = [
    "Draw", "derive", "epoch_order", "generator_states", "restore_generators", "seed_everything",
]  # fmt: skip

_NumpyState = tuple[str, np.ndarray, int, int, float]


def epoch_order(seed: int, epoch: int, count: int) -> Tensor:
    """Return the order in which an epoch visits the samples: [count] int64, on the CPU."""
    generator = torch.Generator().manual_seed(derive(seed, epoch))
    return torch.randperm(count, generator=generator)


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch on every device."""
    random.seed(seed)
    np.random.seed(seed % (1 << 32))
    torch.manual_seed(seed)


def generator_states() -> dict[str, Any]:
    """Return the states of all global generators, as data that loads with `weights_only=True`."""
    name, keys, position, has_gauss, cached = cast(_NumpyState, np.random.get_state())
    return {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_generators(states: dict[str, Any]) -> None:
    """Set every global generator to a state that `generator_states` returned."""
    version, internal, gauss = states["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"][: torch.cuda.device_count()])
