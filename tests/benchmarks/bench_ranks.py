"""Ranks: one against a plain loop; of several a beat's cost, speed and time to the first step."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from report import Row, Table, table

from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader

_HERE = Path(__file__).parent
_RANKS = 2
_BEAT_MOST = 1.02
_SPEED_LEAST = 0.98
_ALONE_LEAST = 0.99
_LATER_MOST = 1.3
_PRESET = """
name = "ranks"
task = "classification"
[data]
name = "digits"
[model]
name = "mlp"
hidden = [1024, 1024]
[loss]
name = "cross_entropy"
[optimizer]
name = "adamw"
[train]
epochs = 100000
max_steps = {steps}
batch_size = 512
threads = 1
device = "cpu"
evaluate_every_epochs = 0
ranks = {ranks}
[checkpoint]
best = false
"""
_NOTES = (
    f"{_RANKS} ranks on the CPU (gloo), one thread each. The beat: CPU time of a DDP step of two "
    "small layers, in blocks of 500 steps with and without beats in turn; what counts is the share "
    "of the beats in the blocks that have them, as blocks differ by more than that. "
    "Speed: a 1.9M "
    "MLP, the median of samples a second of runs in turn, ours by `tuitrain run`, the other a "
    "plain DDP loop under torchrun. One rank: CPU time of a step of the same MLP against the "
    "same step in a plain loop, in blocks of one process by turns (`step_blocks.py`). To the first "
    "step: from the command on, runs of one rank and of several by turns, the best of each."
)


def measure(folder: Path, quick: bool) -> list[Table]:
    """Measure all four."""
    beat = json.loads(_torchrun("beat_cost.py", str(12 if quick else 60)))
    ratio = beat["share"]
    rounds, steps = (1, 60) if quick else (3, 400)
    own, plain = [], []
    for number in range(rounds):
        preset = folder / f"ranks-{number}.toml"
        preset.write_text(_PRESET.format(steps=steps, ranks=_RANKS))
        own.append(_own_speed(folder, preset))
        plain.append(float(_torchrun("ddp_loop.py", str(preset), str(steps))))
    first = _first_steps_s(folder, 2 if quick else 5)
    alone = _alone(folder, quick)
    later = first[_RANKS] / first[1]
    speed = statistics.median(own) / statistics.median(plain)
    rows = [
        Row("step without beats", f"{beat['without_us']:,.0f} us"),
        Row("with beats", f"{ratio:.3f}", f"{_BEAT_MOST}", ratio <= _BEAT_MOST),
        Row("blocks with beats against blocks without", f"{beat['with']:.3f}"),
        Row("blocks without against the same again: noise", f"{beat['again']:.3f}"),
        Row("a beat, of which there are 5 a second", f"{beat['beat_us']:,.0f} us"),
        Row("plain DDP under torchrun", f"{statistics.median(plain):,.0f} samples/s"),
        Row("tuitrain against it", f"{speed:.3f}", f"{_SPEED_LEAST}", speed >= _SPEED_LEAST),
        Row(
            "one rank against the plain loop, the same step", f"{alone['ratio']:.3f}",
            f"{_ALONE_LEAST}", alone["ratio"] >= _ALONE_LEAST,
        ),
        Row("the plain loop against itself: noise", f"{alone['noise']:.3f}"),
        Row("to the first step on one rank", f"{first[1]:.1f} s"),
        Row(
            f"on {_RANKS} ranks against it", f"{later:.2f}", f"{_LATER_MOST}", later <= _LATER_MOST
        ),
    ]  # fmt: skip
    return [table("Several ranks", rows, _NOTES)]


def _alone(folder: Path, quick: bool) -> dict[str, float]:
    """Return the ratio of one rank to a plain loop, with what both take."""
    preset = folder / "alone.toml"
    preset.write_text(_PRESET.format(steps=1_000_000, ranks=1))
    # Short ones: on a shared machine the processor changes from one second to the next.
    blocks = ("4", "6") if quick else ("40", "6")
    # The plain loop takes whole batches only.
    folders = (str(folder / "data"), str(folder / "alone"))
    words = [str(preset), *folders, *blocks, "train.drop_last=true"]
    answer: dict[str, float] = json.loads(
        _run([sys.executable, str(_HERE / "step_blocks.py"), *words])
    )
    return answer


def _own_speed(folder: Path, preset: Path) -> float:
    runs = folder / f"{preset.stem}-runs"
    _run([sys.executable, "-m", "tuitrain", "run", str(preset), "--runs-dir", str(runs)])
    [path] = runs.glob("[!.]*")
    with RunReader(RunDirectory(path)) as reader:
        speeds = [value for _step, value in reader.curves.points("samples_per_s")]
    # The first ones are of single steps, which build what all others use.
    return statistics.median(speeds[len(speeds) // 4 :])


def _first_steps_s(folder: Path, rounds: int) -> dict[int, float]:
    """Return how long runs take from their command to their first step, at best, by ranks."""
    took: dict[int, list[float]] = {1: [], _RANKS: []}
    for number in range(rounds):
        for ranks, found in took.items():
            preset = folder / f"first-{ranks}.toml"
            preset.write_text(_PRESET.format(steps=1, ranks=ranks))
            found.append(_first_step_s(preset, folder / f"first-{ranks}-{number}"))
    return {ranks: min(found) for ranks, found in took.items()}


def _first_step_s(preset: Path, runs: Path) -> float:
    begun = time.time()
    _run([sys.executable, "-m", "tuitrain", "run", str(preset), "--runs-dir", str(runs)])
    [path] = runs.glob("[!.]*")
    with RunReader(RunDirectory(path)) as reader:
        [step] = reader.steps.recent_progress(1)
    return float(step.time - begun)


def _torchrun(script: str, *arguments: str) -> str:
    ranks = f"--nproc-per-node={_RANKS}"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", ranks]
    return _run([*command, str(_HERE / script), *arguments]).splitlines()[-1]


def _run(command: list[str]) -> str:
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-2000:])
    return done.stdout
