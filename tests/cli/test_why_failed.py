"""why-failed of runs and of anybody's logs, and what show says of a failure and of curves."""

import json
from pathlib import Path

from tests.cli.records import Tuitrain
from tests.ui.makers import falling, new_run, train
from tests.ui.run_makers import begin, overfitting, write
from tuitrain import messages as m

TRACE = """Traceback (most recent call last):
  File "/home/me/net.py", line 12, in forward
    return self.head(x)
  File "/opt/venv/lib/python3.11/site-packages/torch/nn/modules/linear.py", line 134, in forward
    return F.linear(input, self.weight, self.bias)
RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x64 and 50x10)
"""


def test_any_log_is_explained_from_a_file_or_stdin(tmp_path: Path, tuitrain: Tuitrain) -> None:
    log = tmp_path / "slurm-123.out"
    log.write_text(f"epoch 1\n{TRACE}srun: error: n1: task 0: Exited with exit code 1\n")
    told = tuitrain("why-failed", str(log))
    assert told.returncode == 0
    assert told.stdout.splitlines()[:4] == [
        "WHY IT FAILED",
        "  layer and input do not fit: A linear layer, or another matrix product, got inputs of "
        "another length than it was made for. The input has 64 features, the layer takes 50.",
        "    seen in RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x64 and 50x10)",
        "    raised at /home/me/net.py line 12, in forward: return self.head(x)",
    ]
    assert tuitrain("why-failed", "-", stdin=log.read_text()).stdout == told.stdout
    [found] = json.loads(tuitrain("why-failed", str(log), "--json").stdout)["failures"]
    assert (found["kind"], found["place"]["line"]) == ("layer and input do not fit", 12)


def test_an_error_that_nothing_is_known_of_is_told_with_its_place(tuitrain: Tuitrain) -> None:
    text = TRACE.replace("RuntimeError: mat1", "KeyError: mat1 \x1b[31m").replace(
        " and mat2 sh", ""
    )
    told = tuitrain("why-failed", "-", stdin=text)
    assert told.returncode == 1
    assert "KeyError: mat1" in told.stdout and "net.py line 12" in told.stdout
    assert "\x1b" not in told.stdout
    missing = tuitrain("why-failed", "/nowhere/slurm.out")
    assert missing.returncode == 2
    assert "/nowhere/slurm.out is no file here" in missing.stderr
    nothing = tuitrain("why-failed", "-", stdin="all went well\n")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "no error that is known" in nothing.stderr


def test_a_run_that_failed_is_explained_from_its_record(root: Path, tuitrain: Tuitrain) -> None:
    run = new_run(root, "alpha")
    begin(run)
    reason = TRACE.splitlines()[-1]
    write(run, m.TrainingEnded(2e9, 3, "failed", reason, TRACE), sequence=3)
    told = tuitrain("why-failed", "alpha")
    assert told.returncode == 0
    assert "raised at /home/me/net.py line 12" in told.stdout
    assert "config.toml` shows every layer" in told.stdout
    shown = tuitrain("show", "alpha")
    assert told.stdout.strip() in shown.stdout
    plain = json.loads(tuitrain("show", "alpha", "--json").stdout)
    assert plain["failure"][0]["kind"] == "layer and input do not fit"
    assert plain["diagnosis"] == []


def test_a_killed_worker_is_explained_by_its_log_where_that_has_the_cause(
    root: Path, tuitrain: Tuitrain
) -> None:
    run = new_run(root, "alpha")
    begin(run)
    reason = "the worker was killed by SIGKILL, as the kernel does when memory runs out"
    write(run, m.TrainingEnded(2e9, 3, "failed", reason, "step 3"), sequence=3)
    bare = tuitrain("why-failed", "alpha").stdout
    assert bare.startswith("WHY IT FAILED\n  killed: ")
    run.log_path.write_text("step\n" * 40 + "torch.OutOfMemoryError: CUDA out of memory.\nstep 3\n")
    told = tuitrain("why-failed", "alpha").stdout
    assert told.startswith("WHY IT FAILED\n  out of device memory: ")
    assert "\n  also killed: the worker was killed by SIGKILL" in told


def test_a_run_that_has_not_failed_is_said_to_be_what_it_is(root: Path, tuitrain: Tuitrain) -> None:
    train(new_run(root, "beta"), falling(20))
    told = tuitrain("why-failed", "beta")
    assert (told.returncode, told.stdout) == (1, "")
    assert "has not failed, it is finished: all epochs" in told.stderr


def test_show_says_what_the_curves_show(root: Path, tuitrain: Tuitrain) -> None:
    overfitting(root)
    shown = tuitrain("show", "demo").stdout
    assert "\nDIAGNOSIS\n  overfits: val/loss best 0.154 at step 300, now 0.332" in shown
    [found] = json.loads(tuitrain("show", "demo", "--json").stdout)["diagnosis"]
    assert found["kind"] == "overfitting"
    assert found["evidence"][0]["metric"] == "val/loss"
    assert found["evidence"][0]["step"] == 300
