"""The shipped presets that need no network, each trained by `tuitrain run` to what it states."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report import Table, verdict

_PROJECT = Path(__file__).parents[2]
_QUICK_S = 5.0
"""A quick run trains the presets that are said to take no longer."""
_COLUMNS = ("preset", "metric", "best", "stated", "time", "cores")

if TYPE_CHECKING:
    from tests.catalogue.table import Figure


def measure(folder: Path, quick: bool) -> list[Table]:
    """Train one preset after the other."""
    sys.path.append(str(_PROJECT))
    from tests.catalogue.table import read_figures

    figures = [figure for figure in read_figures().values() if not figure.needs]
    if quick:
        figures = [figure for figure in figures if (figure.seconds or 0.0) <= _QUICK_S]
    rows, over = [], 0
    for figure in figures:
        row, met = _row(figure, folder)
        print("| " + " | ".join(row) + " |", file=sys.stderr, flush=True)
        rows.append(row)
        over += not met
    notes = "Time: of the whole command. Stated: tests/catalogue/*.toml."
    return [Table("Catalogue", _COLUMNS, rows, notes, over)]


def _row(figure: "Figure", folder: Path) -> tuple[tuple[str, ...], bool]:
    started = time.perf_counter()
    value = _best(figure, folder / figure.preset)
    took_s = time.perf_counter() - started
    met = figure.met(value)
    cells = (
        figure.preset,
        figure.metric,
        f"{value:.4g}",
        verdict(f"{figure.reached:g}", met),
        f"{took_s:.1f} s",
        str(figure.cores),
    )
    return cells, met


def _best(figure: "Figure", runs: Path) -> float:
    """Train a preset and return the best value of its metric on record."""
    where = f"--runs-dir={runs}"
    _tuitrain("run", str(figure.path), where, f"--set=train.threads={figure.cores}")
    shown: Any = json.loads(_tuitrain("show", "last", where, "--json"))
    [row] = [row for row in shown["metrics"] if row["name"] == figure.metric]
    return float(row["best"])


def _tuitrain(*words: str) -> str:
    command = [sys.executable, "-m", "tuitrain", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
