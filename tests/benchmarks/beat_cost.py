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

_STEPS = 100
blocks = int(sys.argv[1])
torch.set_num_threads(1)
dist.init_process_group("gloo")
world = World(dist.get_rank(), dist.get_world_size(), dist.new_group(backend="gloo"))
model = DistributedDataParallel(torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU()))
optimizer = torch.optim.SGD(model.parameters(), 1e-3)
inputs = torch.randn(32, 64)
beat, word = Beat(world), Word(save=False, collect=False, orphaned=False, has_commands=False)
taken = {"without_us": [], "with_us": []}
steps = itertools.count(1)


def block(beats: bool) -> float:
    """Return the CPU time of a step, in microseconds."""
    if beats:
        # Counted from here: nobody has met in the block without beats.
        beat.meet(next(steps), word, Slot(), [], 1000)
        beat.go_on()
    held: list[float] = []
    begun = time.process_time()
    for _ in range(_STEPS):
        optimizer.zero_grad()
        loss = model(inputs).square().mean()
        loss.backward()
        optimizer.step()
        step = next(steps)
        held += (loss.item(), 0.5, 32.0)
        if beats and step >= beat.due_step:
            beat.meet(step, word, Slot(), held, 1000)
            beat.go_on()
            held.clear()
    return 1e6 * (time.process_time() - begun) / _STEPS


block(True)
for number in range(blocks):
    for name in sorted(taken, reverse=bool(number % 2)):
        dist.barrier()
        taken[name].append(block(name == "with_us"))
if world.leads:
    print(json.dumps({name: statistics.quantiles(each)[0] for name, each in taken.items()}))
dist.destroy_process_group()
