"""What differs between two presets of one run, which of it a resume may change, and what follows.

Knows settings and words; nothing of runs or of how training goes on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

from tuitrain.config.schema import LIVE_SETTINGS, Preset
from tuitrain.config.wording import show, write_value

_FIXED = ("name", "task", "train.seed", "train.weights_from", "train.parameter_type",
          "checkpoint.monitor", "checkpoint.mode")  # fmt: skip
_FIXED_SECTIONS: Mapping[str, frozenset[str]] = {
    "data": frozenset({"mode", "workers", "memory_share", "augment", "path", "cache", "cache_gib"}),
    "model": frozenset(),
    "loss": frozenset(),
    "optimizer": frozenset({"lr", "weight_decay"}),
}
"""Sections that make the run what it is, each with the keys in it that may change all the same."""
STEP_SIZE = frozenset({"train.batch_size", "train.accumulate", "train.drop_last"})
"""What decides how many samples a step takes."""
LENGTH = frozenset({"train.epochs", "train.max_steps", *STEP_SIZE})
"""What decides how many steps the run has."""
_NEUTRAL = ("alerts.", "checkpoint.", "log.", "stop.", "data.mode", "data.workers",
            "data.memory_share", "data.cache", "data.path", "description", "train.grace_s",
            "train.evaluate_every_", "train.memory_history", "train.grad_norm_every",
            "train.layers_every",
            "train.gradient_checkpointing", "metrics")  # fmt: skip
"""Beginnings of keys that change no weight, but for when a run ends."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting with two values; None where it is left out."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        """The change on one line, as marks on a curve say it."""
        return f"{self.key} {_shown(self.old)} -> {_shown(self.new)}"

    @property
    def allowed(self) -> bool:
        """Whether a resume can take it over."""
        section, _, name = self.key.partition(".")
        if section in _FIXED_SECTIONS:
            return name in _FIXED_SECTIONS[section]
        return self.key not in _FIXED


def differences(old: Preset, new: Preset) -> list[Change]:
    """Return every setting that differs, in the order of the schema."""
    before, after = dict(_flat(old.model_dump())), dict(_flat(new.model_dump()))
    keys = dict.fromkeys([*before, *after])
    pairs = ((key, before.get(key), after.get(key)) for key in keys)
    return [Change(*pair) for pair in pairs if not _equal(pair[1], pair[2])]


def set_options(changes: Iterable[Change]) -> str:
    """Return the options of `tuitrain resume` that ask for changes."""
    return " ".join(
        f"--set {quote(f'{change.key}={write_value(change.new)}')}"
        for change in changes
        if change.new is not None
    )


def consequences(keys: Iterable[str], schedule: str) -> Iterator[str]:
    """Say what stays exact where these settings change on a resume, and what does not.

    Args:
        keys: what changes.
        schedule: the name of the run's schedule.
    """
    changed = set(keys)
    yield (
        "exact: weights, optimizer and random state are those of the checkpoint, and what is on "
        "record up to it stays"
    )
    neutral = {key for key in changed if key.startswith(_NEUTRAL)}
    if schedule == "constant":
        neutral |= changed & (LENGTH - STEP_SIZE)
    if neutral == changed:
        yield "exact: what follows is as in a run that had these settings from its start"
    else:
        yield "not exact: what follows is as in no run that had the same settings throughout"
    if "data.path" in changed:
        yield "data: the files at the new path have to be the same ones; that is not compared"
    if changed & STEP_SIZE:
        yield (
            "data: the epoch goes on in its order after the samples it has had, from the next "
            "whole step of the new size on; less than one such step is left out, once"
        )
    if changed & LENGTH and schedule != "constant":
        yield f"rate: the schedule {schedule} runs over the new number of steps from here on"
    if "optimizer.lr" in changed:
        yield "rate: optimizer.lr is the base rate, which the schedule scales"


def live_settings(preset: Preset, keys: Iterable[str]) -> tuple[tuple[str, float], ...]:
    """Return those of `keys` that may change while a run is live, with the preset's values."""
    values = dict(_flat(preset.model_dump()))
    return tuple((key, float(values[key])) for key in LIVE_SETTINGS if key in set(keys))


def keys_within(path: Sequence[str], preset: Preset) -> list[str]:
    """Return the keys at or below a path, e.g. all of a section."""
    given = ".".join(path)
    keys = [key for key, _ in _flat(preset.model_dump())]
    return [key for key in keys if key == given or key.startswith(f"{given}.")] or [given]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _equal(one: Any, other: Any) -> bool:
    # A file that says 1 for 1.0 says the same; true is not 1.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _shown(value: Any) -> str:
    return "(left out)" if value is None else show(value)
