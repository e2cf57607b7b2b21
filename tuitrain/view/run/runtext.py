"""A run in words and numbers, as span lines: its top line, its side column, what happened.

Pure functions of plain values; knows neither widgets nor files.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tuitrain import units
from tuitrain.alerts.catalogue import severity
from tuitrain.lang import said, term, tr
from tuitrain.messages import FINAL_STATES
from tuitrain.runs.rows import (
    AlertRow,
    CheckpointRow,
    CommandRow,
    JobLimit,
    MarkRow,
    ScriptFacts,
    SpeedRow,
    StateRow,
)
from tuitrain.runs.summary import RunSummary
from tuitrain.view import format as text
from tuitrain.view.alerts import alert_count
from tuitrain.view.compare import flatten
from tuitrain.view.jobtext import clock_words, is_short
from tuitrain.view.spans import Span, SpanLine, line_width, plain_line

_CLOCK_FROM = 72
"""Columns from which on the end of a run has a time by the clock."""
_JOB_FROM = 100
"""Columns from which on the end of its job has, too."""
_LEAST_NAME = 8
"""Cells of the name that stay whatever else there is to say."""
_MOST_NOTE_LINES = 5
"""The first ones and the last: the curves keep most of the screen."""

STATE_STYLES: Mapping[str, str] = {
    "running": "live",
    "starting": "live",
    "queued": "quiet",
    "paused": "alert",
    "finished": "good",
    "stopped": "quiet",
    "failed": "bad",
    "lost": "bad",
    "damaged": "bad",
    "newer": "bad",
    "unreadable": "bad",
}
_MARKED_STATES = {"pause": "paused", "continue": "running"}
"""What kinds of marks are a change of state too."""
_SAME_END_S = 5.0
"""The end of a run is recorded as a state and as an alert within so many seconds."""
_WAITING = {
    "pause": term("pausing: waits for the end of this step and its checkpoint"),
    "stop": term("stopping: waits for the end of this step and its checkpoint"),
    "checkpoint": term("saving a checkpoint"),
    "evaluate": term("evaluating"),
    "set": term("changing a setting"),
    "resume": term("resuming"),
    "stacks": term("taking stacks"),
}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened at a time."""

    time: float
    text: str
    style: str = ""


def waiting_for(commands: Sequence[CommandRow]) -> str:
    """Say what a command that was given is waiting for; empty when none is."""
    for command in reversed(commands):
        if command.outcome is None:
            return _WAITING.get(command.kind, command.kind)
    return ""


def top_parts(
    summary: RunSummary,
    *,
    live: bool,
    epochs: int,
    left_s: float | None,
    alerts: int,
    waiting: str,
    width: int,
    ends: float | None = None,
    script: ScriptFacts | None = None,
    job: JobLimit | None = None,
) -> tuple[SpanLine, SpanLine]:
    """Return the left and the right part of a run's top line.

    Where both don't fit in `width`, first the epoch goes, or what a script can be asked for, then
    the end of the name and the step.
    What ends sooner than in a minute has no time by the clock, nor a terminal that is narrow.

    Args:
        summary: the run.
        live: a supervisor owns it.
        epochs: of the whole run; 0: not known.
        left_s: until its last step, as far as it is known.
        alerts: how many there are.
        waiting: what a command waits for; empty: none does.
        width: in cells.
        ends: when that will be, in seconds since the epoch.
        script: what is known of a script; None: the run is no script's.
        job: the scheduler's job that it is in.
    """
    told = (
        ""
        if ends is None or (left_s or 0) < units.MINUTE_S or width < _CLOCK_FROM
        else tr(", at {time}", time=clock_words(ends, left_s or 0))
    )
    if told and job is not None and ends is not None and width >= _JOB_FROM:
        told += "" if is_short(job, ends) else f", {_job_end(job, ends - (left_s or 0))}"
    right = _far_parts(summary, live, left_s, alerts, told)
    name = text.sanitise(summary.name)
    state = Span(_head_of(tr(waiting)) or tr(summary.state), STATE_STYLES.get(summary.state, ""))
    steps = epoch = ""
    if summary.total_steps:
        steps = f"  {tr('step')} {summary.step:,}/{summary.total_steps:,}"
        epoch = f"  {tr('epoch')} {summary.epoch:.1f}/{epochs}" if epochs else ""
    elif script is not None and summary.step:
        steps = f"  {tr('step')} {summary.step:,}"
    if script is not None and live:
        epoch = f"  {ability_words(script)}"
    room = width - line_width((Span("   "), state, Span(steps), *right))
    if room < min(_LEAST_NAME, text.display_width(name)):
        # The share that is done stands at the other end.
        room, steps = room + text.display_width(steps), ""
    if room < text.display_width(name + epoch):
        epoch = ""
    name = text.shorten(name, max(_LEAST_NAME, room))
    left = (Span(f" {name}", "strong"), Span("  "), state, Span(f"{epoch}{steps}", "quiet"))
    return left, right


def _head_of(words: str) -> str:
    """Return what stands before a colon, of either width."""
    return words.replace("\uff1a", ":").partition(":")[0]


def ability_words(script: ScriptFacts) -> str:
    """Return what a script can be asked for by now."""
    asked = {
        "watched": term("watched, can stop"),
        "stepped": term("can pause, stop, set lr"),
        "checkpoint": term("can pause, stop, set lr, save"),
    }
    return f"{tr('script:')} {tr(asked.get(script.ability, script.ability))}"


def _job_end(job: JobLimit, now: float) -> str:
    return f"job ends {clock_words(job.ends, job.ends - now)}"


def _far_parts(
    summary: RunSummary, live: bool, left_s: float | None, alerts: int, ends: str
) -> SpanLine:
    right: list[Span] = []
    if summary.total_steps:
        right.append(Span(f"  {units.progress(summary.step, summary.total_steps)}", "strong"))
    if left_s is not None:
        right.append(Span(f"  {tr('{time} left', time=units.duration(left_s))}{ends}"))
    if not live and summary.started is not None:
        right.append(Span(f"  {tr('ran for {time}', time=units.duration(summary.duration_s))}"))
    if alerts:
        right.append(Span(f"  {alert_count(alerts)}", "alert"))
    return (*right, Span(" "))


def speed_values(speed: SpeedRow | None) -> dict[str, str]:
    """Return what a step takes and how many samples a second that is, by label."""
    if speed is None:
        return {}
    values = {tr("step"): units.short_time(1 / speed.steps_per_s)}
    if speed.samples_per_s is not None:
        values[tr("samples")] = f"{units.count(speed.samples_per_s)}/s"
    return values


def note_lines(words: str, width: int, style: str) -> list[SpanLine]:
    """Return what needs attention on as many lines as it needs, up to a few."""
    texts = text.sanitise_lines(words).splitlines()
    lines = [f" {line}" for each in texts for line in text.wrap(each, max(10, width - 2)) or [""]]
    if len(lines) > _MOST_NOTE_LINES:
        lines = [*lines[: _MOST_NOTE_LINES - 1], f" {text.shorten(lines[-1].strip(), width - 6)}"]
    return [(Span(line, style),) for line in lines]


def rule(title: str, values: SpanLine, width: int, *, focused: bool, dash: str) -> SpanLine:
    """Return a panel's first row: its title, what it is about in numbers, a line between."""
    head = Span(f"{'>' if focused else dash} {title} ", "live" if focused else "title")
    tail = (Span(" "), *values, Span(f" {dash}", "axis")) if values else ()
    used = text.display_width(head.text) + sum(text.display_width(s.text) for s in tail)
    if used > width:
        return (head, *tail)
    return (head, Span(dash * (width - used), "axis"), *tail)


def happenings(
    states: Sequence[StateRow],
    marks: Sequence[MarkRow],
    alerts: Sequence[AlertRow],
    checkpoints: Sequence[CheckpointRow],
) -> list[Happening]:
    """Return what happened in a run, oldest first, each once."""
    # A pause and its end are both a state and a mark, which says the step too.
    marked = {(_MARKED_STATES[row.kind], row.time) for row in marks if row.kind in _MARKED_STATES}
    found = [
        Happening(
            row.time,
            f"{tr(row.state)}{f': {said(row.reason)}' if row.reason else ''}",
            "bad" if row.state in ("failed", "lost") else "",
        )
        for row in states
        if (row.state, row.time) not in marked
    ]
    found += [Happening(row.time, _mark_text(row)) for row in marks if row.kind != "best"]
    found += [_alert(row) for row in alerts if not _is_end(row, states)]
    found += [Happening(row.time, _checkpoint_text(row)) for row in checkpoints]
    return sorted(found, key=lambda item: item.time)


def _alert(row: AlertRow) -> Happening:
    if severity(row.kind) == "info":
        return Happening(row.time, f"{tr('info:')} {said(row.text)}")
    return Happening(row.time, f"{tr('alert:')} {said(row.text)}", "alert")


def _is_end(row: AlertRow, states: Sequence[StateRow]) -> bool:
    """Say whether an alert tells of an end that is among the states already."""
    return row.kind == "ended" and any(
        state.state in FINAL_STATES and abs(state.time - row.time) < _SAME_END_S for state in states
    )


def _mark_text(row: MarkRow) -> str:
    if row.kind == "setting":
        # In the words of the answer to who changed it: the step it is recorded at is the last
        # one before the change.
        return tr("{text} from step {step:,} on", text=said(row.text), step=row.step + 1)
    return f"{tr('step {step:,}', step=row.step)}: {_mark_words(row)}"


def _mark_words(row: MarkRow) -> str:
    if row.kind == "pause":
        return f"{tr('paused')}: {said(row.text)}" if row.text else tr("paused")
    return said(row.text) or tr("continued" if row.kind == "continue" else row.kind)


def _checkpoint_text(row: CheckpointRow) -> str:
    names = f" ({', '.join(row.names)})" if row.names else ""
    metrics = " ".join(f"{name} {text.metric_value(value)}" for name, value in row.metrics.items())
    return f"{tr('checkpoint step {step:,}', step=row.step)}{names} {metrics}".rstrip()


@lru_cache(maxsize=4096)
def happening_line(item: Happening) -> SpanLine:
    """Return one line: when, and what."""
    clock = time.strftime("%H:%M:%S", time.localtime(item.time))
    return (Span(f" {clock} ", "quiet"), *plain_line(item.text, item.style))


def setting_lines(config: Mapping[str, Any], width: int) -> list[SpanLine]:
    """Return a run's settings as TOML has them; a value that does not fit stands below its key."""
    lines: list[SpanLine] = []
    for key, value in flatten(config).items():
        if text.display_width(f"{key} {value}") <= width:
            lines.append((Span(key, "quiet"), Span(f" {value}")))
        else:
            lines.append((Span(key, "quiet"),))
            lines += [(Span(f"  {row}"),) for row in text.wrap(value, max(8, width - 2))]
    return lines
