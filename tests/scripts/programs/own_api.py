"""A loop of numbers alone, without torch, that tells tuitrain what it does."""

import argparse
import sys
import time

import tuitrain

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=10**9)
args = parser.parse_args()
run = tuitrain.init(config=args)


class Optimizer:
    param_groups = [{"lr": args.lr}]


optimizer, x = Optimizer(), 4.0


@run.on_checkpoint
def save(name):
    with open(f"{name}.txt", "w") as file:
        file.write(str(x))
    return f"{name}.txt"


for _ in range(args.steps):
    x -= optimizer.param_groups[0]["lr"] * 2 * x
    run.log({"loss": x * x, "note": "no number"})
    run.step(optimizer)
    time.sleep(0.0 if args.steps < 10**9 else 0.005)
print(run.id, "torch" in sys.modules)
if args.lr > 1:
    raise OverflowError("diverged")
