"""What a beat costs a step: blocks of steps with and without it in turn; under torchrun."""

import itertools
import json
import statistics
import sys
import time

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from tuitrain.training.distributed.beat import Beat, Slot, Word
from tuitrain.training.distributed.world import World

_STEPS = 500
"""At 0.8 ms a step: two beats and more in each block."""
_MEETINGS = 200
blocks = int(sys.argv[1])
torch.set_num_threads(1)
dist.init_process_group("gloo")
world = World(dist.get_rank(), dist.get_world_size(), dist.new_group(backend="gloo"))
model = DistributedDataParallel(torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU()))
optimizer = torch.optim.SGD(model.parameters(), 1e-3)
inputs = torch.randn(32, 64)
beat, word = Beat(world), Word(save=False, collect=False, orphaned=False, has_commands=False)
taken = {"without": [], "with": [], "again": []}
shares: list[float] = []
"""What steps take with the beats in it, as a multiple of what they take without: of each block."""
steps = itertools.count(1)


def block(beats: bool) -> float:
    """Return the CPU time of a step, in microseconds."""
    if beats:
        # Counted from here: nobody has met in the block without beats.
        beat.meet(next(steps), word, Slot(), [], 1000)
        beat.go_on()
    held: list[float] = []
    met_s, begun = 0.0, time.process_time()
    for _ in range(_STEPS):
        optimizer.zero_grad()
        loss = model(inputs).square().mean()
        loss.backward()
        optimizer.step()
        step = next(steps)
        held += (loss.item(), 0.5, 32.0)
        if beats and step >= beat.due_step:
            before = time.process_time()
            beat.meet(step, word, Slot(), held, 1000)
            beat.go_on()
            held.clear()
            met_s += time.process_time() - before
    took_s = time.process_time() - begun
    if beats:
        shares.append(took_s / (took_s - met_s))
    return 1e6 * took_s / _STEPS


def meeting() -> float:
    """Return the CPU time of a beat with the numbers of 240 steps, in microseconds."""
    held = [0.5] * 720
    begun = time.process_time()
    for _ in range(_MEETINGS):
        beat.meet(next(steps), word, Slot(), held, 1000)
    return 1e6 * (time.process_time() - begun) / _MEETINGS


def against(name: str) -> float:
    """Return the median ratio of neighbouring blocks: load of the machine falls on both."""
    return statistics.median(a / b for a, b in zip(taken[name], taken["without"], strict=True))


block(True)
shares.clear()
for number in range(blocks):
    # Each goes first, second and last as often as the others.
    names = list(taken)
    for name in names[number % 3 :] + names[: number % 3]:
        dist.barrier()
        taken[name].append(block(name == "with"))
a_beat_us = min(meeting() for _ in range(5))
if world.leads:
    found = {
        "without_us": statistics.median(taken["without"]),
        "share": statistics.median(shares),
        "with": against("with"),
        "again": against("again"),
        "beat_us": a_beat_us,
    }
    print(json.dumps(found))
dist.destroy_process_group()
