"""A run's values by key, as filters, columns and orders name them; read when one is asked for."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from tuitrain.runs.directory import RunDirectory, host_of
from tuitrain.runs.labels import Labels, load_labels
from tuitrain.runs.summary import RunSummary
from tuitrain.runs.table.details import RunDetails, load_details

Value = str | float | bool | tuple[Any, ...] | None
"""None: the run has no such thing."""


class RunValues:
    """One run's values."""

    def __init__(
        self,
        summary: RunSummary,
        clock: Callable[[], float] = time.time,
        *,
        details: RunDetails | None = None,
        labels: Labels | None = None,
    ) -> None:
        """Give the values of a run.

        Args:
            summary: its gist.
            clock: seconds since the epoch, for its age.
            details: settings and metrics; read when first asked for, where left out.
            labels: tags and note; the same.
        """
        self.summary = summary
        self._directory = RunDirectory(Path(summary.path))
        self._clock = clock
        self._details = details
        self._labels = labels
        if details is not None:
            # Worked out where details are read, which is no place where somebody waits.
            self._settings  # noqa: B018

    @property
    def details(self) -> RunDetails:
        """Settings and metrics."""
        if self._details is None:
            self._details = load_details(self._directory)
        return self._details

    @property
    def labels(self) -> Labels:
        """Tags and note."""
        if self._labels is None:
            self._labels = load_labels(self._directory)
        return self._labels

    def get(self, key: str) -> Value:
        """Return the value of a key: a field, a setting (its last part is enough), or a metric.

        A metric is its best value, `last:NAME` its last one.
        """
        if key in FIELDS:
            return FIELDS[key](self)
        name = self._setting(key)
        if name is not None:
            value = self.details.settings[name]
            return tuple(value) if isinstance(value, list) else value
        if key.startswith("last:"):
            return self.details.last.get(key.removeprefix("last:"))
        best = self.details.best.get(key)
        return self.details.last.get(key) if best is None else best

    def is_setting(self, key: str) -> bool:
        """Return whether a key is that of a setting, which is shown as it was written."""
        return key not in FIELDS and self._setting(key) is not None

    def known_keys(self) -> list[str]:
        """Return all keys of this run."""
        details = self.details
        return [*FIELDS, *details.settings, *{**details.last, **details.best}]

    def _setting(self, key: str) -> str | None:
        """Return the whole key of a setting; a part's own name stands for its `name`."""
        return self._settings.whole(key)

    @cached_property
    def _settings(self) -> "_SettingKeys":
        return _setting_keys(tuple(self.details.settings))


class _SettingKeys:
    """The keys of settings that some runs have, and what shorter forms of them stand for.

    Runs share it: of ten thousand runs a key is then looked up as fast as in a dict.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self._whole: dict[str, str | None] = {key: key for key in keys}

    def whole(self, key: str) -> str | None:
        """Return the whole key that one stands for; None: none or several."""
        if key not in self._whole:
            self._whole[key] = self._find(key)
        return self._whole[key]

    def _find(self, key: str) -> str | None:
        if f"{key}.name" in self._whole:
            return f"{key}.name"
        found = [name for name in self._keys if name.endswith(f".{key}")]
        return found[0] if len(found) == 1 else None


@lru_cache(maxsize=4096)
def _setting_keys(keys: tuple[str, ...]) -> _SettingKeys:
    return _SettingKeys(keys)


def gather(runs: Sequence[RunValues], key: str) -> list[Value]:
    """Return the value of a key of each run."""
    field = FIELDS.get(key)
    return [run.get(key) for run in runs] if field is None else [field(run) for run in runs]


def ordered(runs: Sequence[RunValues], key: str) -> list[RunValues]:
    """Return runs in the order of a key's values, or from the largest on where it begins with -.

    Numbers go before texts, and what has no value comes last either way.
    """
    name = key.removeprefix("-")
    known = list(zip(gather(runs, name), runs, strict=True))
    there = [(value, run) for value, run in known if value not in (None, ())]
    there.sort(key=lambda pair: _rank(pair[0]), reverse=key.startswith("-"))
    return [run for _value, run in there] + [run for value, run in known if value in (None, ())]


def _rank(value: Value) -> tuple[bool, float, str]:
    if isinstance(value, int | float):
        return False, float(value), ""
    return True, 0.0, str(value).casefold()


def _number(value: float | None) -> Value:
    return None if value is None else float(value)


FIELDS: Mapping[str, Callable[[RunValues], Value]] = {
    "host": lambda run: host_of(run.summary.path) or None,
    "name": lambda run: run.summary.name,
    "id": lambda run: run.summary.id,
    "preset": lambda run: run.summary.preset,
    "state": lambda run: run.summary.state,
    "reason": lambda run: run.summary.reason,
    "step": lambda run: float(run.summary.step),
    "epoch": lambda run: run.summary.epoch,
    "done": lambda run: (
        run.summary.step / run.summary.total_steps if run.summary.total_steps else None
    ),
    "best": lambda run: _number(run.summary.best_value),
    "device": lambda run: run.summary.device,
    "created": lambda run: run.summary.created,
    "age": lambda run: max(0.0, run._clock() - run.summary.created),
    "duration": lambda run: run.summary.duration_s,
    "tag": lambda run: run.labels.tags,
    "note": lambda run: run.labels.note,
}
"""What a run has beside settings and metrics; times in seconds, `created` since 1970."""
