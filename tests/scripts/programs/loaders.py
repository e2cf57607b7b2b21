"""Loads by processes of its own, and fails in the middle."""

import torch
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
data = TensorDataset(torch.randn(96, 4))
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(3):
    for (x,) in DataLoader(data, 16, num_workers=2):
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()
raise RuntimeError("epoch 3 is missing")
