"""What only a CUDA machine can show: memory, time, OOM and overhead, checked and printed.

    python tests/cuda_check.py [--device cuda:0] [--folder FOLDER]

Compares the memory bar with nvidia-smi, the split of a step with a profiler's trace, lets memory
really run out, and measures what sampling and splitting cost. Exit code 1: a check did not hold.
Not a test of the suite, which runs without a GPU; `--device cpu` tries the script itself there.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tuitrain.analysis.memory_breakdown import MemoryBreakdown, memory_breakdowns, training_device
from tuitrain.metric_names import EXCHANGE, STAGES, split_metric
from tuitrain.ranks import read_board
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.view.memory.bar import detail_text

PROJECT = Path(__file__).parents[1]
LIMIT_S = 180.0
SAMPLED_S = 1.0
"""The supervisor reads memory so often."""
NEAR_BYTES = 64 * 2**20
"""nvidia-smi and the supervisor look at different moments, up to a second apart."""
NEAR_SHARE = 0.10
"""Of backward in forward and backward together: by the split, and by the trace."""

STEADY = """
name = "steady"
task = "regression"
[data]
name = "linear"
samples = 20000
[model]
name = "mlp"
hidden = [4096, 4096, 4096]
[loss]
name = "mse"
[train]
epochs = 1000000
batch_size = 2048
evaluate_every_epochs = 0
device = "{device}"
"""

RANKED = """
name = "ranked"
task = "classification"
[data]
name = "digits"
augment = [{{ name = "shift", pixels = 1 }}]
[model]
name = "{model}"
[loss]
name = "cross_entropy"
[train]
epochs = 30
batch_size = 50
accumulate = 2
clip_norm = 5.0
threads = 1
device = "{kind}"
ranks = {size}
evaluate_every_epochs = 5
{train}
[checkpoint]
every_steps = 10
{checkpoint}
"""
WAYS: tuple[tuple[str, str, str, str], ...] = (
    ("ddp", "cnn", "", ""),
    ("packed", "cnn", "compress_gradients = true", ""),
    ("synced", "resnet", "sync_batchnorm = true", ""),
    ("fsdp", "cnn", 'strategy = "fsdp"', ""),
    ("parts", "vit", 'strategy = "fsdp"\nprecision = "bf16"', "one_file_gib = 0.0"),
)
"""How ranks train: a name, a model, and lines of [train] and of [checkpoint]."""

HUNGRY = """
name = "hungry"
task = "regression"
[data]
name = "linear"
samples = 5120
[model]
name = "hungry:Hungry"
floats = {floats}
[loss]
name = "mse"
[train]
epochs = 1
batch_size = 4096
evaluate_every_epochs = 0
memory_history = true
device = "{device}"
"""

MODULE = '''
import torch

class Hungry(torch.nn.Module):
    """Keeps `floats` numbers a sample for the backward pass."""
    def __init__(self, spec, *, floats: int):
        super().__init__()
        self.inner = torch.nn.Linear(spec.input_shape[0], 1)
        self.floats = floats

    def forward(self, inputs):
        wide = self.inner(inputs).expand(-1, self.floats).exp()
        return wide.mean(1, keepdim=True)
'''


class Checks:
    """Prints what each check saw, and remembers what did not hold."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def hold(self, what: str, holds: bool, seen: str) -> None:
        """Print a check with what was seen."""
        print(f"  {'holds' if holds else 'FAILS'}  {what}: {seen}", flush=True)
        if not holds:
            self.failed.append(what)


class Machine:
    """Runs the command line in a folder of its own."""

    def __init__(self, folder: Path, device: str) -> None:
        self.folder = folder
        self.device = device
        self.runs = folder / "runs"
        found = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))
        self.environ = {**os.environ, "PYTHONPATH": found}

    def call(self, *words: str, code: int | None = 0) -> str:
        """Return what a command printed; any exit code will do where `code` is None."""
        command = [sys.executable, "-m", "tuitrain", *words, f"--runs-dir={self.runs}"]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False
        )
        if code is not None and done.returncode != code:
            raise RuntimeError(f"tuitrain {words[0]} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def preset(self, name: str, text: str, **values: object) -> str:
        """Write a preset; return its path."""
        path = self.folder / f"{name}.toml"
        path.write_text(text.format(device=self.device, **values), encoding="utf-8")
        return str(path)

    def run_of(self, name: str) -> RunDirectory:
        """Return the run that was given a name."""
        [path] = [path for path in self.runs.iterdir() if f"-{name}-" in path.name]
        return RunDirectory(path)


def until(condition: Callable[[], Any], what: str) -> Any:
    """Return the condition's value once it is true."""
    deadline = time.monotonic() + LIMIT_S
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited in vain: {what}")
        time.sleep(0.2)
    return value


def nvidia_smi(query: str, fields: str) -> list[list[str]]:
    """Return the rows that nvidia-smi answers a query with; none where there is no nvidia-smi."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-{query}={fields}", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split(", ") for line in done.stdout.splitlines() if line.strip()]


# --- the checks ---------------------------------------------------------------------------------


def check_memory_bar(machine: Machine, run: RunDirectory, checks: Checks) -> None:
    """Compare the bar of the device that trains with what nvidia-smi says at the same time."""
    print("\nmemory bar against nvidia-smi")
    until(lambda: _worker_after(run, 50), "a steady step")
    time.sleep(3 * SAMPLED_S)
    bar, pid, driver = until(lambda: _read_bar(run, machine.device), "a bar of the device")
    for part in bar.parts:
        print(f"         {part.name:10} {part.bytes / 2**20:10,.0f} MiB  {detail_text(part)}")
    total = sum(part.bytes for part in bar.parts)
    checks.hold("the parts add up to the total", total == bar.total_bytes, f"{total:,} bytes")
    smi = nvidia_smi("gpu", "pci.bus_id,memory.total,memory.used,memory.reserved")
    row = next((row for row in smi if _same_place(row[0], driver)), None)
    if row is None:
        print("         no nvidia-smi row for this device: nothing to compare with")
        return
    whole, used, reserved = (float(cell) * 2**20 for cell in row[1:])
    ours = bar.used_bytes - bar.part("driver")
    checks.hold("total", abs(whole - bar.total_bytes) < NEAR_BYTES, f"{whole:,.0f} bytes")
    seen = f"{ours:,} and {used:,.0f} bytes, the driver's own {reserved:,.0f}"
    checks.hold("used", abs(used - ours) < NEAR_BYTES, seen)
    _check_process(bar, pid, checks)


def _read_bar(run: RunDirectory, device: str) -> tuple[MemoryBreakdown, int | None, str] | None:
    with RunReader(run) as reader:
        run_facts, samples, row = (
            reader.facts(),
            reader.readings.latest_samples(),
            reader.entries.devices(),
        )
        attempts = reader.attempts()
    facts = row.facts if row else {}
    place = training_device(run_facts.device, run_facts.environment, samples, facts) or "host"
    if device != "cpu" and "torch/allocated_bytes" not in samples:
        return None
    bar = next(
        (bar for bar in memory_breakdowns(samples, facts, place) if bar.prefix == place), None
    )
    pid, pci = attempts[-1].pid if attempts else None, run_facts.environment.device_pci or ""
    return None if bar is None else (bar, pid, pci)


def _same_place(bus_id: str, pci: str) -> bool:
    """Compare 00000000:1B:00.0 with 00000000:1b:00."""
    return bool(pci) and bus_id.lower().rpartition(".")[0] == pci.lower()


def _check_process(bar: MemoryBreakdown, pid: int | None, checks: Checks) -> None:
    rows = [row for row in nvidia_smi("compute-apps", "pid,used_memory") if row[0] == str(pid)]
    if not rows:
        print("         nvidia-smi does not list the worker (a container?): not compared")
        return
    theirs = float(rows[0][1]) * 2**20
    ours = bar.part("tensors") + bar.part("cached") + bar.part("context")
    seen = f"{ours:,} and {theirs:,.0f} bytes"
    checks.hold("the worker's part", abs(theirs - ours) < NEAR_BYTES, seen)


def check_split(machine: Machine, run: RunDirectory, checks: Checks) -> None:
    """Compare the split of a step with a profile of steps right after."""
    print("\nsplit of a step against the profiler's trace")
    split = until(lambda: _mean_split(run), "a split")
    words = ("profile", run.id, "--steps", "20", "--no-stacks", "--json")
    profile = json.loads(machine.call(*words))
    for stage, seconds in split.items():
        print(f"         {stage:10} {1e3 * seconds:8.3f} ms")
    wall_ms = 1e3 * sum(split.values())
    traced_ms = statistics.median(profile["steps_us"]) / 1e3
    print(
        f"         a step: {wall_ms:.3f} ms by the split, {traced_ms:.3f} ms while it is profiled"
    )
    device = profile["device"]
    if device is not None:
        print(f"         the trace says of the device: {json.dumps(profile['summary'])[:400]}")
    computed = split["forward"] + split["backward"]
    by_split = split["backward"] / computed
    by_trace = _backward_share(profile["tables"]["module"], on_device=device is not None)
    seen = f"{by_split:.1%} by the split, {by_trace:.1%} by the trace"
    checks.hold("backward's share", abs(by_split - by_trace) < NEAR_SHARE, seen)


def _mean_split(run: RunDirectory) -> dict[str, float] | None:
    with RunReader(run) as reader:
        stages = [stage for stage in STAGES if stage != EXCHANGE]
        points = {s: [v for _, v in reader.curves.points(split_metric(s))][-10:] for s in stages}
    if any(len(values) < 10 for values in points.values()):
        return None
    return {stage: statistics.fmean(values) for stage, values in points.items()}


def _backward_share(rows: list[dict[str, Any]], *, on_device: bool) -> float:
    """Return backward's part of forward and backward, by the rows of modules."""
    key = "self_device_us" if on_device else "self_us"
    modules = [row for row in rows if not row["name"].startswith("(")]
    whole = sum(row[key] for row in modules)
    return float(sum(row[key] * row["backward_share"] for row in modules)) / whole


def check_out_of_memory(machine: Machine, checks: Checks) -> None:
    """Let memory run out: the account, the run that is offered, and halved batches."""
    print("\nmemory that runs out")
    (machine.folder / "hungry.py").write_text(MODULE, encoding="utf-8")
    floats = _floats_too_many(machine.device)
    preset = machine.preset("hungry", HUNGRY, floats=floats)
    print(machine.call("run", preset, "--name", "fails", code=1))
    with RunReader(machine.run_of("fails")) as reader:
        reason, account = reader.state().reason, reader.meta().get("out_of_memory", {})
    print(f"         {reason}")
    print(json.dumps(account, indent=1)[:3000])
    for name in ("asked_bytes", "free_bytes", "allocated_bytes", "fits_batch_size"):
        checks.hold(f"the account has {name}", bool(account.get(name)), str(account.get(name)))
    lines = [block.get("where") for block in account.get("blocks") or ()]
    checks.hold(
        "a block's source line", any("hungry.py" in str(line) for line in lines), str(lines)
    )
    offered = shlex.split(reason.partition("Run again with: ")[2])
    settings = [word for word in offered if "=" in word and word.startswith("train.")]
    sets = [part for setting in settings for part in ("--set", setting)]
    machine.call("run", preset, "--name", "again", *sets)
    with RunReader(machine.run_of("again")) as reader:
        checks.hold("the offered size fits", reader.state().state == "finished", str(settings))
    machine.call("run", preset, "--name", "halves", "--set", "train.oom=halve")
    with RunReader(machine.run_of("halves")) as reader:
        halved = [mark.text for mark in reader.entries.marks() if mark.kind == "batch"]
        state = reader.state().state
    checks.hold("halved batches finish", state == "finished" and bool(halved), str(halved))


def _floats_too_many(device: str) -> int:
    """Return numbers a sample so that 4,096 samples take twice the device's memory."""
    code = f"import torch; print(torch.cuda.get_device_properties('{device}').total_memory)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return 2 * int(done.stdout) // 4096 // 4


def check_resume(machine: Machine, checks: Checks) -> None:
    """Kill a worker with -9, resume, and hold the weights against those of an undisturbed run."""
    print("\nexact resume")
    kind = machine.device.partition(":")[0]
    for name, train in (("usual", ""), ("bf16", 'precision = "bf16"')):
        lines = {"model": "cnn", "train": f"deterministic = true\n{train}", "checkpoint": ""}
        preset = machine.preset(f"exact-{name}", RANKED, kind=kind, size=1, **lines)
        machine.call("run", preset, "--name", f"{name}-whole")
        machine.call("run", preset, "--detach", "--name", f"{name}-killed")
        run = machine.run_of(f"{name}-killed")
        pid = until(lambda run=run: _worker_after(run, 25), "a step after the second checkpoint")
        os.kill(pid, signal.SIGKILL)
        until(lambda run=run: _state_of(run)[0] == "failed", "the killed run has failed")
        machine.call("resume", run.id, "--foreground")
        digests = [_last_digest(each) for each in (machine.run_of(f"{name}-whole"), run)]
        same = len(set(digests)) == 1
        checks.hold(f"{name}: resumed weights are the same", same, " ".join(digests))


def _worker_after(run: RunDirectory, step: int) -> int | None:
    """Return the worker of a run that has come past a step."""
    with RunReader(run) as reader:
        row = reader.steps.progress()
        return reader.attempts()[-1].pid if row is not None and row.step > step else None


def check_ranks(machine: Machine, checks: Checks) -> None:
    """Train on several GPUs in each of the ways there are, with NCCL's flight recorder on.

    Where there are fewer than two GPUs that is skipped; with `--device cpu` it is done on gloo.
    """
    print("\nranks")
    kind = machine.device.partition(":")[0]
    size = min(3, _gpus()) if kind == "cuda" else 2
    if size < 2:
        print("         skipped: NCCL needs a GPU for each rank, and there are fewer than two")
        return
    machine.environ["TORCH_FR_BUFFER_SIZE"] = "2000"
    for name, model, train, checkpoint in WAYS:
        if kind == "cpu" and "sync_batchnorm" in train:
            print(f"         {name}: skipped, as it needs CUDA devices")
            continue
        print(f"         {name}, {size} ranks")
        lines = {"model": model, "train": train, "checkpoint": checkpoint}
        preset = machine.preset(name, RANKED, kind=kind, size=size, **lines)
        _check_way(machine, checks, name, preset)
    del machine.environ["TORCH_FR_BUFFER_SIZE"]


def _check_way(machine: Machine, checks: Checks, name: str, preset: str) -> None:
    """Kill a rank, resume, and hold the weights against those of an undisturbed run."""
    kind = machine.device.partition(":")[0]
    machine.call("run", preset, "--name", f"{name}-whole")
    machine.call("run", preset, "--detach", "--name", f"{name}-killed")
    run = machine.run_of(f"{name}-killed")
    board = until(lambda: [each for each in read_board(run.path) if each.step > 20], "ranks train")
    if kind == "cuda":
        agent = psutil.Process(board[0].pid).ppid()
        users = {pid for [pid] in nvidia_smi("compute-apps", "pid")}
        checks.hold("the agent of the ranks has no CUDA context", str(agent) not in users, "")
    begun = time.monotonic()
    os.kill(board[-1].pid, signal.SIGKILL)
    until(lambda: _state_of(run)[0] == "failed", "the killed run has failed")
    took_s = time.monotonic() - begun
    named = f"rank {board[-1].rank} was killed by SIGKILL" in _state_of(run)[1]
    seen = f"{took_s:.1f} s"
    checks.hold(f"{name}: a killed rank is named within 5 s", named and took_s < 5, seen)
    machine.call("resume", run.id, "--foreground")
    digests = [_last_digest(each) for each in (machine.run_of(f"{name}-whole"), run)]
    same = len(set(digests)) == 1
    checks.hold(f"{name}: resumed weights are the same", same, " ".join(digests))
    measured = json.loads(machine.call("evaluate", run.id, "--checkpoint", "last", "--json"))
    with RunReader(run) as reader:
        told = list(reader.entries.evaluations())[-1].metrics["val/accuracy"]
    found = measured["metrics"]["accuracy"]["value"]
    seen = f"{found} and {told}"
    checks.hold(f"{name}: one process reads the checkpoint", abs(found - told) < 0.02, seen)


def _gpus() -> int:
    """Return how many GPUs torch can use, by a process that ends before any run begins."""
    code = "import torch; print(torch.cuda.device_count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


def _state_of(run: RunDirectory) -> tuple[str, str]:
    with RunReader(run) as reader:
        state = reader.state()
        return state.state, state.reason


def _last_digest(run: RunDirectory) -> str:
    with RunReader(run) as reader:
        [row] = [row for row in reader.entries.checkpoints() if "last" in row.names]
        return str(row.digest)[:12]


def show_overhead(machine: Machine) -> None:
    """Print what splitting and sampling cost, measured side by side."""
    print("\noverhead")
    benchmarks = PROJECT / "tests" / "benchmarks"
    for preset in ("digits-mlp", "digits-cnn"):
        words = [str(benchmarks / "split_cost.py"), str(machine.folder), preset, "40"]
        command = [sys.executable, *words, machine.device]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(f"         split, {preset} on {machine.device}: {done.stdout.strip()}")
    command = [sys.executable, str(benchmarks), "--only", "sampling"]
    print(subprocess.run(command, capture_output=True, text=True, check=False).stdout)


def main() -> int:
    """Run every check; return 1 where one did not hold."""
    parser = argparse.ArgumentParser(prog="python tests/cuda_check.py")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="tuitrain-cuda-"))
    machine, checks = Machine(folder.resolve(), given.device), Checks()
    print(machine.call("doctor", code=None))
    machine.call("run", machine.preset("steady", STEADY), "--detach", "--name", "steady")
    run = machine.run_of("steady")
    try:
        check_memory_bar(machine, run, checks)
        check_split(machine, run, checks)
    finally:
        machine.call("stop", run.id, code=None)
    if given.device != "cpu":
        check_out_of_memory(machine, checks)
    check_resume(machine, checks)
    check_ranks(machine, checks)
    show_overhead(machine)
    print(f"\n{len(checks.failed)} checks failed{': ' if checks.failed else ''}", end="")
    print("; ".join(checks.failed))
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
