"""Two ranks, as torchrun starts them."""

import atexit
import os

import torch
import torch.distributed as dist

torch.set_num_threads(1)
dist.init_process_group("gloo")
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(40):
    optimizer.zero_grad()
    model(torch.randn(4, 4)).pow(2).mean().backward()
    optimizer.step()
os.write(1, f"rank {os.environ['RANK']} done\n".encode())
dist.destroy_process_group()
# torch 2.14 aborts in one of some 15 processes that were ranks, once Python is through: after this.
atexit._run_exitfuncs()
os._exit(0)
