"""From runs to a report: which sections there are, in which order.

A section whose part of the record can't be read says so; the others are there all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tuitrain.errors import TuitrainError, UsageError
from tuitrain.plots.curves import CurveChoices, curve_figure, run_labels
from tuitrain.plots.pictures import Ask
from tuitrain.report.blocks import Charts, Document, Section, Text
from tuitrain.report.looked import Asked, Looked
from tuitrain.report.sections.about import (
    about_section,
    alerts_section,
    environment_section,
    local_time,
    repeat_section,
)
from tuitrain.report.sections.comparison import (
    differences_section,
    evaluations_section,
    metrics_section,
    repeats_section,
    runs_section,
    troubles_section,
)
from tuitrain.report.sections.evaluation import evaluation_section
from tuitrain.report.sections.resources import resources_section
from tuitrain.report.sections.settings import last_good_section, settings_section
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import is_alive
from tuitrain.runs.reader import RunReader
from tuitrain.trained.evaluation import Wanted, evaluate_model
from tuitrain.trained.opening import Trained


@dataclass(frozen=True, slots=True)
class ReportChoices:
    """What is wanted of a report."""

    open_model: Callable[[RunDirectory], Trained] | None
    """Opens a run's checkpoint; None: nothing is evaluated."""
    ema: bool = False
    is_named: bool = False
    """The checkpoint was named: that a run lacks it is a mistake of who named it."""


def look_at(reader: RunReader, choices: ReportChoices, ask: Ask) -> Looked:
    """Return a run with its evaluation, or with why there is none.

    Raises:
        UsageError: the checkpoint that was named is not there.
        RecordError: the record can't be read.
    """
    summary, meta = reader.summary(), reader.meta()
    asked = _ask_model(reader.directory, choices, ask)
    return Looked(reader, summary, meta, is_alive(reader.directory), asked, ask)


def _ask_model(directory: RunDirectory, choices: ReportChoices, ask: Ask) -> Asked:
    if choices.open_model is None:
        return Asked()
    try:
        trained = choices.open_model(directory)
        evaluation = evaluate_model(trained, Wanted(choices.ema), ask)
        return Asked(trained, evaluation, evaluation.report())
    except (TuitrainError, OSError) as error:
        if choices.is_named and isinstance(error, UsageError):
            raise
        return Asked(trouble=str(error))


def report_document(runs: Sequence[Looked], now: float) -> Document:
    """Return the report of one run, or of several side by side.

    Args:
        runs: one at least.
        now: seconds since the epoch.
    """
    made = f"written {local_time(now)} by tuitrain"
    if len(runs) == 1:
        run = runs[0]
        title = f"{run.summary.name}: {run.summary.state}"
        return Document(title, f"{run.summary.id}, {made}", tuple(_of_one(run, now)))
    labels = run_labels([run.reader for run in runs])
    figure = (
        curve_figure([run.reader for run in runs], CurveChoices()) if _has_curves(runs) else None
    )
    legend = figure.legend if figure else ()
    return Document(f"{len(runs)} runs", made, tuple(_of_several(runs, labels)), legend)


def _of_one(run: Looked, now: float) -> list[Section]:
    return [
        _made(title, make)
        for title, make in {
            "Run": partial(about_section, run, now),
            "Curves": partial(_curves_section, [run]),
            "Evaluation": partial(evaluation_section, run),
            "Settings": partial(settings_section, run),
            "Time and memory": partial(resources_section, run),
            "Alerts and changes": partial(alerts_section, run),
            "What differs from the last good run": partial(last_good_section, run),
            "Environment": partial(environment_section, run),
            "To repeat it": partial(repeat_section, run),
        }.items()
    ]


def _of_several(runs: Sequence[Looked], labels: Sequence[str]) -> list[Section]:
    return [
        _made(title, make)
        for title, make in {
            "Runs": partial(runs_section, runs, labels),
            "What differs": partial(differences_section, runs, labels),
            "Metrics": partial(metrics_section, runs, labels),
            "Curves": partial(_curves_section, runs),
            "Evaluation": partial(evaluations_section, runs, labels),
            "Alerts": partial(troubles_section, runs, labels),
            "To repeat them": partial(repeats_section, runs, labels),
        }.items()
    ]


def _made(title: str, make: Callable[[], Section]) -> Section:
    """Return a section, or that what it is of can't be read."""
    try:
        return make()
    except TuitrainError as error:
        return Section(title, (Text(f"This can't be told: {error}", "bad"),))


def _has_curves(runs: Sequence[Looked]) -> bool:
    return any(run.reader.curves.metric_names() for run in runs)


def _curves_section(runs: Sequence[Looked]) -> Section:
    if not _has_curves(runs):
        return Section("Curves", (Text("Nothing was measured yet."),))
    figure = curve_figure([run.reader for run in runs], CurveChoices())
    return Section("Curves", (Charts(replace(figure, title="")),))


def described(document: Document, runs: Sequence[Looked]) -> dict[str, Any]:
    """Return what was written, as JSON data."""
    return {
        "runs": [run.summary.id for run in runs],
        "sections": [section.title for section in document.sections],
        "evaluated": {
            run.summary.id: {
                "evaluated": run.asked.evaluation is not None,
                "trouble": run.asked.trouble,
            }
            for run in runs
        },
    }
