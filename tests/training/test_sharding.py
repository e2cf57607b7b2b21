"""What a step of a model that is split over the ranks takes for putting weights together."""

from typing import Any

import torch
from torch import nn

from tests.training.test_checkpoint_parts import mesh  # noqa: F401 - a fixture
from tuitrain.training.checkpoints.sharded import is_sharded
from tuitrain.training.distributed.sharding import Gathers


class Marks:
    """Takes laps, each with the layers whose weights are whole then."""

    def __init__(self, layers: dict[str, nn.Module]) -> None:
        self.layers = layers
        self.seen: list[tuple[str, set[str]]] = []

    def mark(self, stage: str) -> None:
        whole = {name for name, layer in self.layers.items() if not is_sharded(layer.weight)}
        self.seen.append((stage, whole))


def test_waiting_for_weights_is_the_exchange_in_both_passes(mesh: Any) -> None:  # noqa: F811
    from torch.distributed.fsdp import fully_shard

    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    model = nn.Sequential(first, nn.ReLU(), second)
    for part in (first, second, model):
        fully_shard(part, mesh=mesh, reshard_after_forward=True)
    gathers = Gathers(model, torch.device("cpu"))
    marks: Any = Marks({"first": first, "second": second})

    def take(laps: Any) -> None:
        gathers.time(laps)
        loss = model(torch.ones(2, 4)).sum()
        gathers.time(laps, "backward")
        torch.autograd.backward(loss)
        gathers.time(None)

    take(None)
    assert not marks.seen
    take(marks)
    # The whole model has no weights of its own: it brings marks between which nothing is.
    gained = [
        (before[0], now[0], now[1] - before[1])
        for before, now in zip(marks.seen[::2], marks.seen[1::2], strict=True)
        if now[1] - before[1]
    ]
    assert gained == [
        ("forward", "exchange", {"first"}),
        ("forward", "exchange", {"second"}),
        ("backward", "exchange", {"second"}),
        ("backward", "exchange", {"first"}),
    ]
    # No stage ends between the marks but by them: weights that come are never computing.
    assert {stage for stage, _whole in marks.seen[1::2]} == {"exchange"}
