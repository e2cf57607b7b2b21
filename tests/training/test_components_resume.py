"""Losses, optimizers, schedules and folds: a resumed run goes on with each of them exactly."""

from pathlib import Path

import pytest

from tests.training.test_hooks import DIGITS, resumed
from tests.training.test_loop import Course
from tuitrain.training.checkpoints.files import load_checkpoint

HEAD = """
name = "{data}"
task = "{task}"
[data]
name = "{data}"
[model]
name = "mlp"
hidden = [8]
batch_norm = true
dropout = 0.2
{more}
[train]
epochs = 3
batch_size = 200
threads = 1
[checkpoint]
every_steps = 2
keep = 99
"""


def with_part(section: str, text: str) -> str:
    """Return the digits preset with another table in a section's place."""
    kept = [part for part in DIGITS.split("\n[") if not part.startswith(f"{section}]")]
    return "\n[".join(kept) + f"\n{text}\n"


LOSSES = {
    "cross_entropy": 'class_weights = "balanced"\nlabel_smoothing = 0.1',
    "focal": 'alpha = "balanced"',
}
GROUPS = '[[optimizer.groups]]\nmatch = "*.bias"\nlr = 0.1\nweight_decay = 0.0'
OPTIMIZERS = {
    "muon": f'name = "muon"\nlr = 0.01\n{GROUPS}',
    "torch.RAdam": f'name = "torch.RAdam"\n{GROUPS}',
}
SCHEDULES = {
    "one_cycle": "",
    "wsd": "warmup_steps = 2",
    "multistep": "at_epochs = [1, 2]",
}
TASKS = {
    "circles": ("binary", 'name = "bce_with_logits"\npos_weight = "balanced"'),
    "diabetes": ("regression", 'name = "huber"'),
    "wine": ("classification", 'name = "cross_entropy"'),
}
CASES = {
    **{n: with_part("loss", f'[loss]\nname = "{n}"\n{more}') for n, more in LOSSES.items()},
    **{
        n: with_part("schedule", f'[schedule]\nname = "{n}"\n{more}')
        for n, more in SCHEDULES.items()
    },
    **{n: with_part("optimizer", f"[optimizer]\n{more}") for n, more in OPTIMIZERS.items()},
    "fold": DIGITS.replace('name = "digits"\n[model]', 'name = "digits"\nfold = "2/5"\n[model]'),
    **{n: HEAD.format(data=n, task=t, more=f"[loss]\n{loss}") for n, (t, loss) in TASKS.items()},
}


@pytest.mark.parametrize("name", CASES)
def test_a_run_goes_on_exactly(tmp_path: Path, name: str) -> None:
    Course(tmp_path, CASES[name])
    whole = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    first = min(path.stem for path in (tmp_path / "checkpoints").glob("step-*.pt"))
    again, _points = resumed(tmp_path, CASES[name], int(first.removeprefix("step-")))
    assert int(first.removeprefix("step-")) < whole["step"]
    assert (again["step"], again["digest"]) == (whole["step"], whole["digest"])
    assert again["metrics"] == whole["metrics"]
