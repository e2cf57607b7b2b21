"""Four batches an update, with a schedule; it saves on Ctrl-C, and says at which rates it ran."""

import json
import sys
import time

import torch

torch.set_num_threads(1)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
kinds = torch.optim.lr_scheduler
schedule = {
    "exponential": lambda: kinds.ExponentialLR(optimizer, 0.999),
    "lambda": lambda: kinds.LambdaLR(optimizer, lambda step: 0.999**step),
}[sys.argv[1]]()
rates = []
try:
    while True:
        optimizer.zero_grad()
        for _ in range(4):
            (model(torch.randn(4, 4)).pow(2).mean() / 4).backward()
        optimizer.step()
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
        time.sleep(0.01)
except KeyboardInterrupt:
    with open("rates.json", "w") as file:
        json.dump([rates, sorted(schedule.state_dict())], file)
    print("saved")
