"""Two ranks by torchrun, which say themselves that they are a run; one is killed in the middle."""

import os
import signal

import torch
import torch.distributed as dist

import tuitrain

torch.set_num_threads(1)
dist.init_process_group("gloo")
run = tuitrain.init()
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
while True:
    optimizer.zero_grad()
    model(torch.randn(4, 4)).pow(2).mean().backward()
    optimizer.step()
    if dist.get_rank() and os.path.exists("seen"):
        os.kill(os.getpid(), signal.SIGKILL)
