"""The fixed cost of a recorded step: a line through points, so that only the instrument counts.

Two parameters, batch 32, L1 loss, SGD, cosine: the preset linear-regression on more points.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from recorded import MANY_POINTS, live_run, speed
from report import Row, Table, spread, table

SETTINGS = (
    *MANY_POINTS,
    "train.epochs=100000",
    "train.evaluate_every_epochs=0",
    "train.device=cpu",
)
_CHILD = Path(__file__).with_name("step_pieces.py")
_NOTES = (
    "Bare and recorded by the clock, each in processes of their own. The pieces: CPU time of the "
    "training thread when a bare step is given one of them, less that of the bare step."
)


def measure(folder: Path, quick: bool) -> list[Table]:
    """Measure bare and recorded in turn, and what each piece of recording adds."""
    seconds, rounds = (1.0, 1) if quick else (3.0, 5)
    bare: list[float] = []
    recorded: list[float] = []
    for _round in range(rounds):
        bare.append(_child(folder, "bare", str(seconds))["bare"])
        with live_run("linear-regression", folder / "runs", SETTINGS) as run:
            run.train_for(seconds)
        recorded.append(1e6 / speed(run.directory).steps_per_s)
    pieces = _child(folder, "pieces", "3" if quick else "15")
    blocks = _blocks(folder, quick)
    ratio = statistics.median(b / r for b, r in zip(bare, recorded, strict=True))
    difference = [r - b for b, r in zip(bare, recorded, strict=True)]
    rows = [
        Row("bare step", spread(bare, 1, " us")),
        Row("recorded step (`tuitrain run`)", spread(recorded, 1, " us")),
        Row("difference", spread(difference, 1, " us")),
        Row("steps/s, recorded / bare", f"{ratio:.3f}"),
        Row(
            "the same in blocks of one process by CPU time, both normalise",
            f"{blocks['ratio']:.3f}",
            "0.95",
            blocks["ratio"] >= 0.95,
        ),
        Row(
            "difference in those blocks",
            f"{blocks['difference_us']:.1f} us",
            "6 us",
            blocks["difference_us"] <= 6,
        ),
        Row("bare against bare in them: noise", f"{blocks['noise']:.3f}"),
        *(Row(f"piece: {what}", f"{cost_us:+.1f} us") for what, cost_us in pieces.items()),
    ]
    return [table("Fixed cost a step: 2-parameter regression", rows, _NOTES)]


def _blocks(folder: Path, quick: bool) -> dict[str, float]:
    rounds = ("2", "300") if quick else ("15", "3000")
    words = ["linear-regression", str(folder), str(folder / "blocks"), *rounds, *MANY_POINTS]
    return _run([sys.executable, str(_CHILD.with_name("step_blocks.py")), *words])


def _child(folder: Path, part: str, amount: str) -> dict[str, float]:
    return _run([sys.executable, str(_CHILD), str(folder), part, amount])


def _run(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    answer: dict[str, float] = json.loads(done.stdout)
    return answer
