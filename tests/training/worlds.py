"""Ranks in threads of one process: they exchange what ranks in processes would."""

import pickle
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tuitrain.training.distributed.world import World

_Result = TypeVar("_Result")


class ThreadWorld(World):
    """One rank among threads; what is exchanged is pickled, as between processes."""

    def __init__(self, rank: int, size: int, barrier: threading.Barrier, held: list[Any]) -> None:
        super().__init__(rank, size)
        self._barrier = barrier
        self._held = held

    def gather(self, value: Any) -> list[Any]:
        self._held[self.rank] = pickle.dumps(value)
        self._barrier.wait(60)
        found = [pickle.loads(each) for each in self._held]
        self._barrier.wait(60)
        return found

    def first(self, value: Any) -> Any:
        return self.gather(value)[0]

    def sums(self, values: Sequence[float]) -> list[float]:
        return [sum(each) for each in zip(*self.gather(list(values)), strict=True)]


def worlds(size: int) -> list[World]:
    """Return ranks that exchange with one another."""
    barrier, held = threading.Barrier(size), [None] * size
    return [ThreadWorld(rank, size, barrier, held) for rank in range(size)]


def on_ranks(each: Sequence[Callable[[], _Result]]) -> list[_Result]:
    """Return what each rank comes to, all at the same time."""
    with ThreadPoolExecutor(len(each)) as pool:
        return [future.result() for future in [pool.submit(do) for do in each]]
