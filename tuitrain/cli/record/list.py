"""`tuitrain ls`: every run in a table, newest first.

Knows how a line looks, not where its facts come from.
"""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsDir

if TYPE_CHECKING:
    from tuitrain.runs.summary import RunSummary
    from tuitrain.view.format import Align

STATES = (
    "queued", "starting", "running", "paused", "finished", "stopped", "failed", "lost",
    "damaged", "newer", "unreadable",
)  # fmt: skip
_REASON_WIDTH = 60
_SPEAKING_STATES = frozenset({"failed", "lost", "damaged", "newer", "unreadable"})


def ls(
    runs_dir: RunsDir = None,
    state: Annotated[
        str | None,
        typer.Option(help=f"Only runs in this state: {', '.join(STATES)}.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """List runs, newest first."""
    from tuitrain.errors import UsageError
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import list_runs

    if state is not None and state not in STATES:
        raise UsageError(f"--state {state!r}: allowed are {', '.join(STATES)}.")
    root = runs_root(runs_dir)
    runs = [run for run in list_runs(root) if state is None or run.state == state]
    if json:
        output.data_json([asdict(run) for run in runs])
    elif runs:
        output.data(_table(runs, time.time()))
    else:
        which = f" in state {state}" if state else ""
        output.say(f"no runs{which} in {root}: `tuitrain run PRESET` starts one.")


def _table(runs: "list[RunSummary]", now: float) -> str:
    from tuitrain.view import format as text

    headings = ("NAME", "STATE", "DONE", "EPOCH", "BEST", "CREATED", "DURATION", "REASON")
    rows = [_row(run, now) for run in runs]
    align: tuple[Align, ...] = ("left", "left", "right", "right", "left", "right", "right", "left")
    return text.table(headings, rows, align)


def _row(run: "RunSummary", now: float) -> tuple[str, ...]:
    from tuitrain import units
    from tuitrain.view import format as text

    best = f"{run.best_metric} {text.metric_value(run.best_value)}" if run.best_metric else "-"
    reason = run.reason if run.state in _SPEAKING_STATES else ""
    return (
        text.sanitise(run.name),
        run.state,
        units.progress(run.step, run.total_steps),
        f"{run.epoch:.1f}",
        text.sanitise(best),
        units.age(now - run.created),
        units.duration(run.duration_s),
        text.shorten(text.sanitise(reason), _REASON_WIDTH),
    )
