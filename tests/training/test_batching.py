"""Requests that wait are run together, and do not harm each other."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
import torch
from torch import Tensor

from tuitrain.training.serving.batching import Batcher, BusyError


class Model:
    """Doubles what it is given, once it is let to; refuses negative numbers."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.begun = threading.Event()
        self.batches: list[int] = []

    def __call__(self, inputs: Tensor) -> Tensor:
        self.begun.set()
        assert self.free.wait(120)
        self.batches.append(len(inputs))
        if (inputs < 0).any():
            raise ValueError("negative")
        return inputs * 2


def served(model: Model, work: Callable[[Batcher], Awaitable[None]]) -> None:
    """Run `work(batcher)` in an event loop of its own."""

    async def main() -> None:
        batcher = Batcher(model, most=4, most_waiting=8, told=lambda _n: None)
        batcher.start()
        try:
            await work(batcher)
        finally:
            model.free.set()
            await batcher.stop()

    asyncio.run(asyncio.wait_for(main(), 120))


async def until_begun(model: Model, batcher: Batcher) -> "asyncio.Task[list[Tensor]]":
    """Keep the model busy with one sample."""
    first = asyncio.create_task(batcher.outputs([torch.zeros(1, 2)]))
    await asyncio.to_thread(model.begun.wait, 120)
    return first


def test_what_came_while_the_model_was_busy_is_its_next_batch() -> None:
    model = Model()

    async def work(batcher: Batcher) -> None:
        first = await until_begun(model, batcher)
        others = [
            asyncio.create_task(batcher.outputs([torch.full((1, 2), n)])) for n in range(1, 6)
        ]
        await asyncio.sleep(0)
        model.free.set()
        found = [(await other)[0] for other in others]
        assert [each[0, 0].item() for each in found] == [2, 4, 6, 8, 10]
        assert (await first)[0].shape == (1, 2)

    served(model, work)
    assert model.batches == [1, 4, 1]


def test_one_request_may_have_more_than_a_batch_and_several_shapes() -> None:
    model = Model()
    model.free.set()

    async def work(batcher: Batcher) -> None:
        groups = [torch.ones(5, 2), torch.ones(2, 3), torch.ones(1, 3)]
        found = await batcher.outputs(groups)
        assert [each.shape for each in found] == [(5, 2), (2, 3), (1, 3)]
        assert all((each == 2).all() for each in found)

    served(model, work)


def test_a_request_that_fails_fails_alone() -> None:
    model = Model()

    async def work(batcher: Batcher) -> None:
        await until_begun(model, batcher)
        good = asyncio.create_task(batcher.outputs([torch.ones(1, 2)]))
        bad = asyncio.create_task(batcher.outputs([-torch.ones(1, 2)]))
        await asyncio.sleep(0)
        model.free.set()
        assert (await good)[0].tolist() == [[2, 2]]
        with pytest.raises(ValueError, match="negative"):
            await bad

    served(model, work)


def test_more_than_may_wait_is_refused_and_what_nobody_waits_for_is_not_run() -> None:
    model = Model()

    async def work(batcher: Batcher) -> None:
        await until_begun(model, batcher)
        left = asyncio.create_task(batcher.outputs([torch.ones(4, 2), torch.ones(4, 2)]))
        await asyncio.sleep(0)
        assert batcher.waiting == 8
        with pytest.raises(BusyError):
            await batcher.outputs([torch.ones(1, 2)])
        left.cancel()
        await asyncio.sleep(0)
        model.free.set()
        while batcher.waiting:
            await asyncio.sleep(0.01)
        assert (await batcher.outputs([torch.ones(1, 2)]))[0].tolist() == [[2, 2]]

    served(model, work)
    assert model.batches == [1, 1]
