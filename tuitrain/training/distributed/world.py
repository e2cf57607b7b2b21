"""The ranks that train together, as the loop sees them: which one this is, and how many.

Whatever is exchanged here goes over a gloo group on the CPU, so that no device is waited for. With
one rank there is no group, and every question is answered at once.
"""

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from tuitrain.ranks import Board, Phase, name_rank

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rank is among those of its machine, where a run has several machines."""

    rank: int
    """Of this one on its machine, from 0 on."""
    size: int
    """How many its machine has."""
    hosts: tuple[str, ...]
    """The machine of each rank of the run."""


class World:
    """One rank among those of a run.

    Attributes:
        rank: this one, from 0 on.
        size: how many there are.
        place: on its machine.
    """

    def __init__(
        self,
        rank: int = 0,
        size: int = 1,
        group: "dist.ProcessGroup | None" = None,
        board: Board | None = None,
        place: Place | None = None,
    ) -> None:
        """Stand among others.

        Args:
            rank: this one.
            size: how many there are.
            group: what values are exchanged over; None where there is one rank.
            board: shows where this rank is.
            place: on its machine; None where all ranks are on one.
        """
        self.rank = rank
        self.size = size
        self.place = place or Place(rank, size, ())
        self._group = group
        self._board = board

    @property
    def is_alone(self) -> bool:
        """Whether there is one rank only."""
        return self.size == 1

    @property
    def leads(self) -> bool:
        """Whether this is rank 0, which decides, writes and tells."""
        return self.rank == 0

    @property
    def is_spread(self) -> bool:
        """Whether ranks are on several machines."""
        return self.place.size < self.size

    def name(self, rank: int) -> str:
        """Return what to call a rank, with its machine where there are several."""
        return name_rank(rank, *self.place.hosts[rank : rank + 1])

    def share(self, number: int) -> tuple[int, int]:
        """Return from where to where, of a number of things in a row, this rank takes them."""
        return share(number, self.rank, self.size)

    def stand(self, step: int, phase: Phase) -> None:
        """Show where this rank is."""
        if self._board is not None:
            self._board.put(self.rank, step, phase)

    def sums(self, values: Sequence[float]) -> list[float]:
        """Return the sum over all ranks of each value; all of them call it at the same place."""
        if self._group is None:
            return list(values)
        vector = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(vector, group=self._group)
        summed: list[float] = vector.tolist()
        return summed

    def first(self, value: _Value) -> _Value:
        """Return rank 0's value; all ranks call it at the same place."""
        if self._group is None:
            return value
        held: list[Any] = [_packed(value) if self.leads else None]
        dist.broadcast_object_list(held, src=0, group=self._group)
        return value if self.leads else _unpacked(held[0])

    def gather(self, value: _Value) -> list[_Value]:
        """Return every rank's value, in their order; all ranks call it at the same place."""
        if self._group is None:
            return [value]
        held: list[Any] = [None] * self.size
        dist.all_gather_object(held, _packed(value), group=self._group)
        return [_unpacked(each) for each in held]


ALONE = World()
"""The one rank of a run that has no others."""


def share(number: int, rank: int, size: int) -> tuple[int, int]:
    """Return from where to where, of a number of things in a row, a rank takes them."""
    return number * rank // size, number * (rank + 1) // size


def most_of(number: int, size: int) -> int:
    """Return how many of a number of things the rank that takes the most of them takes."""
    return -(-number // size)


def _packed(value: object) -> bytes:
    """Return a value with its tensors on the CPU: devices are numbered by each process."""
    file = io.BytesIO()
    _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(value)
    return file.getvalue()


def _unpacked(packed: bytes) -> Any:
    return pickle.loads(packed)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.device.type != "cpu":
            return _as_it_is, (value.detach().cpu(),)
        return NotImplemented


def _as_it_is(value: Any) -> Any:
    return value
