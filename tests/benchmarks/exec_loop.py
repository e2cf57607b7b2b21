"""A loop that knows nothing of tuitrain and prints the CPU time of its steps, in microseconds.

python exec_loop.py linear|mlp BLOCKS
"""

import sys
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(0)
# A block holds a few flushes, five of which come in a second.
_STEPS = {"linear": 6000, "mlp": 200}


def main() -> None:
    kind, blocks = sys.argv[1], int(sys.argv[2])
    nn = torch.nn
    model: nn.Module = nn.Linear(1, 1)
    x, y = torch.randn(64, 1), torch.randn(64, 1)
    if kind == "mlp":
        model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
        x, y = torch.randn(128, 784), torch.randn(128, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    loss_of = nn.MSELoss()
    times = []
    for _ in range(blocks):
        begun = time.process_time()
        for _ in range(_STEPS[kind]):
            optimizer.zero_grad()
            loss_of(model(x), y).backward()
            optimizer.step()
        times.append((time.process_time() - begun) / _STEPS[kind] * 1e6)
    print("us", min(times))


main()
