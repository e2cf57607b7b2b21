"""Which run it is, what happened in it, where it ran, and how it is repeated."""

import shlex
import time

from tuitrain import units
from tuitrain.alerts.catalogue import severity
from tuitrain.analysis.places import environment
from tuitrain.errors import RecordError
from tuitrain.report.blocks import Block, Code, Facts, Folded, Section, Table, Text
from tuitrain.report.looked import Looked
from tuitrain.runs.rows import AlertRow
from tuitrain.view.format import metric_value

_MOST_ROWS = 200
_QUIET_MARKS = ("best",)


def local_time(seconds: float) -> str:
    """Return a time of the clock where the report is made."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def state_words(looked: Looked) -> str:
    """Return a run's state with its reason."""
    summary = looked.summary
    return f"{summary.state}: {summary.reason}" if summary.reason else summary.state


def about_section(looked: Looked, now: float) -> Section:
    """Return which run it is and how far it came."""
    summary, meta = looked.summary, looked.meta
    of_total = f" of {summary.total_steps:,}" if summary.total_steps else ""
    best = (
        units.NOTHING
        if summary.best_metric is None
        else f"{summary.best_metric} {metric_value(summary.best_value)}"
    )
    rows = (
        ("run", summary.id),
        ("state", state_words(looked)),
        ("preset", summary.preset),
        ("what it trains", _description(looked)),
        ("step", f"{summary.step:,}{of_total}"),
        ("epoch", f"{summary.epoch:.2f}"),
        ("best", best),
        ("created", local_time(summary.created)),
        ("duration", units.duration(summary.duration_s)),
        ("device", summary.device or units.NOTHING),
        ("model", f"{units.count(meta.get('parameters'))} parameters"),
        ("folder", summary.path),
    )
    blocks: list[Block] = [Facts(tuple(row for row in rows if row[1]))]
    if looked.alive:
        blocks.insert(0, Text(f"The run was live when this was written, at {local_time(now)}."))
    detail = looked.reader.states()[-1].detail
    if detail:
        blocks.append(Folded("what it ended with", (Code(detail.rstrip()),)))
    return Section("Run", tuple(blocks))


def _description(looked: Looked) -> str:
    try:
        return str(looked.reader.config().get("description", ""))
    except RecordError:
        # What it is without its settings is told all the same.
        return ""


# --- what happened ------------------------------------------------------------------------------


def alerts_section(looked: Looked) -> Section:
    """Return alerts, and what was changed while it ran."""
    alerts = [row for row in looked.reader.entries.alerts() if row.kind != "ended"]
    marks = [row for row in looked.reader.entries.marks() if row.kind not in _QUIET_MARKS]
    blocks: list[Block] = []
    if alerts:
        rows = tuple(_alert_row(row) for row in alerts[-_MOST_ROWS:])
        blocks.append(Table(("time", "step", "", "alert", "what it says"), rows, frozenset({1})))
        details = [row for row in alerts[-_MOST_ROWS:] if row.detail.strip()]
        blocks += [
            Folded(f"{row.kind}, {local_time(row.time)}", (Code(row.detail.rstrip()),))
            for row in details
        ]
    else:
        blocks.append(Text("No alert was raised."))
    if marks:
        blocks.append(Table(
            ("time", "step", "what was done", ""),
            tuple((local_time(row.time), f"{row.step:,}", row.kind, row.text)
                  for row in marks[-_MOST_ROWS:]),
            frozenset({1}),
        ))  # fmt: skip
    left_out = max(len(alerts), len(marks)) - _MOST_ROWS
    if left_out > 0:
        blocks.append(
            Text(f"{left_out:,} older ones are left out; `tuitrain show` has all", "note")
        )
    return Section("Alerts and changes", tuple(blocks))


def _alert_row(row: AlertRow) -> tuple[str, ...]:
    step = units.NOTHING if row.step is None else f"{row.step:,}"
    return local_time(row.time), step, severity(row.kind), row.kind, row.text


# --- where it ran -------------------------------------------------------------------------------


def environment_section(looked: Looked) -> Section:
    """Return packages, machine and code."""
    found = environment(looked.meta)
    blocks: list[Block] = [Facts(tuple(found.items()))]
    devices = looked.reader.entries.devices()
    gpus = devices.facts.get("gpus", ()) if devices else ()
    if gpus:
        names = ", ".join(str(gpu.get("name", "")) for gpu in gpus)
        blocks.append(Facts((("GPUs of the machine", names),)))
    if "git commit" not in found:
        blocks.append(Text("The command was not given in a git checkout.", "note"))
    return Section("Environment", tuple(blocks))


# --- again --------------------------------------------------------------------------------------


def repeat_section(looked: Looked) -> Section:
    """Return the commands that repeat the run."""
    return Section("To repeat it", (
        Code(repeat_command(looked)),
        Text("or with its settings as they were resolved, whatever became of the preset:"),
        Code(f"tuitrain run {shlex.quote(str(looked.reader.directory.config_path))}"),
    ))  # fmt: skip


def repeat_command(looked: Looked) -> str:
    """Return the command that was given, in its folder and at its commit where they are known."""
    meta = looked.meta
    given = [str(part) for part in meta.get("command_line") or ()][1:]
    if "run" not in given:
        # Started in the interface, or by a program: its settings are all that repeats it.
        given = ["run", str(looked.reader.directory.config_path)]
    lines = [f"cd {shlex.quote(str(meta['cwd']))}"] if meta.get("cwd") else []
    lines += [f"git checkout {meta['git_commit']}"] if meta.get("git_commit") else []
    return "\n".join([*lines, shlex.join(["tuitrain", *given])])
