"""The cost of splitting steps into stages: sampled, as runs do, and of timing every step."""

import json
import subprocess
import sys
from pathlib import Path

from report import Row, Table, table

_CHILD = Path(__file__).with_name("split_cost.py")
_MOST = 1.005
_PRESETS = {"digits-mlp": "MLP of `digits-mlp`", "linear-regression": "2-parameter regression"}
_NOTES = (
    "CPU time of the training thread a step, against the same loop in which no step is timed; "
    "lower quartiles of blocks taken in turn in one process."
)


def measure(folder: Path, quick: bool) -> list[Table]:
    """Measure each preset in a process of its own."""
    rows: list[Row] = []
    for name, words in _PRESETS.items():
        found = _child(folder, name, 8 if quick else 60)
        sampled, each = found["sampled"], found["each"]
        rows += [
            Row(f"{words}: step that is not timed", f"{found['never_us']:,.1f} us"),
            Row(
                f"{words}: sampled, one step in {found['stride']:.0f}",
                f"{sampled:.4f}",
                f"{_MOST}",
                sampled <= _MOST,
            ),
            Row(f"{words}: every step timed", f"{each:.4f}"),
        ]
    return [table("Splitting a step into its stages", rows, _NOTES)]


def _child(folder: Path, name: str, blocks: int) -> dict[str, float]:
    command = [sys.executable, str(_CHILD), str(folder), name, str(blocks)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    answer: dict[str, float] = json.loads(done.stdout)
    return answer
