"""The interface in a terminal: first paint, processor time and bytes of a live screen, memory.

    python tests/benchmarks --only interface [--quick]

The live run is a process that appends to a real record as a worker at 500 steps a second does.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from bench_record import build_run
from report import Row, Table, spread, table

from tests.terminal.pictures import KITTY_ANSWERS, SIXEL_ANSWERS
from tests.terminal.ptys import Terminal
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.summary import RunSummary, save_summary

SIZE = (140, 45)
STEPS_PER_S = 500
STEPS_BEFORE = (0, 100_000)
"""A young curve is squeezed again and again as it grows, an old one hardly moves."""
BUDGET_CPU, BUDGET_KB_PER_S, BUDGET_MB = 5.0, 8.0, 80.0
PICTURES = {"kitty": KITTY_ANSWERS, "sixel": SIXEL_ANSWERS}
OPEN_BUDGETS_S = {1_000_000: 0.3, 10_000_000: 1.0}
FILTER_BUDGET_MS = 50.0
_SETTLE_S = 4.0
_TUITRAIN = [sys.executable, "-m", "tuitrain"]
_WRITER = str(Path(__file__).with_name("live_writer.py"))
_CONFIG = """
name = "bench"
task = "classification"
[data]
name = "digits"
[model]
name = "mlp"
[loss]
name = "cross_entropy"
[train]
epochs = 2000
"""


def measure(folder: Path, quick: bool) -> list[Table]:
    """Start real processes in pseudo-terminals."""
    first = _first_paint(folder, 3 if quick else 9)
    seconds = 8.0 if quick else 30.0
    live = [row for before in STEPS_BEFORE for row in _live(folder, seconds, before)]
    pictured = [row for kind in PICTURES for row in _pictured(folder, seconds, kind)]
    opened = [_opened(folder, steps, quick) for steps in _sizes(quick)]
    rows = [*first, *live, *pictured, *opened, *_filtered(folder, 1000 if quick else 10_000)]
    notes = "The terminal is read as fast as it is written; MB of 1,000,000 bytes."
    return [table("Interface, in a pseudo-terminal", rows, notes)]


def _sizes(quick: bool) -> tuple[int, ...]:
    return (1_000_000,) if quick else (1_000_000, 10_000_000)


# --- first paint ----------------------------------------------------------------------------------


def _first_paint(folder: Path, rounds: int) -> list[Row]:
    ways: dict[str, Callable[[], float]] = {
        "torch": _import_torch_s,
        "home": lambda: _until_shown_s(folder, "help"),
        "presets": lambda: _until_shown_s(folder, "digits-cnn"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _round in range(rounds):
        for name, way in ways.items():
            seconds[name].append(way())
    ratio = statistics.median(seconds["home"]) / statistics.median(seconds["torch"])
    return [
        Row('python -c "import torch"', spread(seconds["torch"], 2, " s")),
        Row("tuitrain to its first screen", spread(seconds["home"], 2, " s")),
        Row("tuitrain to the list of presets", spread(seconds["presets"], 2, " s")),
        Row("first screen / import torch", f"{ratio:.2f}", "1/3", ratio <= 1 / 3),
    ]


def _import_torch_s() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.perf_counter() - started


def _until_shown_s(folder: Path, text: str) -> float:
    started = time.perf_counter()
    with _terminal(folder, f"--runs-dir={folder / 'none'}") as terminal:
        terminal.wait_text(text)
        return time.perf_counter() - started


# --- a live run -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Load:
    """What a program costs over a time."""

    cpu_percent: float
    bytes_per_s: float


def _live(folder: Path, seconds: float, steps_before: int) -> list[Row]:
    directory = create_run(folder / "live", "bench", f"live{steps_before}", _CONFIG)
    with (
        _writer(directory, steps_before) as writer,
        _terminal(folder, *_attach(directory)) as terminal,
    ):
        terminal.wait_text("space pause")
        busy = _load(terminal, seconds)
        writer.send_signal(signal.SIGTSTP)
        quiet = _load(terminal, seconds / 2)
        memory_mb = psutil.Process(terminal.process.pid).memory_info().rss / 1e6
    when = f"after {steps_before:,} steps" if steps_before else "from its first step on"
    what = f"{SIZE[0]}x{SIZE[1]}, {STEPS_PER_S} steps/s, {when}"
    return [
        _row(f"processor, {what}", busy.cpu_percent, BUDGET_CPU, "% of a core"),
        _row(f"bytes to the terminal, {what}", busy.bytes_per_s / 1000, BUDGET_KB_PER_S, "KB/s"),
        Row("processor, nothing new", f"{quiet.cpu_percent:.1f} % of a core"),
        _row("bytes to the terminal, nothing new", quiet.bytes_per_s / 1000, 0.0, "KB/s"),
        _row("memory", memory_mb, BUDGET_MB, "MB"),
    ]


def _pictured(folder: Path, seconds: float, kind: str) -> list[Row]:
    """Measure curves as pictures beside those of braille, after as many steps."""
    before = STEPS_BEFORE[-1]
    directory = create_run(folder / "live", "bench", f"live-{kind}", _CONFIG)
    with (
        _writer(directory, before),
        _terminal(folder, *_attach(directory), "--graphics", "auto") as terminal,
    ):
        terminal.wait(lambda: b"\x1b[16t" in terminal.written, "it asks the terminal")
        terminal.send(PICTURES[kind])
        terminal.wait_text("space pause")
        load = _load(terminal, seconds)
    what = f"curves by {kind}, after {before:,} steps"
    return [
        _row(f"processor, {what}", load.cpu_percent, BUDGET_CPU, "% of a core"),
        _row(f"bytes to the terminal, {what}", load.bytes_per_s / 1000, BUDGET_KB_PER_S, "KB/s"),
    ]


def _row(what: str, measured: float, budget: float, unit: str) -> Row:
    return Row(what, f"{measured:.1f} {unit}", f"{budget:g} {unit}", measured <= budget)


def _load(terminal: Terminal, seconds: float) -> Load:
    time.sleep(_SETTLE_S)
    process = psutil.Process(terminal.process.pid)
    used, written, started = _used_s(process), len(terminal.written), time.perf_counter()
    time.sleep(seconds)
    took_s = time.perf_counter() - started
    return Load(
        100 * (_used_s(process) - used) / took_s, (len(terminal.written) - written) / took_s
    )


def _used_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _writer(directory: RunDirectory, steps_before: int) -> "Iterator[subprocess.Popen[bytes]]":
    command = [sys.executable, _WRITER, str(directory.path), str(STEPS_PER_S), str(steps_before)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        if steps_before and process.stdout is not None:
            process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


# --- opening --------------------------------------------------------------------------------------


def _opened(folder: Path, steps: int, quick: bool) -> Row:
    directory, _point_s = build_run(folder / f"long{steps}", steps, f"long{steps}")
    seconds = [_open_s(folder, directory, steps) for _round in range(2 if quick else 5)]
    budget_s = OPEN_BUDGETS_S[steps]
    return Row(
        f"Enter on a run of {steps:,} steps to its curves",
        spread(seconds, 2, " s"),
        f"{budget_s:g} s",
        statistics.median(seconds) <= budget_s,
    )


def _open_s(folder: Path, directory: RunDirectory, steps: int) -> float:
    with _terminal(folder, f"--runs-dir={directory.path.parent}") as terminal:
        terminal.wait_text(f"long{steps}")
        terminal.send(b"\t")
        time.sleep(0.5)
        before, started = len(terminal.written), time.perf_counter()
        terminal.send(b"\r")
        terminal.wait_text("samples_per_s", before)
        return time.perf_counter() - started


# --- the table of runs ----------------------------------------------------------------------------


def _filtered(folder: Path, count: int) -> list[Row]:
    """Time what a key that is typed into the filter of so many runs takes, in this process."""
    root = folder / f"table{count}"
    _many_runs(root, count)
    worst, median, read_s = asyncio.run(_type_filter(root, folder / "table.toml", count))
    what = f"a key typed into the filter of {count:,} runs"
    return [
        _row(f"{what}, median", median * 1000, FILTER_BUDGET_MS, "ms"),
        _row(f"{what}, the slowest", worst * 1000, FILTER_BUDGET_MS, "ms"),
        Row(f"settings and metrics of {count:,} runs read, in the background", f"{read_s:.1f} s"),
    ]


def _many_runs(root: Path, count: int) -> None:
    settings = {f"train.setting_{number}": number for number in range(60)}
    for number in range(count):
        directory = RunDirectory(root / f"20260101-0000-many{number:05}-abc")
        directory.path.mkdir(parents=True)
        directory.config_path.touch()
        save_summary(directory, _summary(directory, number))
        own = settings | {"optimizer.lr": number * 1e-5, "model.name": f"net{number % 7}"}
        metrics = {"val/loss": 1 / (number + 1)}
        plain = {"version": 1, "settings": own, "last": metrics, "best": metrics}
        directory.details_path.write_text(json.dumps(plain), encoding="utf-8")


def _summary(directory: RunDirectory, number: int) -> RunSummary:
    return RunSummary(
        directory.id, f"many{number:05}", "bench", "finished", "", 1.77e9 + number, 1.77e9, 1.78e9,
        60.0, 100, 100, 10.0, "val/loss", 0.1, "cpu", str(directory.path),
    )  # fmt: skip


async def _type_filter(root: Path, preferences: Path, count: int) -> tuple[float, float, float]:
    """Return the slowest and the median time of a key, and how long reading took, in seconds."""
    from tuitrain.ui.app import TuitrainApp
    from tuitrain.ui.preferences import Preferences
    from tuitrain.ui.screens.home.table import RunTable
    from tuitrain.view.chart.figure import TerminalStyle

    app = TuitrainApp(root, look=TerminalStyle(), preferences=Preferences(preferences))
    async with app.run_test(size=SIZE) as pilot:
        table = app.screen.query_one(RunTable)
        while len(table.listed.known.runs) < count:
            await pilot.pause(0.05)
        started = time.perf_counter()
        table.filter()
        while table.listed.known.unread:
            await pilot.pause(0.05)
        read_s = time.perf_counter() - started
        took: list[float] = []
        for text in ("many0001", "lr>1e-2", "model=net3 val/loss<0.01 many", "-state=failed 99"):
            for end in range(1, len(text) + 1):
                started = time.perf_counter()
                table.listed.search(text[:end])
                table.show()
                took.append(time.perf_counter() - started)
                await pilot.pause(0.01)
    return max(took), statistics.median(took), read_s


def _attach(directory: RunDirectory) -> tuple[str, ...]:
    return "attach", directory.id, f"--runs-dir={directory.path.parent}"


@contextmanager
def _terminal(folder: Path, *arguments: str) -> Iterator[Terminal]:
    environ = {
        **{name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR")},
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    terminal = Terminal([*_TUITRAIN, *arguments], environ, folder, SIZE)
    try:
        yield terminal
    finally:
        terminal.close()
