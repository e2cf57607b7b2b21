"""Alerts and their rules as lines of text: for screens and for the command line.

Pure functions of rows and settings; knows neither files nor widgets.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain.alerts.catalogue import KINDS, Kind, count_serious, severity
from tuitrain.lang import said, tr
from tuitrain.runs.rows import AlertRow
from tuitrain.units import NOTHING
from tuitrain.view.format import pad, sanitise, sanitise_lines, table, wrap
from tuitrain.view.spans import Span, SpanLine, wrap_plain

SEVERITY_STYLES: Mapping[str, str] = {"info": "quiet", "warning": "alert", "critical": "bad"}
_KIND_WIDTH = 10
_DEEPER = 2


def alert_count(number: int) -> str:
    """Say how many alerts there are."""
    return tr("{n} alert" if number == 1 else "{n} alerts", n=number)


def count_words(rows: Sequence[AlertRow]) -> str:
    """Say how many alerts there are, and how many rows that are for information only."""
    serious = count_serious(row.kind for row in rows)
    info = len(rows) - serious
    return alert_count(serious) + (tr(", {n} for information", n=info) if info else "")


def alert_line(row: AlertRow) -> SpanLine:
    """Return an alert on one line: when, at which step, what kind, what."""
    style = SEVERITY_STYLES[severity(row.kind)]
    step = f"{row.step:,}" if row.step else NOTHING
    return (
        Span(f" {_clock(row.time)} ", "quiet"),
        Span(f"{step:>9} "),
        Span(f"{pad(sanitise(tr(row.kind)), _KIND_WIDTH)} ", style),
        Span(said(sanitise(row.text))),
    )


def alert_details(row: AlertRow, width: int) -> list[SpanLine]:
    """Return all there is to read of one alert; what it brings with it keeps its lines."""
    step = tr("step {step:,}", step=row.step) if row.step else tr("before the first step")
    # The English word too: that is what a preset calls the kind by.
    kind = sanitise(" ".join(dict.fromkeys([tr(row.kind), row.kind])))
    head = f"{kind} ({tr(severity(row.kind))}), {step}, {_date(row.time)}"
    lines: list[SpanLine] = [(Span(f" {head}", "strong"),)]
    lines += [(Span(" "), *line) for line in wrap_plain(said(row.text), width - 2)]
    if row.detail:
        lines.append(())
        for line in sanitise_lines(row.detail).splitlines():
            lines += [(Span(f" {part}"),) for part in _wrapped(line, width - 1)]
    return lines


def _wrapped(line: str, width: int) -> list[str]:
    """Keep a line whole where it fits; what a stack says last, the function, must be seen."""
    indent = " " * min(_DEEPER + len(line) - len(line.lstrip()), width // 2)
    return wrap(line, width, indent=indent) or [""]


def alert_blocks(rows: Sequence[AlertRow]) -> str:
    """Return alerts for a terminal, oldest first, what each brings with it below it."""
    blocks = []
    for row in rows:
        step = f"step {row.step:,}" if row.step else "no step"
        head = f"{_date(row.time)}  {step}  {sanitise(row.kind)} ({severity(row.kind)}): "
        lines = sanitise_lines(row.detail).rstrip().splitlines()
        blocks.append("\n".join([head + sanitise(row.text), *(f"    {line}" for line in lines)]))
    return "\n".join(blocks)


def rule_table(settings: Mapping[str, Any]) -> str:
    """Return every kind of alert with its limits; `settings` are a preset's `[alerts]`."""
    off = settings.get("off", ())
    rows = [
        (kind.name, "off" if kind.name in off else kind.severity, limits(kind, settings))
        for kind in KINDS
    ]
    head = table(("ALERT", "SEVERITY", "LIMITS (alerts.KEY)"), rows)
    meanings = "\n".join(f"{kind.name}: {kind.meaning}" for kind in KINDS)
    return f"{head}\n\n{meanings}"


def limits(kind: Kind, settings: Mapping[str, Any]) -> str:
    """Return what decides when an alert is raised, as key = value."""
    return ", ".join(f"{key} = {settings[key]:g}" for key in kind.settings) or NOTHING


def _clock(time_s: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(time_s))


def _date(time_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_s))
