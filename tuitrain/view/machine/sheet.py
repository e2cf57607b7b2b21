"""All of a machine in lines: GPUs, runs and processes on them, the host.

Puts the parts together for the room there is; knows no widget.
"""

from tuitrain import units
from tuitrain.lang import said, tr
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import display_width, pad, sanitise, shorten
from tuitrain.view.machine.gpus import bars_in_full, table_of_gpus
from tuitrain.view.machine.host import host_lines
from tuitrain.view.machine.seen import MachineSeen, RunHere, Use
from tuitrain.view.run.runtext import STATE_STYLES, rule
from tuitrain.view.spans import Span, SpanLine, fit_line, wrap_plain

_ROWS_EACH = 6
"""Of a GPU that is shown in full."""
_MOST_ROWS = 4
"""Of a reading of late, where there is room."""
_OWNER_WIDTH = 16
_BELOW = 8
"""Rows that the host takes, which shall be in sight as well."""


def machine_sheet(
    seen: MachineSeen,
    width: int,
    height: int,
    look: TerminalStyle,
    this_run: str = "",
    *,
    brief: bool = False,
) -> list[SpanLine]:
    """Return a machine in lines; what is most looked at stands first.

    Args:
        seen: the machine.
        width: in cells.
        height: rows in sight: GPUs that would not fit in full have a line each.
        look: what the terminal can show.
        this_run: the id of the run that one comes from; empty: none.
        brief: it is one of several: as few rows as there can be.
    """
    lines: list[SpanLine] = []
    if seen.facts.get("trouble"):
        lines += wrap_plain(said(str(seen.facts["trouble"])), width, "bad")
    gpus = seen.gpus
    in_full = len(gpus) * _ROWS_EACH + _BELOW <= max(height, _ROWS_EACH + _BELOW)
    if in_full and not brief:
        rows = 1
        while rows < _MOST_ROWS and len(gpus) * (_ROWS_EACH + 2 * rows) + 2 * _BELOW <= height:
            rows += 1
        for gpu in gpus:
            lines += bars_in_full(seen, gpu, width, look, this_run, rows)
    elif gpus:
        lines += table_of_gpus(seen, gpus, width, look, this_run)
    lines += host_lines(seen, width, look, alone=not gpus and not brief)
    lines += _runs(seen, width, look, this_run)
    lines += _processes(seen, width, look, this_run)
    return lines


def _title(words: str, count: int, width: int, look: TerminalStyle) -> SpanLine:
    values = (Span(str(count), "quiet"),)
    return rule(words, values, width, focused=False, dash="-" if look.ascii else "─")


# --- runs -----------------------------------------------------------------------------------------


def _runs(seen: MachineSeen, width: int, look: TerminalStyle, this_run: str) -> list[SpanLine]:
    if not seen.runs:
        return []
    name_width = max(display_width(sanitise(run.name)) for run in seen.runs) + 2
    lines = [_title(tr("live runs"), len(seen.runs), width, look)]
    return lines + [
        fit_line(_run(seen, run, min(name_width, 40), this_run), width) for run in seen.runs
    ]


def _run(seen: MachineSeen, run: RunHere, name_width: int, this_run: str) -> SpanLine:
    name = shorten(sanitise(run.name), name_width - 2)
    share = units.progress(run.step, run.total_steps) if run.total_steps else ""
    mine = "live" if run.id == this_run else "strong"
    return (
        Span(name + " " * (name_width - display_width(name)), mine),
        Span(pad(tr(run.state), 10), STATE_STYLES.get(run.state, "")),
        Span(f"{share:>5}  "),
        Span(_places(seen, run), ""),
        Span(tr("  this run") if run.id == this_run else "", "live"),
    )


def _places(seen: MachineSeen, run: RunHere) -> str:
    """Return where a run's processes are, with their ranks; else the device that it names."""
    found = sorted(
        (use.rank if use.rank is not None else -1, _place(use.prefix))
        for use in seen.uses
        if use.run == run.id
    )
    said = [
        place if rank < 0 else tr("rank {rank} {place}", rank=rank, place=place)
        for rank, place in found
    ]
    if not said and run.prefix is not None:
        said = [_place(run.prefix)]
    return ", ".join(dict.fromkeys(said)) or run.device or tr("starting")


def _place(prefix: str) -> str:
    gpu, _, part = prefix.partition("/")
    number = gpu.removeprefix("gpu")
    return f"GPU {number}.{part.removeprefix('mig')}" if part else f"GPU {number}"


# --- processes ------------------------------------------------------------------------------------


def _processes(seen: MachineSeen, width: int, look: TerminalStyle, this_run: str) -> list[SpanLine]:
    if not seen.uses:
        return []
    head = f"{'GPU':<5}{pad(tr('OWNER'), _OWNER_WIDTH)}{'PID':>8} {pad(tr('MEMORY'), 9, 'right')} "
    head += f"{pad(tr('AGE'), 8, 'right')}  {tr('COMMAND')}"
    lines = [_title(tr("processes on GPUs"), len(seen.uses), width, look)]
    lines.append(fit_line((Span(head, "quiet"),), width))
    return lines + [fit_line(_process(seen, use, this_run), width) for use in seen.uses]


def _process(seen: MachineSeen, use: Use, this_run: str) -> SpanLine:
    place = _place(use.prefix).removeprefix("GPU ")
    owner = sanitise(seen.name_of(use.run) if use.run else use.user or units.NOTHING)
    owner = shorten(owner, _OWNER_WIDTH - 1)
    style = ("live" if use.run == this_run else "strong") if use.run else ""
    size = units.NOTHING if use.bytes is None else units.size(use.bytes)
    age = units.NOTHING if use.started is None else units.rough_time(seen.time - use.started)
    rank = "" if use.rank is None else tr("rank {rank}  ", rank=use.rank)
    return (
        Span(f"{place:<5}"),
        Span(owner + " " * (_OWNER_WIDTH - display_width(owner)), style),
        Span(f"{use.pid:>8} {size:>9} {pad(age, 8, 'right')}  "),
        Span(rank, "live"),
        Span(sanitise(use.command or units.NOTHING)),
    )
