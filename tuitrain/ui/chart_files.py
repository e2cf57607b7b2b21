"""The chart in front as a file in the run's `exports/`, and its values at the cursor as text.

Knows charts, folders and the command that draws pictures; nothing of screens.
"""

import math
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tuitrain.errors import UsageError
from tuitrain.lang import tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.curve_choices import ChartSettings
from tuitrain.view.chart.chart import values_at
from tuitrain.view.chart.figure import Chart
from tuitrain.whole_file import written_whole

ENDINGS = ("svg", "csv", "png")
_LIMIT_S = 120.0
_MOST_NAME = 60


def check_ending(text: str) -> str:
    """Return what kind of file is meant.

    Raises:
        UsageError: there is no such kind.
    """
    ending = text.strip().lower().removeprefix(".")
    if ending not in ENDINGS:
        raise UsageError(f"{text!r}: a chart is written as {', '.join(ENDINGS)}")
    return ending


def free_path(folder: Path, title: str, step: int, ending: str) -> Path:
    """Return where a chart goes: no file that is there is written over.

    Args:
        folder: of the run's files for others.
        title: of the chart.
        step: the newest on it.
        ending: of the file.
    """
    name = re.sub(r"[^\w.-]+", "-", title).strip("-.")[:_MOST_NAME] or "chart"
    stem = f"{name}-step-{step}"
    names = (f"{stem}{f'-{number}' if number > 1 else ''}.{ending}" for number in range(1, 10_000))
    found = next((folder / each for each in names if not (folder / each).exists()), None)
    if found is None:
        raise UsageError(f"{folder}: ten thousand files are called {stem} already")
    return found


def write_chart(path: Path, chart: Chart, title: str) -> None:
    """Write a chart as SVG or CSV, as its path ends.

    Raises:
        UsageError: the file can't be written.
    """
    from tuitrain.view.chart.files import chart_csv, chart_svg

    text = chart_csv(chart) if path.suffix == ".csv" else chart_svg(chart, title)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def draw_picture(
    path: Path,
    directories: Sequence[RunDirectory],
    metrics: Sequence[str],
    settings: ChartSettings,
    axis: str,
) -> None:
    """Have `tuitrain plot` draw metrics of whole runs as PNG, in a process of its own.

    Raises:
        UsageError: it could not; with the command's own words.
    """
    options = [part for name in metrics for part in ("--metric", name)]
    options += ["--log"] if settings.log else []
    options += [] if settings.smoothing is None else ["--smooth", f"{settings.smoothing:g}"]
    command = [
        sys.executable, "-m", "tuitrain", "plot", *(each.id for each in directories), "-o",
        str(path), "--x", settings.across or axis,
        f"--runs-dir={directories[0].path.parent}", *options,
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LIMIT_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UsageError(f"{path.name}: not drawn within {_LIMIT_S:g} s") from None
    if done.returncode:
        words = " ".join(done.stderr.split()) or f"tuitrain plot ended with {done.returncode}"
        raise UsageError(f"{words}; svg and csv need no extra")


def cursor_text(chart: Chart) -> str:
    """Return a line for each curve's value at the cursor, in all its digits.

    Raises:
        UsageError: there is no cursor, or no value at it.
    """
    if chart.cursor is None:
        raise UsageError(tr("no cursor to take a value from: i, or a click, shows one"))
    values = [each for each in values_at(chart, chart.cursor) if math.isfinite(each.value)]
    if not values:
        raise UsageError(tr("no curve of this chart has a value at the cursor"))
    if len(values) == 1 and values[0].raw is None:
        return f"{values[0].value!r}"
    return "\n".join(
        f"{each.label}\t{each.value!r}" if each.raw is None
        else f"{each.label}\t{each.raw!r}\tsmoothed {each.value!r}"
        for each in values
    )  # fmt: skip
