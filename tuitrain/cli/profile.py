"""`tuitrain profile`: takes a profile of a live run, shows those it has, compares two.

Knows what may be asked for; what a profile says comes from its digest, how it looks from the view.
"""

import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tuitrain.cli import output
from tuitrain.cli.control import open_client, waiting
from tuitrain.cli.options import Json, RunArgument, RunsDir
from tuitrain.errors import ProfileError, TuitrainError, UsageError
from tuitrain.metric_names import MOST_PROFILE_STEPS

if TYPE_CHECKING:
    from pathlib import Path

    from tuitrain.analysis.ranks import ProfiledRank
    from tuitrain.messages import Profile
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.rows import ProfileRow
    from tuitrain.supervisor.client import RunClient
    from tuitrain.view.spans import SpanLine

_POLL_S = 0.1
_DIGEST_S = 120.0
_WIDTH_OF_NO_TERMINAL = 120
_USUAL_ROWS = 20
_MOST_GAPS, _MOST_KERNELS = 5, 10

SortName = Literal["self", "total", "calls", "memory", "device"]
GroupName = Literal["operator", "module", "line"]


def profile(
    run: RunArgument,
    steps: Annotated[int, typer.Option("--steps", help="How many steps to record.")] = 20,
    no_stacks: Annotated[
        bool,
        typer.Option("--no-stacks", help="Without source lines: costs less, and says less."),
    ] = False,
    ranks: Annotated[
        str,
        typer.Option(
            "--ranks", metavar="0,2", help="Profile these ranks over the same steps.",
            show_default="rank 0",
        ),
    ] = "",
    list_them: Annotated[
        bool, typer.Option("--list", help="List the profiles that the run has; take none.")
    ] = False,
    show: Annotated[
        str,
        typer.Option(
            "--show", metavar="NAME", help="Show this profile, or the `last`; take none.",
            show_default=False,
        ),
    ] = "",
    compare: Annotated[
        tuple[str, str],
        typer.Option(
            "--compare", metavar="BEFORE AFTER",
            help="Show what differs between two profiles: NAME, or RUN:NAME of another run.",
            show_default=False,
        ),
    ] = ("", ""),
    sort: Annotated[
        SortName | None,
        typer.Option("--sort", help="Order of the table.", show_default="device, else self"),
    ] = None,
    by: Annotated[
        GroupName, typer.Option("--by", help="What the rows of the table are.")
    ] = "operator",
    pattern: Annotated[
        str,
        typer.Option("--filter", help="Only rows with this in a name.", show_default=False),
    ] = "",
    top: Annotated[
        int | None,
        typer.Option("--top", min=1, help="Rows of the table.", show_default="20; --json: all"),
    ] = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Profile the next steps of a live run, without a restart, and say where their time goes."""
    if compare[0]:
        _compare(run, compare, top or _USUAL_ROWS, runs_dir, json)
    elif list_them:
        _list(run, runs_dir, json)
    else:
        client = open_client(runs_dir)
        directory = client.find(run)
        if show:
            row = _pick(directory, show)
        else:
            order = _order(steps, ranks, not no_stacks)
            row = _take(client, directory, order)
        table = _Table(by, sort, pattern, top if json else top or _USUAL_ROWS)
        _print(directory, row, _digest(directory, row), table, json)


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(profile)


def _find(run: str, runs_dir: "Path | None") -> "RunDirectory":
    return open_client(runs_dir).find(run)


# --- taking one -----------------------------------------------------------------------------------


def check_steps(steps: int) -> int:
    """Return a number of steps that can be profiled.

    Raises:
        UsageError: it can't.
    """
    if not 1 <= steps <= MOST_PROFILE_STEPS:
        raise UsageError(
            f"--steps {steps}: a profile has 1 to {MOST_PROFILE_STEPS:,} steps; 20 is usual."
        )
    return steps


def _order(steps: int, ranks: str, stacks: bool) -> "Profile":
    from tuitrain.messages import Profile

    return Profile(0, check_steps(steps), stacks=stacks, ranks=ranks_of(ranks))


def ranks_of(text: str) -> tuple[int, ...]:
    """Return the ranks that are named with commas between them; empty for none.

    Raises:
        UsageError: these are no ranks.
    """
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(f"--ranks {text}: ranks are numbers from 0 on, as in --ranks 0,2.")
    return tuple(sorted({int(part) for part in parts}))


def _take(client: "RunClient", directory: "RunDirectory", order: "Profile") -> "ProfileRow":
    """Order a profile and wait until its trace is on disk; of several ranks, the first one's."""
    from tuitrain.traces.store import profile_name

    number = client.send(directory, order)
    paused = " once the run continues: it is paused" if _is_paused(directory) else ""
    whose = f" of ranks {', '.join(map(str, order.ranks))}" if len(order.ranks) > 1 else ""
    output.say(f"{directory.id}: profiling {order.steps} steps{whose}{paused} ...")
    tell = waiting(directory, "its profile")
    answer = client.wait_for_answer(directory, number, tell=tell)
    if answer.outcome != "done":
        raise TuitrainError(f"{directory.id}: {answer.text}")
    output.say(f"{directory.id}: {answer.text}; reading it ...")
    return _first_of(directory, profile_name(number))


def _first_of(directory: "RunDirectory", name: str) -> "ProfileRow":
    """Return the profile that an order gave; of several ranks, that of the first."""
    from tuitrain.ranks import order_of_profile

    found = [row for row in _profiles(directory) if order_of_profile(row.name) == name]
    return min(found, key=lambda row: row.facts.rank or 0) if found else _pick(directory, name)


def _is_paused(directory: "RunDirectory") -> bool:
    from tuitrain.runs.reader import RunReader

    with RunReader(directory) as reader:
        return reader.state().state == "paused"


def _pick(directory: "RunDirectory", name: str) -> "ProfileRow":
    """Return a profile by name.

    Raises:
        UsageError: the run has none of that name.
    """
    rows = _profiles(directory)
    if not rows:
        raise UsageError(
            f"{directory.id} has no profiles; `tuitrain profile {directory.id}` takes one "
            "while it is live."
        )
    if name == "last":
        return rows[-1]
    found = [row for row in rows if row.name == name]
    if not found:
        names = ", ".join(row.name for row in rows)
        raise UsageError(f"{directory.id} has no profile {name!r}; it has {names}, and `last`.")
    return found[0]


def _profiles(directory: "RunDirectory") -> "list[ProfileRow]":
    from tuitrain.runs.reader import RunReader

    with RunReader(directory) as reader:
        return reader.entries.profiles()


def _digest(directory: "RunDirectory", row: "ProfileRow") -> dict[str, Any]:
    """Return what a profile says; where the run's supervisor is about to know, wait for that."""
    from tuitrain.runs.lock import is_alive
    from tuitrain.traces.store import load_digest, read_digest

    deadline = time.monotonic() + _DIGEST_S
    while row.state == "reading" and is_alive(directory) and time.monotonic() < deadline:
        known = read_digest(directory.path, row.name)
        if known is not None:
            return known
        time.sleep(_POLL_S)
        row = _pick(directory, row.name)
    if row.state == "failed":
        raise ProfileError(f"profile {row.name} can't be read: {row.summary.get('error', '')}")
    return load_digest(directory.path, row.name)


# --- showing --------------------------------------------------------------------------------------


class _Table:
    """Which table, and how much of it."""

    def __init__(self, by: GroupName, sort: SortName | None, pattern: str, top: int | None) -> None:
        self.by = by
        self.sort = sort
        self.pattern = pattern
        self.top = top

    def rows(self, digest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the rows to show, in order."""
        from tuitrain.view.profiletext import pick_rows

        return pick_rows(digest, self.by, self.order(digest), self.pattern)[: self.top]

    def order(self, digest: Mapping[str, Any]) -> SortName:
        """Return the order of the rows.

        Raises:
            UsageError: it is by the device's time, and there was no device.
        """
        from tuitrain.view.profiletext import first_sort, possible_sorts

        if self.sort is None:
            return first_sort(digest)
        if self.sort not in possible_sorts(digest):
            known = ", ".join(possible_sorts(digest))
            raise UsageError(f"--sort {self.sort}: this profile has no device in it; take {known}.")
        return self.sort


def _print(
    directory: "RunDirectory",
    row: "ProfileRow",
    digest: Mapping[str, Any],
    table: _Table,
    json: bool,
) -> None:
    from tuitrain.traces.store import trace_path
    from tuitrain.view.run.ranktext import profiled_lines

    trace = trace_path(directory.path, row.name)
    if json:
        picked = {**digest["tables"], table.by: table.rows(digest)}
        known = {**asdict(row), "state": "done"}
        ranks = [asdict(each) for each in _ranks(directory, row)]
        parts = {**digest, "tables": picked, "trace": str(trace), "ranks": ranks}
        output.data_json({**known, **parts})
        return
    side = profiled_lines(_ranks(directory, row), row.name, _width())
    head = [*_head(row, digest), *([(), *side] if side else [])]
    lines = [*head, (), *_table(table, digest), *_device(digest), (), *_open(trace)]
    _print_lines(lines)


def _ranks(directory: "RunDirectory", row: "ProfileRow") -> "tuple[ProfiledRank, ...]":
    from tuitrain.analysis.ranks import profiled_ranks

    return profiled_ranks(_profiles(directory), row.name)


def _head(row: "ProfileRow", digest: Mapping[str, Any]) -> "list[SpanLine]":
    from tuitrain.view.profiletext import facts_words, summary_lines
    from tuitrain.view.spans import wrap_plain

    width = _width()
    note = row.facts.note
    return [*wrap_plain(facts_words(row), width), *summary_lines(digest, note, width)]


def _table(table: _Table, digest: Mapping[str, Any]) -> "list[SpanLine]":
    from tuitrain.view.profiletext import columns_for, head_line, no_rows, row_line
    from tuitrain.view.spans import plain_line

    width, rows = _width(), table.rows(digest)
    if not rows:
        return [plain_line(f" {no_rows(table.by, table.pattern)}")]
    columns = columns_for(digest, width)
    head = head_line(columns, table.by, table.order(digest), width)
    return [head, *(row_line(row, digest, columns, width) for row in rows)]


def _device(digest: Mapping[str, Any]) -> "list[SpanLine]":
    from tuitrain.view.profiletext import gap_lines, kernel_head, kernel_line, kernel_rows
    from tuitrain.view.spans import plain_line

    if digest["device"] is None:
        return []
    width = _width()
    kernels = kernel_rows(digest)[:_MOST_KERNELS]
    return [
        (),
        kernel_head(width),
        *(kernel_line(row, digest, width) for row in kernels),
        (),
        plain_line(" longest idle times of the device, and what the host did"),
        *gap_lines(digest, width)[:_MOST_GAPS],
    ]


def _open(trace: "Path") -> "list[SpanLine]":
    import socket

    from tuitrain.view.profiletext import open_words
    from tuitrain.view.spans import plain_line

    return [plain_line(words) for words in open_words(str(trace.absolute()), socket.gethostname())]


def _list(run: str, runs_dir: "Path | None", json: bool) -> None:
    from tuitrain.view.profiletext import profile_words

    rows = _profiles(_find(run, runs_dir))
    if json:
        output.data_json([asdict(row) for row in rows])
    elif not rows:
        output.say(f"{_find(run, runs_dir).id} has no profiles.")
    for row in rows if not json else ():
        output.data("\n".join(profile_words(row, time.time())))


def _compare(
    run: str, names: tuple[str, str], top: int, runs_dir: "Path | None", json: bool
) -> None:
    from tuitrain.traces.compare import compare_digests
    from tuitrain.view.profiletext import difference_head, difference_line, difference_words
    from tuitrain.view.spans import plain_line, wrap_plain

    sides = [_side(run, name, runs_dir) for name in names]
    compared = compare_digests(*sides)
    if json:
        output.data_json(compared)
        return
    width = _width()
    words = [line for each in difference_words(compared) for line in wrap_plain(each, width)]
    rows = compared["rows"][:top]
    if not rows:
        _print_lines([*words, plain_line(" no operator differs")])
        return
    table = [difference_line(row, width) for row in rows]
    _print_lines([*words, (), difference_head(width), *table])


def _side(run: str, name: str, runs_dir: "Path | None") -> dict[str, Any]:
    """Return the digest of NAME, or of RUN:NAME, called as the user called it."""
    other, separator, own = name.rpartition(":")
    directory = _find(other if separator else run, runs_dir)
    row = _pick(directory, own)
    called = f"{directory.id}:{row.name}" if separator else row.name
    return {**_digest(directory, row), "name": called}


def _width() -> int:
    if not sys.stdout.isatty():
        return _WIDTH_OF_NO_TERMINAL
    return max(60, shutil.get_terminal_size().columns)


def _print_lines(lines: "list[SpanLine]") -> None:
    text = ("".join(span.text for span in line).rstrip() for line in lines)
    output.data("\n".join(text))
