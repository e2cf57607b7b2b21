"""`tuitrain show`: everything on record of one run, for people or as one JSON object.

Knows how the block looks, not where its facts come from.
"""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.hosts import OneHost, found_run
from tuitrain.cli.options import Json, RunArgument, RunsDir
from tuitrain.cli.record.time import block, describe_time
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from tuitrain.runs.reader import RunReader
    from tuitrain.runs.rows import AlertRow, CheckpointRow, RunFacts

_LATEST_ALERTS = 5
_WIDTH = 80
_META_IN_ENVIRONMENT = (
    "tuitrain_version", "python", "host", "user", "cwd", "git_commit", "command_line",
    "data_directory",
)  # fmt: skip


def show(
    run: RunArgument,
    chart: Annotated[
        bool, typer.Option("--chart", help="Draw the curves, and nothing else.")
    ] = False,
    metrics: Annotated[
        str,
        typer.Option(
            "--metrics",
            metavar="PATTERN",
            help="Of the curves: those whose name has this, or matches it.",
            show_default=False,
        ),
    ] = "",
    host: OneHost = "",
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Show one run: state, metrics, checkpoints, last profile, commands, alerts; or its curves."""
    from tuitrain.remote.registry import open_reader

    with found_run(run, runs_dir, host) as directory, open_reader(directory) as reader:
        if chart or metrics:
            from tuitrain.cli.record.curves import curve_block

            if json:
                raise UsageError("--json and --chart: points as data are `tuitrain export`")
            output.data(curve_block(reader, metrics))
        elif json:
            output.data_json(describe(reader))
        else:
            output.data(_block(reader, time.time()))


def describe(reader: "RunReader") -> dict[str, Any]:
    """Return everything on record but the points, as JSON data.

    Raises:
        RecordError: the record can't be read.
    """
    from tuitrain.analysis.diagnosis.reading import read_diagnoses
    from tuitrain.analysis.why_failed import read_failures
    from tuitrain.messages import plain_data
    from tuitrain.runs.samples import sampled_steps

    summary, meta = reader.summary(), reader.meta()
    return {
        **asdict(summary),
        "parameters": meta.get("parameters"),
        "steps_per_epoch": meta.get("steps_per_epoch"),
        "metrics": [asdict(row) for row in reader.curves.metrics()],
        "checkpoints": [
            entry for row in reader.entries.checkpoints() for entry in _checkpoint_entries(row)
        ],
        "config": reader.config(),
        "environment": {
            **{key: meta[key] for key in _META_IN_ENVIRONMENT if key in meta},
            **meta["environment"],
        },
        "commands": [asdict(row) for row in reader.entries.commands()],
        "alerts": [asdict(row) for row in reader.entries.alerts()],
        "states": [asdict(row) for row in reader.states()],
        "attempts": [asdict(row) for row in reader.attempts()],
        "marks": [plain_data(row) for row in reader.entries.marks()],
        "memory": meta.get("memory"),
        "out_of_memory": meta.get("out_of_memory"),
        "evaluations": [plain_data(row) for row in reader.entries.evaluations()],
        "step_time": describe_time(reader),
        "devices": _devices(reader),
        "readings": reader.readings.latest_samples(),
        "samples": sampled_steps(reader.directory),
        "profiles": [plain_data(row) for row in reader.entries.profiles()],
        "failure": [asdict(each) for each in read_failures(reader)],
        "diagnosis": [asdict(each) for each in read_diagnoses(reader)],
    }


def _devices(reader: "RunReader") -> dict[str, Any]:
    found = reader.entries.devices()
    return dict(found.facts) if found else {}


def _checkpoint_entries(row: "CheckpointRow") -> list[dict[str, Any]]:
    """Return an entry for each name of a checkpoint that is still there, its file's first."""
    if row.removed is not None:
        return []
    from pathlib import PurePosixPath

    facts = {
        "path": row.path,
        "step": row.step,
        "digest": row.digest,
        "bytes": row.size_bytes,
        "time": row.time,
        "metrics": row.metrics,
        "superseded": row.superseded,
    }
    names = dict.fromkeys((PurePosixPath(row.path).stem, *row.names))
    return [{"name": name, **facts} for name in names]


def _block(reader: "RunReader", now: float) -> str:
    from tuitrain import units
    from tuitrain.view import format as text

    parts = [
        _facts(reader, now),
        _lives(reader, now),
        _metrics(reader),
        _diagnosis(reader),
        _checkpoints(reader, now),
    ]
    parts += [block(reader), _memory(reader), _device_block(reader), _last_profile(reader, now)]
    # The end is the state, which stands above.
    alerts = [alert for alert in reader.entries.alerts() if alert.kind != "ended"][-_LATEST_ALERTS:]
    parts.append(
        "\n".join(
            f"{_alert_word(alert)} {units.age(now - alert.time)}: {text.sanitise(alert.text)}"
            for alert in alerts
        )
    )
    parts.append(_failure(reader))
    detail = reader.states()[-1].detail
    parts.append(text.sanitise_lines(detail).rstrip())
    return "\n\n".join(part for part in parts if part)


def _alert_word(alert: "AlertRow") -> str:
    from tuitrain.alerts.catalogue import severity

    return "info" if severity(alert.kind) == "info" else "alert"


def _facts(reader: "RunReader", now: float) -> str:
    from tuitrain import units
    from tuitrain.runs.samples import sampled_steps
    from tuitrain.view import format as text

    summary, run = reader.summary(), reader.facts()
    of_total = f" of {summary.total_steps:,}" if summary.total_steps else ""
    share = f" ({units.progress(summary.step, summary.total_steps)})" if summary.total_steps else ""
    reason = f": {summary.reason}" if summary.reason else ""
    # What nobody can know of a script or of a log is no row of theirs.
    own = run.script is None and run.watched is None
    facts = [
        ("run", f"{summary.name}  ({summary.id})"),
        ("state", f"{summary.state}{reason}"),
        *([("preset", summary.preset)] if own else []),
        ("step", f"{summary.step:,}{of_total}{share}"),
        *([("epoch", f"{summary.epoch:.2f}")] if own or summary.epoch else []),
        ("created", f"{_local(summary.created)}, {units.age(now - summary.created)}"),
        ("duration", units.duration(summary.duration_s)),
    ]
    if own or summary.device:
        facts.append(("device", f"{summary.device or units.NOTHING}{_chosen(run)}"))
    if own or run.parameters is not None:
        facts.append(("model", f"{units.count(run.parameters)} parameters"))
    facts.append(("folder", summary.path))
    if run.script is not None:
        by = f", seen by {', '.join(run.script.by)}" if run.script.by else ""
        facts.append(("script", f"{run.script.ability}{by}: {' '.join(run.script.command)}"))
    if run.watched is not None:
        facts.append(("log", f"{run.watched.path} ({run.watched.kind})"))
    if steps := sampled_steps(reader.directory):
        facts.append(
            ("samples", f"of {len(steps)} evaluations; shown by `tuitrain samples {summary.id}`")
        )
    return "\n".join(f"{name:<9} {text.sanitise(value)}" for name, value in facts)


def _lives(reader: "RunReader", now: float) -> str:
    """Return a strip of when the run had a worker, where it was interrupted."""
    from tuitrain.analysis.lives import stretches
    from tuitrain.view.chart.figure import TerminalStyle
    from tuitrain.view.run.lives import life_lines
    from tuitrain.view.spans import plain_text

    ended, attempts = reader.summary().ended, reader.attempts()
    found = stretches(reader.states(), attempts, now if ended is None else ended)
    lines = life_lines(found, len(attempts), _WIDTH, TerminalStyle(ascii=True))
    return "\n".join(map(plain_text, lines))


def _chosen(run: "RunFacts") -> str:
    """Return what the run computes in and whether compiled, where that was chosen on the device."""
    found = run.environment
    words = f", in {found.precision}, {found.precision_why}" if found.precision_why else ""
    if found.compile_why:
        words += f", {'' if found.compiled else 'not '}compiled, {found.compile_why}"
    return words


def _metrics(reader: "RunReader") -> str:
    from tuitrain import units
    from tuitrain.view import format as text

    rows = [
        (
            text.sanitise(row.name),
            text.metric_value(row.last),
            text.metric_value(row.best),
            units.NOTHING if row.best_step is None else f"{row.best_step:,}",
        )
        for row in reader.curves.metrics()
    ]
    if not rows:
        return ""
    headings = ("METRIC", "LAST", "BEST", "AT STEP")
    return text.table(headings, rows, ("left", "right", "right", "right"))


def _diagnosis(reader: "RunReader") -> str:
    """Return what the curves show of the training."""
    from tuitrain.analysis.diagnosis.reading import read_diagnoses
    from tuitrain.view.run.diagnosis import diagnosis_block

    return diagnosis_block(read_diagnoses(reader))


def _failure(reader: "RunReader") -> str:
    """Return why the run failed, where that is known."""
    from tuitrain.analysis.why_failed import read_failures
    from tuitrain.view.run.failure import failure_block

    return failure_block(read_failures(reader))


def _checkpoints(reader: "RunReader", now: float) -> str:
    from tuitrain import units
    from tuitrain.view import format as text

    rows = [
        (
            text.sanitise(row.path),
            f"{row.step:,}",
            units.size(row.size_bytes),
            units.age(now - row.time),
            text.sanitise(", ".join(row.names)) + (" (superseded)" if row.superseded else ""),
        )
        for row in reader.entries.checkpoints()
        if row.removed is None
    ]
    if not rows:
        return ""
    headings = ("CHECKPOINT", "STEP", "SIZE", "SAVED", "NAMES")
    return text.table(headings, rows, ("left", "right", "right", "right", "left"))


def _device_block(reader: "RunReader") -> str:
    """Return what filled the memory of each device when it was last read."""
    from tuitrain.analysis.memory_breakdown import training_device
    from tuitrain.view.devicetext import device_words

    run, readings, devices = reader.facts(), reader.readings.latest_samples(), _devices(reader)
    training = training_device(run.device, run.environment, readings, devices)
    lines = device_words(readings, devices, training)
    return "\n".join([_devices_heading(reader), *lines]) if lines else ""


def _devices_heading(reader: "RunReader") -> str:
    """Say when the devices were last read, where that is not now."""
    from tuitrain.remote.registry import is_live

    read_at = reader.readings.latest_sample_time()
    if read_at is None or is_live(reader):
        return "DEVICES"
    return f"DEVICES, last read {_local(read_at)}"


def _last_profile(reader: "RunReader", now: float) -> str:
    from tuitrain.view.profiletext import profile_words

    rows = reader.entries.profiles()
    return "\n".join(profile_words(rows[-1], now)) if rows else ""


def _memory(reader: "RunReader") -> str:
    """Return the estimate beside what was measured, and the account where memory ran out."""
    from tuitrain.view.chart.figure import TerminalStyle
    from tuitrain.view.memory.text import account_lines, composition_lines
    from tuitrain.view.spans import plain_text

    facts = reader.facts()
    blocks = []
    if facts.memory is not None:
        lines = composition_lines(facts.memory, _WIDTH, TerminalStyle(ascii=True))
        blocks.append(["MEMORY", *map(plain_text, lines)])
    if facts.out_of_memory is not None:
        lines = account_lines(facts.out_of_memory, _WIDTH)
        blocks.append(["OUT OF MEMORY", *map(plain_text, lines)])
    return "\n\n".join("\n".join(block) for block in blocks)


def _local(time_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_s))
