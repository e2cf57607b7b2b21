"""Damaged checkpoints and losses that are not finite: named, survived, never hidden."""

import math
from typing import Any

import torch

from tuitrain.training.checkpoints.files import load_checkpoint

EXPLODING = """
name = "exploding"
task = "regression"
[data]
name = "linear"
[model]
name = "exploding:Net"
[loss]
name = "mse"
[train]
epochs = 2
batch_size = 40
threads = 1
[checkpoint]
every_steps = 4
"""

MODULE = '''
import torch

class Net(torch.nn.Linear):
    """Gives NaN at its seventh training step."""
    def __init__(self):
        super().__init__(1, 1)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
    def forward(self, inputs):
        self.calls += self.training
        outputs = super().forward(inputs)
        return outputs * float("nan") if self.training and self.calls == 7 else outputs
'''


def damage(path: Any, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "flipped":
        for place in range(len(data) // 3, len(data) // 3 + 64):
            data[place] ^= 0xFF
    else:
        del data[len(data) // 2 :]
    path.write_bytes(data)


def test_damaged_checkpoints_are_kept_aside_and_never_lead_to_a_silent_new_start(cli: Any) -> None:
    run = cli.endless()
    run.wait_step(100)
    run.kill("supervisor", "worker")
    newest, before = sorted(run.directory.checkpoints.glob("step-*.pt"), reverse=True)[:2]
    damage(newest, "flipped")
    cli.resume(run)
    step = int(before.stem.removeprefix("step-"))
    run.wait_step(step + 1)
    assert f"{newest.name} is damaged" in run.alerts()[-1].text
    assert newest.with_name(f"{newest.name}.damaged").exists()
    assert [mark.step for mark in run.marks() if mark.kind == "resume"] == [step]
    cli("stop", run.id)
    steps = [number for number, _ in run.points("train/loss")]
    assert steps == list(range(1, len(steps) + 1))

    for path in run.directory.checkpoints.glob("step-*.pt"):
        damage(path, "truncated")
    for _ in range(2):
        failed = cli("resume", run.id, exit_code=1)
        assert "no checkpoint in" in failed.stderr_text
        assert "begins the run anew" in failed.stderr_text
        run.wait_end()
        assert run.state().state == "failed"
        assert [number for number, _ in run.points("train/loss")] == steps


def test_a_loss_that_is_not_finite_stops_at_the_last_finite_state(cli: Any) -> None:
    (cli.folder / "exploding.py").write_text(MODULE)
    done = cli("run", cli.preset(EXPLODING), "--set", "train.nonfinite=stop", exit_code=None)
    run = cli.only()
    state = run.state()
    assert (done.returncode, state.state) == (1, "failed")
    assert state.reason == (
        "loss is nan at step 7; the state of step 6 is saved: resume with a lower optimizer.lr"
    )
    assert [(alert.kind, alert.step) for alert in run.alerts()] == [("nonfinite", 6), ("ended", 6)]
    saved = load_checkpoint(run.directory.path / run.checkpoint().path)
    assert saved["step"] == 6
    assert all(torch.isfinite(value).all() for value in saved["model"].values())
    assert math.isfinite(saved["train_means"]["losses"])
    assert saved["train_means"]["steps"] == 6
    losses = run.points("train/loss")
    assert [step for step, _ in losses] == [1, 2, 3, 4, 5, 6, 7]
    assert [math.isnan(loss) for _, loss in losses] == [False] * 6 + [True]
    assert "alert: loss is nan at step 7" in done.stdout_text
