"""Requests that wait are answered together: what came while the model was busy is its next batch.

Nobody waits for others to come: a request that comes alone is run at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor

Run = Callable[[Tensor], Tensor]
"""Returns outputs [n, ...] of inputs [n, ...]; called in one thread alone."""


class BusyError(Exception):
    """As much waits already as may wait."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    inputs: Tensor
    outputs: "asyncio.Future[Tensor]"

    def fits(self, other: "_Waiting") -> bool:
        """Return whether both can be in one batch."""
        alike = self.inputs.shape[1:] == other.inputs.shape[1:]
        return alike and self.inputs.dtype == other.inputs.dtype


class Batcher:
    """Runs a model on what waits, the oldest first, in a thread of its own."""

    def __init__(
        self, run: Run, *, most: int, most_waiting: int, told: Callable[[int], None]
    ) -> None:
        """Begin with nothing that waits.

        Args:
            run: the model.
            most: samples of a batch.
            most_waiting: samples that may wait.
            told: is given how many samples each batch has.
        """
        self._run, self._most, self._most_waiting = run, most, most_waiting
        self._told = told
        self._queue: deque[_Waiting] = deque()
        self.waiting = 0
        """Samples that wait for the model."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to run what waits, in the event loop that runs now."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End; what still waits is cancelled."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for each in self._queue:
            each.outputs.cancel()
        self._thread.shutdown(wait=True)

    async def outputs(self, groups: Sequence[Tensor]) -> list[Tensor]:
        """Return the model's outputs [n, ...] of each group of inputs [n, ...].

        Raises:
            BusyError: too much waits.
            Exception: what the model raised on these inputs.
        """
        samples = sum(map(len, groups))
        if self.waiting + samples > self._most_waiting:
            raise BusyError
        loop = asyncio.get_running_loop()
        parts = [
            [_Waiting(part, loop.create_future()) for part in torch.split(group, self._most)]
            for group in groups
        ]
        self._queue.extend(part for group in parts for part in group)
        self.waiting += samples
        self._something.set()
        found = await asyncio.gather(*(part.outputs for group in parts for part in group))
        rest = iter(found)
        return [torch.cat([next(rest) for _part in group]) for group in parts]

    async def _work(self) -> None:
        while True:
            await self._something.wait()
            batch = self._next()
            if batch:
                self._told(sum(len(each.inputs) for each in batch))
                await self._answer(batch)

    def _next(self) -> list[_Waiting]:
        """Take the oldest that somebody still waits for, and those behind it that fit to it."""
        batch: list[_Waiting] = []
        room = self._most
        while self._queue:
            first = self._queue[0]
            if not first.outputs.done():
                if len(first.inputs) > room or (batch and not batch[0].fits(first)):
                    break
                batch.append(first)
                room -= len(first.inputs)
            self.waiting -= len(self._queue.popleft().inputs)
        if not self._queue:
            self._something.clear()
        return batch

    async def _answer(self, batch: list[_Waiting]) -> None:
        together = torch.cat([each.inputs for each in batch])
        loop = asyncio.get_running_loop()
        try:
            outputs = await loop.run_in_executor(self._thread, self._run, together)
        except Exception as error:
            if len(batch) == 1:
                _refuse(batch[0], error)
                return
            # One request's samples must not fail those of others.
            for each in batch:
                await self._answer([each])
            return
        sizes = [len(each.inputs) for each in batch]
        for each, part in zip(batch, torch.split(outputs, sizes), strict=True):
            if not each.outputs.done():
                each.outputs.set_result(part)


def _refuse(waiting: _Waiting, error: Exception) -> None:
    if not waiting.outputs.done():
        waiting.outputs.set_exception(error)
