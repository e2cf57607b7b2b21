"""A loop that profiles itself as soon as there is a file of the name `own`."""

import os
import time

import torch

torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)


def step():
    optimizer.zero_grad()
    model(torch.randn(16, 4)).pow(2).mean().backward()
    optimizer.step()
    time.sleep(0.005)


while True:
    step()
    if os.path.exists("own"):
        with torch.profiler.profile() as profiler:
            step()
        assert any(event.key == "aten::addmm" for event in profiler.key_averages())
        os.rename("own", "profiled")
