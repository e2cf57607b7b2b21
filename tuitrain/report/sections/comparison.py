"""Several runs side by side: who they are, how they differ, and how good each is."""

from collections.abc import Sequence
from typing import Any

from tuitrain import units
from tuitrain.analysis.compare import (
    ComparedRun,
    compare_metrics,
    differing_settings,
    flat_settings,
)
from tuitrain.analysis.paired import compare, refuse_unlike
from tuitrain.analysis.places import environment
from tuitrain.errors import UsageError
from tuitrain.plots.evaluated import evaluated_panels
from tuitrain.plots.panels import Figure
from tuitrain.report.blocks import Block, Charts, Code, Section, Table, Text
from tuitrain.report.looked import Looked
from tuitrain.report.sections.about import local_time, repeat_command, state_words
from tuitrain.runs.rows import MetricRow
from tuitrain.view.evaluation.comparison import verdict
from tuitrain.view.evaluation.report import interval
from tuitrain.view.format import metric_value


def runs_section(runs: Sequence[Looked], labels: Sequence[str]) -> Section:
    """Return who the runs are and how far they came."""
    rows = tuple(
        (
            label, run.summary.id, state_words(run) + (", live" if run.alive else ""),
            f"{run.summary.step:,}", f"{run.summary.epoch:.2f}",
            units.duration(run.summary.duration_s), run.summary.device or units.NOTHING,
            local_time(run.summary.created),
        )
        for run, label in zip(runs, labels, strict=True)
    )  # fmt: skip
    headings = ("", "run", "state", "step", "epoch", "duration", "device", "created")
    return Section("Runs", (Table(headings, rows, frozenset({3, 4, 5})),))


def differences_section(runs: Sequence[Looked], labels: Sequence[str]) -> Section:
    """Return settings, code and packages that are not the same in all."""
    compared = [_compared(run) for run in runs]
    rows = [
        ("setting", key, *(units.NOTHING if value is None else value for value in values))
        for key, values in differing_settings(compared).items()
        if key != "description"
    ]
    places = [environment(run.meta) for run in runs]
    for name in dict.fromkeys(name for place in places for name in place):
        values = [place.get(name, units.NOTHING) for place in places]
        if len(set(values)) > 1:
            rows.append(("environment", name, *values))
    if not rows:
        return Section("What differs", (Text("Settings, code and packages are all the same."),))
    return Section("What differs", (_beside("what", [row[1:] for row in rows], labels),))


def _beside(
    heading: str,
    rows: Sequence[tuple[str, ...]],
    labels: Sequence[str],
    *,
    right: bool = False,
    best: frozenset[tuple[int, int]] = frozenset(),
) -> Table:
    """Return a row of each thing and a column of each run; turned where there are more runs.

    Args:
        heading: of the things.
        rows: what it is, and what it is of each run.
        labels: the runs.
        right: values are numbers.
        best: cells that stand out, as (row, column).
    """
    if len(labels) <= len(rows):
        columns = frozenset(range(1, len(labels) + 1)) if right else frozenset[int]()
        return Table((heading, *labels), tuple(rows), columns, best=best)
    turned = tuple((label, *(row[place + 1] for row in rows)) for place, label in enumerate(labels))
    columns = frozenset(range(1, len(rows) + 1)) if right else frozenset[int]()
    swapped = frozenset((column - 1, row + 1) for row, column in best)
    return Table(("run", *(row[0] for row in rows)), turned, columns, best=swapped)


def _compared(run: Looked) -> ComparedRun:
    facts = run.reader.facts()
    return ComparedRun(
        run.summary.id,
        metrics={row.name: row for row in run.reader.curves.metrics()},
        settings=flat_settings(run.reader.config()),
        monitor=facts.monitor or "",
        mode=facts.mode or "",
    )


def metrics_section(runs: Sequence[Looked], labels: Sequence[str]) -> Section:
    """Return best and last of each metric as training recorded them."""
    compared = [_compared(run) for run in runs]
    found = compare_metrics(compared, compared[0].monitor)
    rows = tuple(
        (metric.name, *(_metric_cell(row, metric.mode) for row in metric.rows)) for metric in found
    )
    best = frozenset(
        (place, slot + 1)
        for place, metric in enumerate(found)
        for slot in metric.best
        if len(metric.best) < len(runs)
    )
    if not rows:
        return Section("Metrics", (Text("Nothing was measured yet."),))
    said = Text("best of all steps, and the last; the best of all runs stands out", "note")
    return Section("Metrics", (_beside("metric", rows, labels, right=True, best=best), said))


def _metric_cell(row: MetricRow | None, mode: str | None) -> str:
    if row is None:
        return units.NOTHING
    last = metric_value(row.last)
    if mode is None or row.best is None:
        return last
    return f"{metric_value(row.best)} at {row.best_step:,}, last {last}"


def evaluations_section(runs: Sequence[Looked], labels: Sequence[str]) -> Section:
    """Return the evaluations of the runs' checkpoints, tested where samples are the same."""
    blocks: list[Block] = [
        Text(f"{label}: not evaluated: {run.asked.trouble}", "bad")
        for run, label in zip(runs, labels, strict=True)
        if run.asked.trouble
    ]
    known = [(run, label) for run, label in zip(runs, labels, strict=True) if run.asked.evaluation]
    if not known:
        return Section("Evaluation", tuple(blocks) or (Text("Not wanted."),))
    names = dict.fromkeys(name for run, _ in known for name in run.asked.figures["metrics"])
    rows = tuple(
        (name, *(_figure_cell(run.asked.figures["metrics"].get(name)) for run, _label in known))
        for name in names
    )
    said = "; ".join(f"{label}: {_checkpoint(run)}" for run, label in known)
    blocks += [_beside("metric, 95 % interval", rows, [label for _, label in known]),
               Text(said, "note"), *_tests(known), *_pictures(known)]  # fmt: skip
    return Section("Evaluation", tuple(blocks))


def _checkpoint(run: Looked) -> str:
    figures = run.asked.figures
    samples = figures["data"]["samples"]
    return f"checkpoint {figures['checkpoint']}, step {figures['step']:,}, {samples:,} samples"


def _figure_cell(figure: Any) -> str:
    if figure is None:
        return units.NOTHING
    value, reach = metric_value(figure["value"]), interval(figure)
    return f"{value} ({reach})" if reach else value


def _tests(known: Sequence[tuple[Looked, str]]) -> list[Block]:
    """Return each run's test against the first one, where both had the same samples."""
    blocks: list[Block] = []
    first = known[0][0].asked.evaluation
    for run, _label in known[1:]:
        second = run.asked.evaluation
        if first is None or second is None:
            continue
        try:
            refuse_unlike(first.about, second.about)
        except UsageError as error:
            blocks.append(Text(f"Not tested: {error}", "note"))
            continue
        tested = {
            "first": first.about, "second": second.about, **compare(first.found, second.found),
        }  # fmt: skip
        blocks.append(Text(verdict(tested)))
    return blocks


def _pictures(known: Sequence[tuple[Looked, str]]) -> list[Block]:
    evaluations = [run.asked.evaluation for run, _ in known if run.asked.evaluation]
    labels = [label for _, label in known]
    if len(evaluations) == 1:
        return []
    panels = evaluated_panels(("roc", "pr", "calibration"), evaluations, labels)
    return [Charts(Figure("", panels), drawn_only=True)] if panels else []


def troubles_section(runs: Sequence[Looked], labels: Sequence[str]) -> Section:
    """Return the alerts of all runs."""
    rows = tuple(
        (label, local_time(row.time), units.NOTHING if row.step is None else f"{row.step:,}",
         row.kind, row.text)
        for run, label in zip(runs, labels, strict=True)
        for row in run.reader.entries.alerts()
        if row.kind != "ended"
    )  # fmt: skip
    if not rows:
        return Section("Alerts", (Text("No alert was raised."),))
    headings = ("", "time", "step", "alert", "what it says")
    return Section("Alerts", (Table(headings, rows, frozenset({2})),))


def repeats_section(runs: Sequence[Looked], labels: Sequence[str]) -> Section:
    """Return the commands that repeat the runs."""
    commands = [
        f"# {run.summary.id}: {label}\n{repeat_command(run)}"
        for run, label in zip(runs, labels, strict=True)
    ]
    return Section("To repeat them", (Code("\n\n".join(commands)),))
