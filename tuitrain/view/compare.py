"""Several runs side by side as lines of text: who they are, their metrics, how settings differ.

Pure functions from rows of the record to spans; knows nothing of databases or screens.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuitrain.analysis.compare import (
    ComparedRun,
    compare_metrics,
    differing_settings,
    flat_settings,
)
from tuitrain.analysis.places import differing_places
from tuitrain.analysis.seeds import noise_between, spread_of
from tuitrain.lang import said, term, tr
from tuitrain.runs.rows import MetricRow
from tuitrain.units import NOTHING
from tuitrain.view.format import display_width, metric_value, sanitise, shorten
from tuitrain.view.palette import SLOTS, marker_of
from tuitrain.view.spans import Span, SpanLine, line_width, wrap_plain

_GAP = 2
_MOST_CELL = 32
"""A longer value is cut: a list of augmentations may be long."""
_DIFFERING: Mapping[str, str] = {
    "code": term("code that differs"),
    "packages": term("packages that differ"),
    "data": term("data that differs"),
    "machine": term("machine that differs"),
}


@dataclass(frozen=True, slots=True)
class TableRow:
    """What one line of a table says of each run; `best`: the runs that stand out."""

    heading: str
    cells: tuple[str, ...]
    best: frozenset[int] = frozenset()


def flatten(config: Mapping[str, Any]) -> dict[str, str]:
    """Return nested settings by dotted key, values as TOML would show them, harmless."""
    return {sanitise(key): sanitise(value) for key, value in flat_settings(config).items()}


def unique_labels(names: Sequence[str], ids: Sequence[str]) -> list[str]:
    """Return the runs' names, or their ids where several have the same name."""
    return [
        sanitise(name if names.count(name) == 1 else run_id)
        for name, run_id in zip(names, ids, strict=True)
    ]


def compare_lines(runs: Sequence[ComparedRun], metric: str, width: int) -> list[SpanLine]:
    """Return everything below the chart: the runs, the metrics, the settings that differ.

    Args:
        runs: in order; the place is the slot.
        metric: the one on the chart, which comes first.
        width: cells; tables that do not fit are shown run by run.
    """
    lines = [line for slot, run in enumerate(runs) for line in _legend(slot, run, width)]
    metrics = metric_rows(runs, metric)
    if metrics:
        lines += [(), (Span(tr("best (* of all runs), last"), "title"),)]
        lines += _table(metrics, runs, width)
    known = [run.settings for run in runs if run.settings is not None]
    lines += [(), (Span(tr("settings that differ"), "title"),)]
    settings = setting_rows(runs)
    if settings:
        return lines + _table(settings, runs, width)
    words = tr("none") if len(known) > 1 else tr("not known: fewer than two runs can be read")
    return [*lines, (Span(f"  {words}", "quiet"),)]


def place_lines(runs: Sequence[ComparedRun], width: int) -> list[SpanLine]:
    """Return code, packages, data and machine where they are not the same in all runs."""
    lines: list[SpanLine] = []
    for kind, differing in differing_places([run.place for run in runs]).items():
        rows = [
            TableRow(
                tr(name), tuple(NOTHING if value is None else sanitise(value) for value in values)
            )
            for name, values in differing.items()
        ]
        lines += [(), (Span(tr(_DIFFERING[kind]), "title"),)]
        lines += _table(rows, runs, width)
    if not lines and sum(bool(run.place) for run in runs) > 1:
        same = tr("code, packages, data and machine are the same")
        return [(), (Span(same, "quiet"),)]
    return lines


def noise_lines(
    groups: Sequence[tuple[str, Sequence[float]]], metric: str, mode: str
) -> list[SpanLine]:
    """Return the best value of each group of seeds, and whether it differs from the best one.

    Args:
        groups: the name of each and the best value of each of its runs.
        metric: that the values are of.
        mode: min or max.
    """
    known = [(label, values, spread) for label, values in groups
             if (spread := spread_of(values)) is not None]  # fmt: skip
    if len(known) < 2 or all(spread.count < 2 for _, _, spread in known):
        return []
    pick = max if mode == "max" else min
    best = pick(known, key=lambda each: each[2].mean)
    width = max(display_width(label) for label, _, _ in known)
    lines: list[SpanLine] = [
        (),
        (Span(tr("best {metric} over seeds", metric=sanitise(metric)), "title"),),
    ]
    for label, values, spread in known:
        noise = None if values is best[1] else noise_between(best[1], values)
        deviation = f" +-{metric_value(spread.deviation)}" if spread.count > 1 else ""
        words = tr("best") if values is best[1] else said(noise.words) if noise is not None else ""
        value = f"{metric_value(spread.mean)}{deviation}"
        lines.append((
            Span(f"  {_pad(label, min(width, _MOST_CELL))}", "quiet"),
            Span(f"  {value:20}", "good" if values is best[1] else ""), Span(f"  {words}"),
        ))  # fmt: skip
    return lines


def _legend(slot: int, run: ComparedRun, width: int) -> list[SpanLine]:
    """Return who a run is; what is wrong with it gets lines of its own where it is long."""
    troubled = run.state in ("failed", "lost", "damaged", "newer", "unreadable")
    head = (
        _marker(slot),
        Span(f" {run.label}", "strong"),
        Span(f"  {tr(run.state)}", "bad" if troubled else ""),
    )
    detail = Span(f"  {run.detail}", "quiet")
    if line_width((*head, detail)) <= width:
        return [(*head, detail)]
    below = wrap_plain(run.detail, width - 4, "quiet")
    return [head, *((Span("    "), *line) for line in below)]


def _marker(slot: int) -> Span:
    return Span(marker_of(slot), f"line{slot % SLOTS}")


def metric_rows(runs: Sequence[ComparedRun], first: str = "") -> list[TableRow]:
    """Return best and last of every metric that any run has, `first` before the others."""
    return [
        TableRow(
            sanitise(metric.name),
            tuple(
                _metric_cell(row, metric.mode, slot in metric.best)
                for slot, row in enumerate(metric.rows)
            ),
            metric.best,
        )
        for metric in compare_metrics(runs, first)
    ]


def _metric_cell(row: MetricRow | None, mode: str | None, wins: bool) -> str:
    if row is None:
        return NOTHING
    if mode is None:
        return metric_value(row.last)
    best = NOTHING if row.best is None else f"{metric_value(row.best)} @{row.best_step}"
    return f"{best}{'*' if wins else ''}, {metric_value(row.last)}"


def setting_rows(runs: Sequence[ComparedRun]) -> list[TableRow]:
    """Return the settings that are not the same in all runs whose settings are known."""
    return [
        TableRow(
            sanitise(key),
            tuple(NOTHING if value is None else sanitise(value) for value in values),
        )
        for key, values in differing_settings(runs).items()
    ]


def _table(rows: Sequence[TableRow], runs: Sequence[ComparedRun], width: int) -> list[SpanLine]:
    """Return a table with a column a run, or the same run by run where that does not fit."""
    cut = [tuple(shorten(cell, _MOST_CELL) for cell in row.cells) for row in rows]
    labels = [f"{marker_of(slot)} {run.label}" for slot, run in enumerate(runs)]
    first = max(display_width(row.heading) for row in rows)
    widths = [_widest(column) for column in zip(*cut, strict=True)]
    # A long name gives way before the table does.
    room = width - 2 - first - sum(max(w, 10) + _GAP for w in widths)
    if room < 0:
        return [line for row in rows for line in _run_by_run(row, runs)]
    columns = [
        max(w, min(_widest([label]), max(10, w) + room // len(runs)))
        for w, label in zip(widths, labels, strict=True)
    ]
    heads = [shorten(label, w) for label, w in zip(labels, columns, strict=True)]
    head: SpanLine = (
        Span(" " * (first + 2)),
        *(
            Span(" " * _GAP + _pad(label, w), f"line{slot % SLOTS}")
            for slot, (label, w) in enumerate(zip(heads, columns, strict=True))
        ),
    )
    return [
        head,
        *(_table_line(row, cells, first, columns) for row, cells in zip(rows, cut, strict=True)),
    ]


def _table_line(
    row: TableRow, cells: Iterable[str], first: int, columns: Sequence[int]
) -> SpanLine:
    spans = [Span(f"  {_pad(row.heading, first)}", "quiet")]
    for slot, (cell, width) in enumerate(zip(cells, columns, strict=True)):
        spans.append(Span(" " * _GAP + _pad(cell, width), "good" if slot in row.best else ""))
    return tuple(spans)


def _run_by_run(row: TableRow, runs: Sequence[ComparedRun]) -> list[SpanLine]:
    longest = max(display_width(run.label) for run in runs)
    lines: list[SpanLine] = [(Span(f"  {row.heading}", "quiet"),)]
    for slot, (run, cell) in enumerate(zip(runs, row.cells, strict=True)):
        style = "good" if slot in row.best else ""
        label = _pad(run.label, min(longest, 28))
        lines.append((Span("    "), _marker(slot), Span(f" {label}  "), Span(cell, style)))
    return lines


def _widest(cells: Iterable[str]) -> int:
    return max(display_width(cell) for cell in cells)


def _pad(text: str, width: int) -> str:
    short = shorten(text, width)
    return short + " " * (width - display_width(short))
