"""Many long runs in one workspace: from opening it to all of their curves.

    python tests/benchmarks --only workspace [--quick]

In this process, with a terminal of the size that the other benchmarks of the interface have.
"""

import asyncio
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

from bench_record import build_run
from report import Row, Table, spread, table

from tuitrain.runs.directory import RunDirectory

SIZE = (140, 45)
STEPS = 1_000_000
BUDGET_S = 0.5
_PAUSE_S = 0.005


def measure(folder: Path, quick: bool) -> list[Table]:
    """Open runs together, a few times."""
    rounds = 3 if quick else 7
    rows = []
    for count in (2, 20):
        runs = long_runs(folder / f"together{count}", count)
        took = [asyncio.run(_open_s(runs, folder / "workspace.toml")) for _round in range(rounds)]
        seconds, used = ([each[part] for each in took] for part in range(2))
        median, budget = statistics.median(seconds), BUDGET_S if count == 20 else None
        rows.append(
            Row(
                f"workspace of {count} runs of {STEPS:,} steps, to all of its curves",
                spread(seconds, 2, " s"),
                "" if budget is None else f"{budget:g} s",
                budget is None or median <= budget,
            )
        )
        rows.append(Row("the same, processor time of all threads", spread(used, 2, " s")))
    return [table("Workspace", rows, "The first of all rounds has cold files and imports.")]


def long_runs(root: Path, count: int) -> list[RunDirectory]:
    """Return so many runs: one that was written, and copies of it with settings of their own."""
    first, _point_s = build_run(root, STEPS, "long0")
    runs = [first]
    settings = first.config_path.read_text(encoding="utf-8")
    for number in range(1, count):
        copy = RunDirectory(root / first.id.replace("long0", f"long{number}"))
        shutil.copytree(first.path, copy.path)
        own = f"{settings}\n[optimizer]\nname = 'sgd'\nlr = {number / 1000}\n"
        copy.config_path.write_text(own, encoding="utf-8")
        runs.append(copy)
    return runs


async def _open_s(runs: list[RunDirectory], preferences: Path) -> tuple[float, float]:
    """Return the seconds on the clock and of the processor."""
    from tuitrain.ui.app import TuitrainApp
    from tuitrain.ui.preferences import Preferences
    from tuitrain.view.chart.figure import TerminalStyle

    # A folder of its own: home below lists nothing.
    app = TuitrainApp(
        preferences.parent / "none", look=TerminalStyle(), preferences=Preferences(preferences)
    )
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.5)
        started, used = time.perf_counter(), time.process_time()
        app.opener.open_workspace(runs)
        while not _is_drawn(app.screen, len(runs)):
            await pilot.pause(_PAUSE_S)
        return time.perf_counter() - started, time.process_time() - used


def _is_drawn(screen: Any, count: int) -> bool:
    grid = getattr(screen, "_grid", None)
    charts = [] if grid is None else [each.chart for each in grid._drawn]
    return bool(charts) and all(len(chart.lines) >= count for chart in charts)
