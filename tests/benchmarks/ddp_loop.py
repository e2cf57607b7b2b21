"""A plain DDP loop as a tutorial has it, on a preset's own model and data; under torchrun.

Prints the samples a second of all ranks together.
"""

import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from tuitrain.config.load import parse_preset
from tuitrain.training.build import build_components

preset_path, steps = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
preset = parse_preset(preset_path.read_text(), "preset.toml")
parts = build_components(preset, Path(tempfile.gettempdir()), lambda _text: None)
model = DistributedDataParallel(parts.model)
inputs, targets = parts.data.preparation.prepare(parts.data.train.inputs, parts.data.train.targets)
batch = preset.train.batch_size // size


def train(number: int) -> None:
    """Take steps on batches of this rank's share."""
    for _step in range(number):
        chosen = torch.randint(len(inputs), (batch,))
        parts.optimizer.zero_grad()
        parts.loss(model(inputs[chosen]), targets[chosen]).backward()
        parts.optimizer.step()


train(steps // 4)
dist.barrier()
begun = time.perf_counter()
train(steps)
dist.barrier()
if rank == 0:
    print(batch * size * steps / (time.perf_counter() - begun))
dist.destroy_process_group()
