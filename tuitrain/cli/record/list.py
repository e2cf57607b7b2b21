"""`tuitrain ls`: runs in a table, filtered and in an order of choice.

Knows how a line looks, not where its facts come from.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.hosts import Hosts, connect
from tuitrain.cli.options import Json, RunsDir

if TYPE_CHECKING:
    from tuitrain.remote import registry
    from tuitrain.runs.summary import RunSummary
    from tuitrain.runs.table.values import RunValues
    from tuitrain.view.format import Align

STATES = (
    "queued", "starting", "running", "paused", "finished", "stopped", "failed", "lost",
    "damaged", "newer", "unreadable",
)  # fmt: skip
_REASON_WIDTH = 60
_CELL_WIDTH = 40
_SPEAKING_STATES = frozenset({"queued", "failed", "lost", "damaged", "newer", "unreadable"})


def ls(
    runs_dir: RunsDir = None,
    state: Annotated[
        str | None,
        typer.Option(help=f"Only runs in this state: {', '.join(STATES)}.", show_default=False),
    ] = None,
    wanted: Annotated[
        str,
        typer.Option(
            "--filter",
            "-f",
            metavar="TEXT",
            help="Only runs that fulfil all of it, as 'lr>=1e-3 model~resnet -tag:old age<2d'.",
            show_default=False,
        ),
    ] = "",
    sort: Annotated[
        str,
        typer.Option(
            metavar="KEY",
            help="By a field, setting or metric, the least first; -KEY: the largest first.",
            show_default="-created",
        ),
    ] = "",
    columns: Annotated[
        str,
        typer.Option(
            metavar="KEY,...",
            help="What to show beside the name: fields, settings, metrics (their best).",
            show_default=False,
        ),
    ] = "",
    hosts: Hosts = None,
    json: Json = False,
) -> None:
    """List runs, newest first."""
    from tuitrain.errors import UsageError
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import list_runs
    from tuitrain.runs.table.query import check_keys, parse_query
    from tuitrain.runs.table.values import ordered

    if state is not None and state not in STATES:
        raise UsageError(f"--state {state!r}: allowed are {', '.join(STATES)}.")
    root, query = runs_root(runs_dir), parse_query(wanted)
    keys = [key.strip() for key in columns.split(",") if key.strip()]
    detailed = bool(wanted or keys or sort)
    with connect(hosts or ()) as opened:
        found = [*list_runs(root), *_remote_runs(opened)]
        found.sort(key=lambda run: (run.created, run.id), reverse=True)
        chosen = [run for run in found if state is None or run.state == state]
        runs = [_values(run, opened, detailed) for run in chosen]
    asked = [*query.keys, *keys, *([sort.removeprefix("-")] if sort else [])]
    if asked and runs:
        check_keys(asked, {key for run in runs for key in run.known_keys()})
    runs = [run for run in runs if query.matches(run)]
    if sort:
        runs = ordered(runs, sort)
    if json:
        output.data_json([_plain(run, keys) for run in runs])
    elif runs:
        output.data(_chosen_table(runs, keys) if keys else _table(runs, time.time()))
    else:
        which = f" in state {state}" if state else ""
        which += f" that fulfil {wanted!r}" if wanted else ""
        hint = "`tuitrain ls` lists all" if which else "`tuitrain run PRESET` starts one"
        output.say(f"no runs{which} in {root}: {hint}.")


def _remote_runs(hosts: "registry.Hosts") -> "list[RunSummary]":
    """Return the runs of hosts; one that does not answer is told, and holds up no other."""
    if not hosts.connections:
        return []
    from concurrent.futures import ThreadPoolExecutor

    from tuitrain.errors import TuitrainError
    from tuitrain.remote.reader import RemoteList

    found: list[RunSummary] = []
    with ThreadPoolExecutor(len(hosts.connections)) as pool:
        for answer in [pool.submit(RemoteList(each).read) for each in hosts.connections]:
            try:
                found += answer.result()
            except TuitrainError as error:
                output.say(str(error))
    return found


def _values(run: "RunSummary", hosts: "registry.Hosts", detailed: bool) -> "RunValues":
    """Return a run's values; of one on another machine its details are asked for if wanted."""
    from tuitrain.errors import TuitrainError
    from tuitrain.remote.registry import open_reader
    from tuitrain.runs.directory import RunDirectory, host_of
    from tuitrain.runs.labels import Labels
    from tuitrain.runs.table.details import RunDetails, details_of
    from tuitrain.runs.table.values import RunValues

    if not host_of(run.path):
        return RunValues(run)
    details = RunDetails()
    if detailed:
        try:
            with open_reader(hosts.located(RunDirectory(Path(run.path)))) as reader:
                details = details_of(reader)
        except TuitrainError as error:
            output.say(str(error))
    return RunValues(run, details=details, labels=Labels())


def newest_runs(root: Path, number: int) -> str:
    """Return the table of the newest runs, and how many more there are."""
    from tuitrain.runs.listing import list_runs
    from tuitrain.runs.table.values import RunValues

    runs = [RunValues(run) for run in list_runs(root)]
    if not runs:
        return f"no runs in {root}: `tuitrain run PRESET` starts one."
    rest = len(runs) - number
    more = f"\nand {rest} more: `tuitrain ls`" if rest > 0 else ""
    return _table(runs[:number], time.time()) + more


def _plain(run: "RunValues", keys: Sequence[str]) -> dict[str, Any]:
    values = {"values": {key: run.get(key) for key in keys}} if keys else {}
    return {**asdict(run.summary), **values}


def _chosen_table(runs: "Sequence[RunValues]", keys: Sequence[str]) -> str:
    """Return a table of chosen columns; what numbers have is on the right."""
    from tuitrain.view import format as text
    from tuitrain.view.cells import cell_text

    values = [[run.get(key) for key in keys] for run in runs]
    rows = [
        (
            text.sanitise(run.summary.name),
            *(
                text.shorten(text.sanitise(cell_text(key, value)), _CELL_WIDTH)
                for key, value in zip(keys, row, strict=True)
            ),
        )
        for run, row in zip(runs, values, strict=True)
    ]
    align: list[Align] = ["left"]
    for column in zip(*values, strict=True):
        numeric = all(value is None or isinstance(value, int | float) for value in column)
        align.append("right" if numeric else "left")
    return text.table(("NAME", *(key.upper() for key in keys)), rows, tuple(align))


def _table(runs: "Sequence[RunValues]", now: float) -> str:
    from tuitrain.view import format as text

    # What went wrong stands last, and only where something did: the rest fits 80 columns.
    headings: tuple[str, ...] = (
        "NAME", "STATE", "DONE", "EPOCH", "BEST", "CREATED", "DURATION", "REASON",
    )  # fmt: skip
    rows = [_row(run, now) for run in runs]
    align: tuple[Align, ...] = ("left", "left", "right", "right", "left", "right", "right", "left")
    if not any(row[-1] for row in rows):
        headings, align, rows = headings[:-1], align[:-1], [row[:-1] for row in rows]
    hosts = [str(run.get("host") or "") for run in runs]
    if any(hosts):
        headings, align = ("HOST", *headings), ("left", *align)
        rows = [(text.sanitise(host), *row) for host, row in zip(hosts, rows, strict=True)]
    return text.table(headings, rows, align)


def _row(values: "RunValues", now: float) -> tuple[str, ...]:
    from tuitrain import units
    from tuitrain.view import format as text

    run = values.summary
    best = f"{run.best_metric} {text.metric_value(run.best_value)}" if run.best_metric else "-"
    reason = run.reason if run.state in _SPEAKING_STATES else ""
    return (
        text.sanitise(run.name),
        run.state,
        units.progress(run.step, run.total_steps),
        f"{run.epoch:.1f}" if run.epoch or run.total_steps else units.NOTHING,
        text.sanitise(best),
        units.age(now - run.created),
        units.duration(run.duration_s),
        text.shorten(text.sanitise(reason), _REASON_WIDTH),
    )
