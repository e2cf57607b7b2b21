"""What is not the same of two runs: results, settings, code, packages and machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuitrain.analysis.compare import ComparedRun, differing_settings, flat_settings
from tuitrain.analysis.seeds import NO_SETTING
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import list_runs
from tuitrain.runs.reader import RunReader
from tuitrain.runs.summary import RunSummary
from tuitrain.units import NOTHING
from tuitrain.view.format import metric_value

_META = ("host", "user", "cwd", "git_commit", "data_directory")
_FIELDS = (
    "tuitrain", "python", "torch", "torchvision", "numpy", "cuda", "cudnn", "platform", "device",
    "device_name", "cpu_count", "usable_cpus", "threads", "precision", "train_samples",
    "input_shape",
)  # fmt: skip
_WORDS = {
    "cwd": "folder of the command", "git_commit": "git commit", "data_directory": "data sets in",
    "device_name": "device's name", "cpu_count": "CPUs", "usable_cpus": "CPUs it may use",
    "train_samples": "training samples", "input_shape": "shape of an input", "cuda": "CUDA",
    "cudnn": "cuDNN", "precision": "numbers",
}  # fmt: skip
_CODE = ("git commit", "tuitrain")


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
    rows = _results(before.summary, now.summary)
    rows += [
        Difference("setting", key, _known(values[0]), _known(values[1]))
        for key, values in differing_settings(runs).items()
        if key not in NO_SETTING
    ]
    there, here = (environment(side.reader.meta()) for side in (before, now))
    for name in dict.fromkeys([*there, *here]):
        if there.get(name) != here.get(name):
            kind = "code" if name in _CODE else "environment"
            rows.append(Difference(kind, name, _known(there.get(name)), _known(here.get(name))))
    return rows


def environment(meta: Mapping[str, Any]) -> dict[str, str]:
    """Return where a run ran, in words by name; what is not known is left out."""
    known = {**{key: meta.get(key) for key in _META}, **meta.get("environment", {})}
    names = dict.fromkeys((*_META, *_FIELDS))
    return {
        _WORDS.get(name, name): _plain(known[name])
        for name in names
        if known.get(name) not in (None, "")
    }


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


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return " x ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
