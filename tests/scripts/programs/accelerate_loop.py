"""accelerate, with a tracker of its own kind and a schedule that it steps."""

import torch
from accelerate import Accelerator

torch.set_num_threads(1)
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(64, 4)), 4)
model, optimizer, data = accelerator.prepare(model, optimizer, data)
updates = 0
for _ in range(3):
    for (x,) in data:
        with accelerator.accumulate(model):
            loss = model(x).pow(2).mean()
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
        updates += accelerator.sync_gradients
        accelerator.log({"fit/loss": loss.item()}, step=updates)
