"""What profiles cost: while none is taken, while one is, and while its trace is read.

ResNet-18 on 32x32 images, batch 8, one thread; the recorded steps against those just before and
after, in one process. Whole runs are not needed: what a run adds is measured elsewhere.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report import Row, Table, spread, table

if TYPE_CHECKING:
    from torch import nn

_STEPS = 20
_LOOKS = 1_000_000
_READ_AND_TELL = """
import sys
from pathlib import Path
from tuitrain.traces.__main__ import main
assert main(sys.argv[1:]) == 0
# Not of getrusage: that of a child begins with what its parent had.
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def measure(folder: Path, quick: bool) -> list[Table]:
    """Measure in a process of its own, as this one imports no torch."""
    rounds = "1" if quick else "5"
    done = subprocess.run(
        [sys.executable, __file__, str(folder), rounds], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    found: dict[str, Any] = json.loads(done.stdout)
    return [table(f"Profile of {_STEPS} steps: ResNet-18, batch 8, 32x32", _rows(found))]


def _rows(found: dict[str, Any]) -> list[Row]:
    idle_us, step_us = found["idle_us"], 1e3 * statistics.median(found["plain"]["quiet_ms"])
    share = idle_us / step_us
    rows = [
        Row("no profile asked for: added to a step", f"{1000 * idle_us:.0f} ns"),
        Row("the same, of this step", f"{share:.6%}", "0.1 %", share < 1e-3),
    ]
    for name, words in (("plain", "without source lines"), ("stacks", "with source lines")):
        one = found[name]
        rows += [
            Row(f"{words}: steps/s while recording / before", spread(one["ratio"], 2)),
            Row(f"{words}: training stands still", spread(one["held_up_ms"], 0, " ms")),
            Row(f"{words}: trace as JSON, packed", _sizes(one)),
            Row(f"{words}: read by another process", spread(one["digest_s"], 1, " s")),
        ]
    return [*rows, Row("memory of that process, most", f"{found['digest_mb']:.0f} MB")]


def _sizes(one: dict[str, Any]) -> str:
    return f"{one['json_bytes'] / 1e6:.1f}, {one['trace_bytes'] / 1e6:.1f} MB"


# --- in the process with torch ------------------------------------------------------------------


def _main() -> None:
    # As the worker sets it before it imports torch.
    os.environ["KINETO_LOG_LEVEL"] = "99"
    import torch

    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    model, step = _training()
    _time_steps(step, 10)
    found: dict[str, Any] = {"idle_us": _idle_us()}
    for name, stacks in (("plain", False), ("stacks", True)):
        found[name] = _profiles(folder, name, model, step, stacks=stacks, rounds=rounds)
    found["digest_mb"] = max(found[name].pop("digest_mb") for name in ("plain", "stacks"))
    print(json.dumps(found))


def _training() -> "tuple[nn.Module, Callable[[], None]]":
    import torch
    from torch.nn.functional import cross_entropy
    from torchvision.models import resnet18

    model: nn.Module = resnet18(num_classes=10)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    images, targets = torch.randn(8, 3, 32, 32), torch.randint(10, (8,))

    def step() -> None:
        optimizer.zero_grad()
        torch.autograd.backward(cross_entropy(model(images), targets))
        optimizer.step()

    return model, step


def _idle_us() -> float:
    """Return what looking for a profile adds to a step: the loop's own line."""
    from tuitrain.training.profiling.profiler import Profiler

    class Holder:
        def __init__(self) -> None:
            self.profiler = Profiler({}, None, Path(), lambda _event: None)  # type: ignore[arg-type]

    holder = Holder()
    started = time.perf_counter()
    for _look in range(_LOOKS):
        pass
    empty_s = time.perf_counter() - started
    started = time.perf_counter()
    for _look in range(_LOOKS):
        if holder.profiler.under_way is None:
            pass
    return (time.perf_counter() - started - empty_s) * 1e6 / _LOOKS


def _profiles(
    folder: Path, name: str, model: "nn.Module", step: Callable[[], None], *, stacks: bool,
    rounds: int,
) -> dict[str, Any]:  # fmt: skip
    import torch

    from tuitrain.messages import Profile, ProfileWritten
    from tuitrain.training.profiling.profiler import Profiler

    found: dict[str, Any] = {"ratio": [], "held_up_ms": [], "digest_s": [], "quiet_ms": []}
    for number in range(rounds):
        events: list[Any] = []
        profiler = Profiler(
            {"model": model}, torch.device("cpu"), folder / "profiles", events.append
        )
        before = _time_steps(step, _STEPS)
        profiler.begin(Profile(1, _STEPS, f"{name}{number}", stacks), 0)
        while profiler.under_way is not None:
            profiler.step(step, 1)
        profiler.finish(_STEPS)
        quiet = before + _time_steps(step, _STEPS)
        [written] = [event for event in events if isinstance(event, ProfileWritten)]
        recorded = statistics.median(written.facts.steps_s) * 1000
        found["quiet_ms"] += quiet
        found["ratio"].append(statistics.median(quiet) / recorded)
        found["held_up_ms"].append(written.facts.held_up_s * 1000)
        digest_s, digest_mb = _read(folder, written.name)
        found["digest_s"].append(digest_s)
        found["digest_mb"] = max(found.get("digest_mb", 0.0), digest_mb)
    return {**found, **{key: getattr(written.facts, key) for key in ("json_bytes", "trace_bytes")}}


def _read(folder: Path, name: str) -> tuple[float, float]:
    """Return the seconds that reading a trace takes, and the most memory in MB."""
    started = time.perf_counter()
    command = [sys.executable, "-c", _READ_AND_TELL, str(folder), name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - started, int(done.stdout) * 1024 / 1e6


def _time_steps(step: Callable[[], None], number: int) -> list[float]:
    taken = []
    for _step in range(number):
        started = time.perf_counter()
        step()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


if __name__ == "__main__":
    _main()
