"""Several runs side by side: the best of each metric, and the settings that differ.

From rows of the record to values; names are as the runs have them, not yet harmless.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuitrain.config.editing.shortest import toml_value
from tuitrain.runs.metrics import metric_mode
from tuitrain.runs.rows import MetricRow


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One of the runs: its place in the list is its slot."""

    label: str
    state: str = ""
    detail: str = ""
    """How far it is, or what is wrong with it."""
    metrics: Mapping[str, MetricRow] = field(default_factory=dict)
    settings: Mapping[str, str] | None = None
    """Flat; None where they are not known."""
    monitor: str = ""
    """The metric that decides which checkpoint is best, with its mode."""
    mode: str = ""
    place: Mapping[str, str] = field(default_factory=dict)
    """Where it ran, as `places.environment` gives it."""


@dataclass(frozen=True, slots=True)
class ComparedMetric:
    """What each run has of one metric, None where it has nothing."""

    name: str
    mode: str | None
    """Whether less or more is better; None: neither."""
    rows: tuple[MetricRow | None, ...]
    best: frozenset[int]
    """The runs that reached the best value of all, where several have one."""


def flat_settings(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings by dotted key, values as TOML would show them."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flat_settings(value, f"{name}.")
        else:
            flat[name] = toml_value(value)
    return flat


def compare_metrics(runs: Sequence[ComparedRun], first: str = "") -> list[ComparedMetric]:
    """Return every metric that any run has, `first` before the others."""
    names = list(dict.fromkeys(name for run in runs for name in run.metrics))
    names.sort(key=lambda name: name != first)
    return [_compare_metric(runs, name) for name in names]


def _compare_metric(runs: Sequence[ComparedRun], name: str) -> ComparedMetric:
    rows = tuple(run.metrics.get(name) for run in runs)
    mode = next((run.mode for run in runs if run.monitor == name and run.mode), metric_mode(name))
    values = {slot: row.best for slot, row in enumerate(rows) if row and row.best is not None}
    if len(values) < 2:
        return ComparedMetric(name, mode, rows, frozenset())
    winner = max(values.values()) if mode == "max" else min(values.values())
    best = frozenset(slot for slot, value in values.items() if value == winner)
    return ComparedMetric(name, mode, rows, best)


def differing_settings(runs: Sequence[ComparedRun]) -> dict[str, tuple[str | None, ...]]:
    """Return the settings that are not the same in all runs whose settings are known.

    Returns:
        By key the value in each run, None where a run lacks the key or its settings are not known.
    """
    known = [run.settings for run in runs if run.settings is not None]
    keys = dict.fromkeys(key for settings in known for key in settings)
    differing = [key for key in keys if len({settings.get(key) for settings in known}) > 1]
    return {key: tuple((run.settings or {}).get(key) for run in runs) for key in differing}
