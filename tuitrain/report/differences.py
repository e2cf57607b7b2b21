"""What is not the same of two runs: results, settings, code, packages and machine."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tuitrain.analysis.compare import ComparedRun, differing_settings, flat_settings
from tuitrain.analysis.places import CODE, environment
from tuitrain.analysis.seeds import NO_SETTING, noise_between, without_seed
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import list_runs
from tuitrain.runs.reader import RunReader
from tuitrain.runs.summary import RunSummary
from tuitrain.units import NOTHING
from tuitrain.view.format import metric_value

_MOST_LISTED = 2000
"""Runs that are looked through for other seeds, from the newest on."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs."""

    summary: RunSummary
    reader: RunReader


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same."""

    kind: str
    """`result`, `setting`, `code` or `environment`."""
    what: str
    before: str
    now: str


def last_good(directory: RunDirectory, summary: RunSummary) -> RunSummary | None:
    """Return the last run of the same preset that finished before a run; None: there is none."""
    earlier = (
        run for run in list_runs(directory.path.parent)
        if run.preset == summary.preset and run.state == "finished" and run.id != summary.id
        and run.created <= summary.created
    )  # fmt: skip
    return next(earlier, None)


def differences(before: Side, now: Side) -> list[Difference]:
    """Return what is not the same: the result first, then settings, code, packages and machine.

    Raises:
        RecordError: a record can't be read.
    """
    runs = [
        ComparedRun(side.summary.id, settings=flat_settings(side.reader.config()))
        for side in (before, now)
    ]
    rows = [*_results(before.summary, now.summary), *_noise(before, now)]
    rows += [
        Difference("setting", key, _known(values[0]), _known(values[1]))
        for key, values in differing_settings(runs).items()
        if key not in NO_SETTING
    ]
    there, here = (environment(side.reader.meta()) for side in (before, now))
    for name in dict.fromkeys([*there, *here]):
        if there.get(name) != here.get(name):
            kind = "code" if name in CODE else "environment"
            rows.append(Difference(kind, name, _known(there.get(name)), _known(here.get(name))))
    return rows


def _results(before: RunSummary, now: RunSummary) -> list[Difference]:
    name = now.best_metric or before.best_metric
    if name is None:
        return []
    values = [
        metric_value(one.best_value) if one.best_metric == name else NOTHING
        for one in (before, now)
    ]
    return [Difference("result", f"best {name}", values[0], values[1])]


def _known(value: str | None) -> str:
    return NOTHING if value is None else value


def _noise(before: Side, now: Side) -> list[Difference]:
    """Return whether the results differ more than seeds alone make them, where that is known."""
    name = now.summary.best_metric
    if name is None or name != before.summary.best_metric:
        return []
    noise = noise_between(*(_of_all_seeds(side, name) for side in (before, now)))
    return [] if noise is None else [Difference("result", "that is", "", noise.words)]


def _of_all_seeds(side: Side, metric: str) -> list[float]:
    """Return the best value of a run, and of those that differ from it in their seed alone."""
    wanted = without_seed(flat_settings(side.reader.config()))
    values = []
    for run in list_runs(side.reader.directory.path.parent)[:_MOST_LISTED]:
        same = run.preset == side.summary.preset and run.best_metric == metric
        ended = run.state == "finished" or run.id == side.summary.id
        if same and ended and run.best_value is not None and _settings_of(run) == wanted:
            values.append(run.best_value)
    return values


def _settings_of(run: RunSummary) -> dict[str, str] | None:
    try:
        text = RunDirectory(Path(run.path)).config_path.read_text(encoding="utf-8")
        return without_seed(flat_settings(tomllib.loads(text)))
    except (OSError, ValueError):
        # Its own screen says what is wrong with it; here it is no seed of anything.
        return None
