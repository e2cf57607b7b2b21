"""What one checkpoint of 25 million parameters with AdamW state costs the training thread.

tuitrain's writer against a plain save that is as safe against crashes, in turn, in one process
that trains a small model all the while.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report import Row, Table, spread, table

if TYPE_CHECKING:
    from torch import nn

_QUIET_STEPS = 200
_DEFAULT_INTERVAL_S = 300.0


@dataclass(slots=True)
class Times:
    """Milliseconds."""

    size_mb: float = 0.0
    plain: list[float] = field(default_factory=list)
    """Training stood still for a plain save."""
    held_up: list[float] = field(default_factory=list)
    """Training stood still for tuitrain's writer; the first one allocates the buffers."""
    written: list[float] = field(default_factory=list)
    """From the step boundary until the file was in place."""
    lost: list[float] = field(default_factory=list)
    """Held up, and what the steps beside the writing took longer."""
    quiet: list[float] = field(default_factory=list)
    """Steps without a checkpoint."""
    beside: list[float] = field(default_factory=list)
    """Steps while the thread wrote."""


def measure(folder: Path, quick: bool) -> list[Table]:
    """Measure in a process of its own, as this one imports no torch."""
    rounds = "4" if quick else "12"
    done = subprocess.run(
        [sys.executable, __file__, str(folder), rounds], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    times = Times(**json.loads(done.stdout))
    title = f"Checkpoint of {times.size_mb:.0f} MB (25 million parameters, AdamW state)"
    return [table(title, _rows(times))]


def _rows(times: Times) -> list[Row]:
    steady, plain = times.held_up[1:], statistics.median(times.plain)
    held_up = statistics.median(steady)
    lost = statistics.median(times.lost[1:])
    share = lost / 1000 / _DEFAULT_INTERVAL_S
    quiet, beside = (
        statistics.quantiles(times.quiet, n=100),
        statistics.quantiles(times.beside, n=100),
    )
    return [
        Row("torch.save, fsync, rename, fsync of the folder", spread(times.plain, 0, " ms")),
        Row("tuitrain, first: training held up", f"{times.held_up[0]:.0f} ms"),
        Row("tuitrain, later: training held up", spread(steady, 0, " ms")),
        Row(
            "tuitrain's hold-up / plain save",
            f"{held_up / plain:.2f}",
            "1/5",
            held_up <= plain / 5,
        ),
        Row("tuitrain, until the file is in place", spread(times.written, 0, " ms")),
        Row("hold-up and slower steps together", spread(times.lost[1:], 0, " ms")),
        Row("the same at the default interval of 5 min", f"{share:.2%}", "1 %", share < 0.01),
        Row("a step, nothing written: p50, p99", f"{quiet[49]:.2f}, {quiet[98]:.2f} ms"),
        Row("a step while the thread writes: p50, p99", f"{beside[49]:.2f}, {beside[98]:.2f} ms"),
    ]


# --- in the process with torch ------------------------------------------------------------------


def _main() -> None:
    import torch
    from torch import nn

    from tuitrain.training.checkpoints.files import CheckpointFolder
    from tuitrain.training.checkpoints.writer import CheckpointWriter

    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    model = nn.Sequential(*(nn.Linear(2048, 2048) for _layer in range(6)))
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    model(torch.randn(1, 2048)).sum().backward()
    optimizer.step()

    def state() -> dict[str, Any]:
        return {"model": model.state_dict(), "optimizer": optimizer.state_dict()}

    checkpoints = CheckpointFolder(folder / "checkpoints")
    checkpoints.prepare()
    writer = CheckpointWriter(checkpoints, folder)
    step, times = _small_training(), Times()
    _time_steps(step, _QUIET_STEPS)
    for number in range(rounds):
        quiet = _time_steps(step, _QUIET_STEPS)
        started = time.perf_counter()
        writer.save(state, step=number, names=("last",), keep=1, metrics={})
        held_up = (time.perf_counter() - started) * 1000
        beside = []
        while writer.busy:
            beside += _time_steps(step, 1)
        times.written.append((time.perf_counter() - started) * 1000)
        writer.wait()
        slower = sum(beside) - len(beside) * statistics.median(quiet)
        times.held_up.append(held_up)
        times.lost.append(held_up + slower)
        times.quiet += quiet
        times.beside += beside
        times.plain.append(_plain_save(state(), folder / "plain.pt"))
    times.size_mb = (folder / "plain.pt").stat().st_size / 1e6
    print(json.dumps({name: getattr(times, name) for name in Times.__slots__}))


def _small_training() -> Callable[[], None]:
    """Return one step of the MNIST-shaped MLP on random images."""
    import torch
    from loops import build_model
    from torch.nn.functional import cross_entropy

    model: nn.Module = build_model("mlp")
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    images, targets = torch.randn(64, 1, 28, 28), torch.randint(10, (64,))

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(model(images), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def _time_steps(step: Callable[[], None], number: int) -> list[float]:
    taken = []
    for _step in range(number):
        started = time.perf_counter()
        step()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def _plain_save(state: dict[str, Any], path: Path) -> float:
    """Save as a careful person does by hand; return the milliseconds."""
    import torch

    started = time.perf_counter()
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    _main()
