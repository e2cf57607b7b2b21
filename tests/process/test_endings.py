"""However a run ends, it says how, can be resumed where it should be, and leaves nothing behind.

That nothing is left (no process, lock or temporary file) is asserted by the `cli` fixture after
every test.
"""

import os
import pty
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from tuitrain.messages import SaveCheckpoint

FRAGILE = """
name = "fragile"
task = "classification"
[data]
name = "digits"
[model]
name = "fragile:Net"
[loss]
name = "cross_entropy"
[optimizer]
name = "sgd"
lr = 0.1
[train]
epochs = 1
threads = 1
[checkpoint]
every_steps = 5
"""
FRAGILE_MODULE = '''
import torch

class Net(torch.nn.Module):
    """Refuses its seventh batch, while a checkpoint that takes a while is being written."""
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
        self.register_buffer("ballast", torch.zeros(10_000_000))
        self.calls = 0

    def forward(self, inputs):
        self.calls += self.training
        if self.calls == 7:
            RAISE
        return self.layers(inputs)
'''


@pytest.fixture
def foreground(cli: Any) -> Any:
    """Start a run in the foreground and wait until it takes steps."""

    def start(*arguments: str, **options: Any) -> tuple[Any, Any]:
        process = cli.start("run", cli.preset(), *arguments, **options)
        run = cli.wait_only()
        run.wait_step(30)
        return process, run

    return start


def last_checkpoint_is_at_last_step(run: Any) -> bool:
    return run.checkpoint().step == run.state().step == run.points("train/loss")[-1][0]


def test_sigterm_saves_a_checkpoint_and_says_how_to_resume(foreground: Any) -> None:
    process, run = foreground()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert process.returncode == 143
    assert (run.state().state, run.state().reason) == ("stopped", "terminated (SIGTERM)")
    assert f"tuitrain resume {run.id}" in err
    assert out.splitlines()[-1] == "stopped: terminated (SIGTERM)"
    assert not has_control_characters(out + err)
    assert last_checkpoint_is_at_last_step(run)


def test_a_second_stop_ends_at_once_and_the_last_checkpoint_stays(
    cli: Any, foreground: Any
) -> None:
    process, run = foreground("--set", "train.grace_s=1000")
    os.kill(run.worker_pid, signal.SIGSTOP)
    stopping = cli.start("stop", run.id)
    run.wait(lambda: [row for row in run.commands() if row.taken], "the first stop")
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert (process.returncode, stopping.wait()) == (130, 0)
    assert run.state().state == "stopped"
    assert run.state().reason == "stopped twice: killed at once; the last checkpoint stays"
    assert run.checkpoint().step % 20 == 0


def test_a_stop_that_takes_longer_than_its_grace_period_ends_in_a_kill(foreground: Any) -> None:
    process, run = foreground("--set", "train.grace_s=0.5")
    os.kill(run.worker_pid, signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 143
    assert run.state().reason == "did not stop within 0.5 s: killed"


def test_ctrl_c_in_a_terminal_stops_and_leaves_the_terminal_clean(cli: Any) -> None:
    controller, terminal = pty.openpty()
    process = cli.start(
        "run", cli.preset(), stdin=terminal, stdout=terminal, stderr=terminal,
        start_new_session=True, preexec_fn=take_terminal,
    )  # fmt: skip
    os.close(terminal)
    shown = Screen(controller)
    run = cli.wait_only()
    run.wait_step(30)
    os.write(controller, b"\x03")
    shown.read_to_end()
    assert process.wait() == 130
    assert run.state().reason == "interrupted (SIGINT)"
    assert "\r" in shown.text and "step " in shown.text
    assert "\x1b[?" not in shown.text
    last = shown.text.splitlines()[-2:]
    assert last[0].endswith(f"tuitrain resume {run.id}")
    assert shown.text.endswith("\n")


def test_settings_at_fault_end_the_worker_that_was_started_meanwhile(cli: Any) -> None:
    failed = cli("run", "linear-regression", "--set", "train.epocs=1", exit_code=2)
    assert "train.epocs: unknown key" in failed.stderr_text
    assert not cli.runs.exists()


def test_ctrl_c_as_soon_as_there_is_a_worker_ends_it_too(cli: Any) -> None:
    process = cli.start("run", cli.preset())
    cli.wait_child(process)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130


def test_pause_holds_resume_goes_on_and_release_ends_the_worker(cli: Any) -> None:
    run = cli.endless()
    worker = run.worker_pid
    cli("pause", run.id)
    assert run.state().state == "paused"
    step = run.step
    assert cli("pause", run.id, exit_code=1).stderr_text.count("paused already") == 1
    cli("checkpoint", run.id, "--name", "held")
    assert (run.step, run.checkpoint("held").step, psutil.pid_exists(worker)) == (step, step, True)
    assert "resumed" not in cli("resume", run.id).stdout_text
    assert run.state().state == "running"
    run.wait_step(step + 1)
    assert cli("resume", run.id, exit_code=1).stderr_text.count("not paused") == 1
    cli("pause", run.id, "--release")
    run.wait_gone()
    assert run.state().state == "paused"
    assert not psutil.pid_exists(worker)
    step = run.step
    assert run.checkpoint().step == step
    cli.resume(run)
    assert run.state().state == "running"
    run.wait_step(step + 1)
    taken = [step for step, _ in run.points("train/loss")]
    assert taken == list(range(1, len(taken) + 1))
    cli("stop", run.id, "--now")
    assert run.wait_end().reason == "killed by command; the last checkpoint stays"
    assert [(row.kind, row.outcome) for row in run.commands()] == [
        ("pause", "done"), ("pause", "refused"), ("checkpoint", "done"), ("resume", "done"),
        ("resume", "refused"), ("pause", "done"), ("stop", "done"),
    ]  # fmt: skip
    assert all(row.given <= row.taken <= row.done for row in run.commands())


def test_a_background_run_ignores_a_hang_up_and_outlives_its_supervisor(cli: Any) -> None:
    begun = cli.start("run", cli.preset(), "--detach", "--set", "checkpoint.every_steps=0")
    run = cli.find(begun.communicate()[0].strip())
    assert os.getsid(run.supervisor_pid) == run.supervisor_pid
    supervisor = run.supervisor_pid
    os.kill(supervisor, signal.SIGHUP)
    os.kill(supervisor, signal.SIGUSR1)
    run.wait(lambda: [row for row in run.checkpoints() if "last" in row.names], "a checkpoint")
    run.wait_step(run.step + 50)
    assert run.state().state == "running"
    assert "torch" not in loaded_libraries(supervisor)

    # Once it is killed, the worker saves and ends by itself.
    cli.killed.add(run.id)
    saved = set(run.files())
    number = run.order(SaveCheckpoint(), supervisor_stopped=True)
    run.kill("supervisor")
    state = run.state()
    assert (state.state, "resumable" in state.reason) == ("lost", True)
    assert [name for name in set(run.files()) - saved if name.startswith("step-")]
    cli.resume(run)
    command = next(row for row in run.commands() if row.id == number)
    assert (command.outcome, command.text) == ("refused", "the supervisor had ended")
    os.kill(run.supervisor_pid, signal.SIGTERM)
    assert run.wait_end().reason == "terminated (SIGTERM)"
    steps = [step for step, _ in run.points("train/loss")]
    assert steps == list(range(1, len(steps) + 1))


def test_a_crash_before_the_first_checkpoint_is_named_and_the_run_begins_again_at_step_0(
    cli: Any,
) -> None:
    run = cli.endless("checkpoint.every_steps=0")
    run.wait_step(30)
    os.kill(run.worker_pid, signal.SIGSEGV)
    assert run.wait_end().reason == "the worker was killed by SIGSEGV, a crash in native code"
    cli.resume(run)
    cli("stop", run.id)
    assert run.state().state == "stopped"
    assert "begins again at step 0" in " ".join(alert.text for alert in run.alerts())
    steps = [step for step, _ in run.points("train/loss")]
    assert steps == list(range(1, len(steps) + 1))


def test_a_step_that_raises_keeps_all_steps_before_it_and_can_be_gone_on_from(cli: Any) -> None:
    module = cli.folder / "fragile.py"
    raising = 'raise ValueError("this batch is not for me")'
    module.write_text(FRAGILE_MODULE.replace("RAISE", raising))
    failed = cli("run", cli.preset(FRAGILE), exit_code=1)
    run = cli.only()
    assert run.state().reason == "ValueError: this batch is not for me; step 6 is saved"
    assert "WHY IT FAILED" not in failed.stderr_text
    assert "ValueError: this batch is not for me" in run.state().detail
    assert [step for step, _ in run.points("train/loss")] == [1, 2, 3, 4, 5, 6]
    assert run.files() == ["last.pt", "step-00000005.pt", "step-00000006.pt"]
    assert [row.step for row in run.checkpoints()] == [5, 6]
    # What ends an interpreter is a failure like any other, again with all steps before it.
    module.write_text(FRAGILE_MODULE.replace("RAISE", "import sys; sys.exit(0)"))
    cli.resume(run, "--code", "fragile:Net", "--foreground", exit_code=1)
    left = "SystemExit: 0 (raised in forward, fragile.py line 15); step 12 is saved"
    assert run.state().reason == left
    assert "SystemExit: 0" in run.state().detail
    module.write_text(FRAGILE_MODULE.replace("self.calls == 7", "False").replace("RAISE", "pass"))
    cli.resume(run, "--code", "fragile:Net")
    assert run.wait_end().state == "finished"
    assert [step for step, _ in run.points("train/loss")] == list(range(1, 24))


def test_a_failure_that_is_known_is_explained_at_the_end_of_a_run(cli: Any) -> None:
    (cli.folder / "fragile.py").write_text(
        FRAGILE_MODULE.replace("RAISE", "torch.zeros(2, 7) @ torch.zeros(8, 4)")
    )
    failed = cli("run", cli.preset(FRAGILE), exit_code=1)
    said = failed.stderr_text
    assert "WHY IT FAILED\n  layer and input do not fit: " in said
    assert "The input has 7 features, the layer takes 8." in said
    assert "fragile.py line 15, in forward: torch.zeros(2, 7) @ torch.zeros(8, 4)" in said
    assert said.index("WHY IT FAILED") < said.index("resume with: ")


def test_a_part_that_leaves_at_once_is_told_as_what_it_did(cli: Any) -> None:
    (cli.folder / "fragile.py").write_text(
        FRAGILE_MODULE.replace("RAISE", "import os; os._exit(0)")
    )
    cli("run", cli.preset(FRAGILE), exit_code=1)
    run = cli.only()
    assert run.state().reason.startswith("the worker ended by itself with exit code 0 and without")
    assert "os._exit" in run.state().reason


UNREADABLE = """
name = "unreadable"
task = "classification"
[data]
name = "unreadable:data"
workers = 1
normalize = false
[model]
name = "mlp"
[loss]
name = "cross_entropy"
[train]
batch_size = 10
threads = 1
"""
UNREADABLE_MODULE = """
import torch
from tuitrain.components import Splits

class Files(torch.utils.data.Dataset):
    def __init__(self, bad):
        self.bad = bad
    def __len__(self):
        return 50
    def __getitem__(self, number):
        if number == self.bad:
            raise OSError("cannot read 17.png")
        return torch.ones(4), number % 2

def data():
    return Splits(Files(17), Files(-1), ("even", "odd"))
"""


def test_a_sample_that_a_loader_can_not_read_is_told_by_its_own_error(cli: Any) -> None:
    (cli.folder / "unreadable.py").write_text(UNREADABLE_MODULE)
    cli("run", cli.preset(UNREADABLE), exit_code=1)
    state = cli.only().state()
    assert state.reason.startswith("OSError: cannot read 17.png (in DataLoader worker process 0); ")
    assert "; sample 17 of its training set" in state.reason
    assert 'raise OSError("cannot read 17.png")' in state.detail


def take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def loaded_libraries(pid: int) -> str:
    return " ".join(Path(part.path).name for part in psutil.Process(pid).memory_maps())


def has_control_characters(text: str) -> bool:
    return any(ord(letter) < 32 and letter != "\n" for letter in text)


class Screen:
    """What came out of a pseudo-terminal."""

    def __init__(self, controller: int) -> None:
        self._controller = controller
        self.text = ""

    def read_to_end(self) -> None:
        try:
            while data := os.read(self._controller, 65536):
                self.text += data.decode()
        except OSError:  # the other side is closed
            os.close(self._controller)
