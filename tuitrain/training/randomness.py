"""Randomness that follows from (seed, epoch, sample) alone, and the state of what is random else.

Order and augmentation are functions of those numbers, so neither the number of loader workers,
nor a resume, nor the device changes them. Dropout and a user's own draws use torch's, numpy's and
python's generators, whose states a checkpoint holds.
"""

import random
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

_MASK = (1 << 64) - 1
_NumpyState = tuple[str, np.ndarray, int, int, float]


def _mix(value: int) -> int:
    """Spread a number over 64 bits: the finaliser of splitmix64 (Steele et al. 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def derive(*numbers: int) -> int:
    """Return a seed of 63 bits that follows from all numbers and their order."""
    value = 0
    for number in numbers:
        value = _mix(value ^ _mix(number))
    return value >> 1


def epoch_order(seed: int, epoch: int, count: int) -> Tensor:
    """Return the order in which an epoch visits the samples: [count] int64, on the CPU."""
    generator = torch.Generator().manual_seed(derive(seed, epoch))
    return torch.randperm(count, generator=generator)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _hash(index: Tensor, key: int) -> Tensor:
    """Return 31 well-mixed bits for each index, with integer arithmetic equal on every device.

    Shifts of int64 carry the sign, so each is masked to be the logical one.
    """
    value = index * _signed(0x9E3779B97F4A7C15) + _signed(key)
    value = (value ^ ((value >> 30) & ((1 << 34) - 1))) * _signed(0xBF58476D1CE4E5B9)
    value = (value ^ ((value >> 27) & ((1 << 37) - 1))) * _signed(0x94D049BB133111EB)
    return (value >> 33) & ((1 << 31) - 1)


@dataclass(slots=True)
class Draw:
    """Random numbers for one batch in one epoch: each sample's own, whatever batch it is in."""

    index: Tensor
    """[batch] int64: each sample's number in the data set."""
    key: int
    """Follows from the seed, the epoch and the augmentation."""
    _calls: int = 0

    def integers(self, low: int, high: int) -> Tensor:
        """Return [batch] int64, uniform over low..high, both included."""
        self._calls += 1
        bits = _hash(self.index, _mix(self.key + self._calls))
        return low + bits % (high - low + 1)

    def chance(self, probability: float) -> Tensor:
        """Return [batch] bool, true with the given probability."""
        return self.integers(0, (1 << 24) - 1) < int(probability * (1 << 24))


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
