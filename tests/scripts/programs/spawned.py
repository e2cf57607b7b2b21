"""Two ranks by `mp.spawn`, of which one is killed in the middle, once a file is there."""

import os
import signal
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

import tuitrain


def train(rank, place):
    torch.set_num_threads(1)
    # The other rank is the first to log, before anybody knows which of them is 0.
    logged = Path(f"{place}.logged")
    while not rank and not logged.exists():
        time.sleep(0.01)
    tuitrain.init().log({"before": rank})
    logged.touch()
    dist.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)
    run = tuitrain.init()
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in range(40):
        if rank and step == 20:
            while not os.path.exists("go"):
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)
        optimizer.zero_grad()
        model(torch.randn(4, 4)).pow(2).mean().backward()
        optimizer.step()
        run.log({"rank": rank})


if __name__ == "__main__":
    mp.spawn(train, (os.path.abspath("place"),), 2)
