"""Random numbers that follow from (seed, epoch, sample) alone.

They are functions of those numbers, so neither the number of loader workers, nor a resume, nor the
device changes them.
"""

from dataclasses import dataclass

from torch import Tensor

_MASK = (1 << 64) - 1


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

    def uniform(self, low: float, high: float) -> Tensor:
        """Return [batch] float32, uniform from `low` to less than `high`, in steps of 2^-24."""
        return low + (high - low) * (self.integers(0, (1 << 24) - 1).float() / (1 << 24))

    def chance(self, probability: float) -> Tensor:
        """Return [batch] bool, true with the given probability."""
        return self.integers(0, (1 << 24) - 1) < int(probability * (1 << 24))
