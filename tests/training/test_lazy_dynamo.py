"""What compiles is imported by the first who compiles, and does then what it always did."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
import torch
from torch import nn
from tuitrain.training.runtime.lazy_dynamo import put_off_dynamo

put_off_dynamo()
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
kinds = (torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop)
optimizers = [kind(model.parameters(), lr=0.01) for kind in kinds]

def steps(forward):
    for optimizer in optimizers:
        optimizer.zero_grad()
        forward(torch.ones(4, 8)).sum().backward()
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())

def loaded():
    return "torch._dynamo.eval_frame" in sys.modules

steps(model)
assert not loaded()
compiled = torch.compile(model, backend="eager")
steps(compiled)
assert loaded() and torch._dynamo is sys.modules["torch._dynamo"]
assert torch.equal(compiled(torch.ones(4, 8)), model(torch.ones(4, 8)))

@torch.compile(backend="eager")
def whole_step():
    optimizers[0].zero_grad()
    model(torch.ones(4, 8)).sum().backward()
    optimizers[0].step()

before = model[0].weight.clone()
whole_step()
assert not torch.equal(before, model[0].weight)
print("done")
"""


def test_optimizers_do_without_it_and_a_compiled_model_brings_it() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
