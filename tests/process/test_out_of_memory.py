"""Memory that runs out in real runs: the account, the command that is offered, and halved batches.

The model stands in for a device that has room for so many samples; the CPU's own allocator is real.
"""

import shlex
from typing import Any

import torch

from tuitrain.runs.rows import BatchMark

PRESET = """
name = "hungry"
task = "classification"
[data]
name = "digits"
[model]
name = "hungry:Net"
{model}
[loss]
name = "cross_entropy"
[optimizer]
name = "adamw"
[train]
epochs = {epochs}
batch_size = 50
threads = 1
evaluate_every_steps = 40
{train}
[checkpoint]
every_steps = 10
[stop]
monitor = "val/loss"
"""

MODULE = '''
import torch

class Net(torch.nn.Module):
    """Has room for so many samples, after so many training steps."""
    def __init__(self, room=10**9, room_evaluating=10**9, after=0, asked=0):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(64, 64), torch.nn.BatchNorm1d(64),
            torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(64, 10),
        )
        self.room, self.room_evaluating, self.after, self.asked = (
            room, room_evaluating, after, asked
        )
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, inputs):
        self.calls += self.training
        room = self.room if self.training else self.room_evaluating
        if len(inputs) > room and int(self.calls) > self.after:
            raise torch.OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of "
                "79.15 GiB of which 15.62 MiB is free."
            )
        if self.asked and int(self.calls) > self.after:
            torch.empty(self.asked, dtype=torch.uint8)
        return self.layers(inputs)
'''


def preset(cli: Any, *, epochs: int = 4, model: str = "", train: str = "") -> Any:
    (cli.folder / "hungry.py").write_text(MODULE)
    return cli.preset(PRESET.format(epochs=epochs, model=model, train=train))


def marks(run: Any, kind: str) -> list[Any]:
    return [mark for mark in run.marks() if mark.kind == kind]


def test_a_run_without_memory_fails_with_an_account_and_a_command_that_runs(cli: Any) -> None:
    failed = cli("run", preset(cli, model="room = 20\nafter = 12"), exit_code=1)
    run = cli.only()
    reason, account = run.state().reason, run.meta()["out_of_memory"]
    assert reason.startswith("out of memory at step 13 (cpu): asked for 2 GiB, ")
    assert "step 12 is saved" in reason
    assert (run.step, run.checkpoint().step) == (12, 12)
    assert (account["asked_bytes"], account["batch_size"]) == (2 * 1024**3, 50)
    assert account["again"] == {"train.batch_size": 10, "train.accumulate": 5}
    assert 10 <= account["fits_batch_size"] <= 20
    assert reason in failed.stdout_text + failed.stderr_text
    assert "OutOfMemoryError" in run.state().detail
    assert "OutOfMemoryError" in run.log
    shown = cli("show", run.id).stdout_text
    for words in (
        "MEMORY\n",
        "activations",
        "OUT OF MEMORY\n",
        "in a step on cpu",
    ):
        assert words in shown
    assert cli.show(run)["out_of_memory"]["again"] == account["again"]
    assert cli.show(run)["memory"]["measured"]["gradients_bytes"] > 0

    command = reason.partition("Run again with: ")[2]
    folder, *words = shlex.split(command)
    assert folder == f"PYTHONPATH={cli.folder}"
    assert words[:2] == ["tuitrain", "run"]
    cli("run", *words[2:], "--name", "again")
    [again] = [cli.find(path.name) for path in cli.runs.iterdir() if path.name != run.id]
    assert (again.state().state, again.step) == ("finished", run.meta()["total_steps"])


def test_halved_batches_take_the_same_steps_and_are_on_record(cli: Any) -> None:
    cli("run", preset(cli, model="room = 20\nafter = 12", train='oom = "halve"'))
    run = cli.only()
    assert run.state().state == "finished"
    assert run.step == run.meta()["total_steps"]
    assert [step for step, _ in run.points("train/loss")] == list(range(1, run.step + 1))
    split = [(mark.step, mark.data) for mark in marks(run, "batch")]
    assert split == [
        (12, BatchMark(50, 25, 2)),
        (12, BatchMark(25, 13, 4)),
    ]
    alerts = [alert for alert in run.alerts() if alert.kind == "oom"]
    assert len(alerts) == 2
    assert "batch normalisation sees 13 samples at a time" in alerts[1].text
    memory = run.meta()["memory"]
    assert (memory["batch_size"], memory["step"]) == (13, 15)
    assert run.meta()["out_of_memory"]["split_to"] == 13
    state = torch.load(run.directory.path / run.checkpoint().path, weights_only=True)
    assert state["at_once"] == 13


def test_a_run_that_halved_its_batches_resumes_to_the_same_weights(cli: Any) -> None:
    text = 'oom = "halve"\nmax_steps = 400'
    path = preset(cli, epochs=20, model="room = 30\nroom_evaluating = 100\nafter = 12", train=text)
    whole = cli.detach(path)
    cut = cli.detach(path, "--set", "data.mode=loader", "--set", "data.workers=1")
    cut.wait_step(60)
    cut.kill("supervisor", "worker")
    cli.resume(cut, "--code", "hungry:Net")
    assert (cut.wait_end().state, whole.wait_end().state) == ("finished", "finished")
    assert cut.checkpoint().digest == whole.checkpoint().digest
    assert cut.curves() == whole.curves()
    assert len(marks(cut, "resume")) == 1
    # It does not run out once more before it goes on.
    assert [mark.step for mark in marks(cut, "batch")] == [12]
    assert len([alert for alert in cut.alerts() if alert.kind == "oom"]) == 3


def test_an_evaluation_without_memory_says_how_to_let_it_halve_its_batches(cli: Any) -> None:
    cli("run", preset(cli, model="room_evaluating = 100"), exit_code=1)
    run = cli.only()
    reason = run.state().reason
    assert "in the evaluation after step 29" in reason
    assert reason.endswith("--set train.oom=halve")
    assert run.checkpoint().step == run.step == 29
    cli("run", *shlex.split(reason.partition("tuitrain run ")[2]), "--name", "again")


def test_what_the_cpu_s_allocator_can_t_give_is_named(cli: Any) -> None:
    cli("run", preset(cli, model=f"asked = {1 << 60}\nafter = 2"), exit_code=1)
    run = cli.only()
    assert run.state().reason.startswith("out of memory at step 3 (cpu): asked for 1 EiB, ")
    assert "No smaller batch was found to fit" in run.state().reason
    assert run.meta()["out_of_memory"]["asked_bytes"] == 1 << 60
    assert "fits_batch_size" not in run.meta()["out_of_memory"]
    assert run.checkpoint().step == 2


def test_memory_that_runs_out_before_the_first_step_is_told_as_such(cli: Any) -> None:
    (cli.folder / "huge.py").write_text(
        "import torch\n\ndef net():\n    return torch.nn.Linear(1 << 29, 1 << 29)\n"
    )
    text = PRESET.format(epochs=1, model="", train="").replace("hungry:Net", "huge:net")
    cli("run", cli.preset(text), exit_code=1)
    run = cli.only()
    reason = run.state().reason
    assert reason.startswith("out of memory before the first step (cpu): asked for 1 EiB")
    assert run.meta()["out_of_memory"]["phase"] == "building"
