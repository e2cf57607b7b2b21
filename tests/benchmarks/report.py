"""Tables in Markdown and the line that says on what machine they were measured.

Knows nothing of what is measured.
"""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "torchvision", "lightning", "tensorboard", "wandb")


@dataclass(frozen=True, slots=True)
class Table:
    """One topic's results; `budget` and `measured` are among the columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: str = ""
    over: int = 0
    """How many budgets are not met."""

    def __str__(self) -> str:
        """Return the table as Markdown, its columns aligned."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        text = [
            "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
            for line in lines
        ]
        text.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
        head = [f"### {self.title}", ""]
        return "\n".join([*head, *text, *(["", self.notes] if self.notes else [])])


@dataclass(frozen=True, slots=True)
class Row:
    """A measured value, and its budget where it has one."""

    what: str
    measured: str
    budget: str = ""
    met: bool | None = None


def table(title: str, rows: Sequence[Row], notes: str = "") -> Table:
    """Return a table of plain rows."""
    cells = [(row.what, row.measured, verdict(row.budget, row.met)) for row in rows]
    over = sum(row.met is False for row in rows)
    return Table(title, ("what", "measured", "budget"), cells, notes, over)


def verdict(budget: str, met: bool | None) -> str:
    """Return a budget with whether it is met."""
    if met is None:
        return budget or "-"
    return f"{budget}: {'met' if met else 'NOT MET'}"


def spread(values: Sequence[float], digits: int = 1, unit: str = "") -> str:
    """Return the median, and the least and the most where there are several values."""
    middle = f"{statistics.median(values):,.{digits}f}{unit}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def machine() -> str:
    """Return what this was measured on: CPU, cores, memory and versions."""
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} not installed")
    return (
        f"Machine: {_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, "
        f"{platform.system()} {platform.release()}; {', '.join(versions)}"
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
