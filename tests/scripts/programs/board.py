"""A loop that logs to TensorBoard, and keeps what it logged."""

import json
import sys

import torch

writer_of = sys.argv[1]
if writer_of == "torch":
    from torch.utils.tensorboard import SummaryWriter
else:
    from tensorboardX import SummaryWriter

torch.set_num_threads(1)
writer, kept = SummaryWriter("board"), {"loss": [], "accuracy/epoch": []}
model = torch.nn.Linear(10, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(120):
    x = torch.randn(8, 10)
    optimizer.zero_grad()
    loss = (model(x) - x.sum(1, keepdim=True)).pow(2).mean()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        writer.add_scalar("loss", loss, step)
        kept["loss"].append([step, loss.item()])
    if step % 40 == 39:
        writer.add_scalar("accuracy/epoch", step / 120, global_step=step // 40)
        kept["accuracy/epoch"].append([step + 1, step / 120])
writer.close()
with open("kept.json", "w") as file:
    json.dump(kept, file)
