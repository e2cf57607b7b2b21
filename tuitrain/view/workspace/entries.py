"""The runs of a workspace as entries of its legend: one a run, or one for all seeds of a group.

Plain values; knows nothing of curves or of screens.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuitrain.analysis.compare import ComparedRun, differing_settings
from tuitrain.analysis.seeds import NO_SETTING, SEED, seed_groups
from tuitrain.view.compare import unique_labels
from tuitrain.view.format import sanitise
from tuitrain.view.palette import SLOTS

_SEED_NUMBER = re.compile(r"[-_. ]*(seed|s)?[-_. ]*$")
"""What comes before the number in names such as `small-seed-3`."""


@dataclass(frozen=True, slots=True)
class Named:
    """A run as the legend knows it."""

    id: str
    name: str
    state: str = ""
    settings: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the legend: a run, or runs that differ in their seed alone."""

    key: str
    """The id of its first run."""
    label: str
    slot: int
    members: tuple[str, ...]
    """The ids of its runs."""
    state: str = ""
    settings: tuple[str, ...] = ()
    """What differs, a value for each of the headings."""


@dataclass(frozen=True, slots=True)
class Legend:
    """All entries, and the settings that tell them apart."""

    headings: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()


def legend_of(runs: Sequence[Named], *, grouped: bool) -> Legend:
    """Return the entries of runs, in their order.

    Args:
        runs: any number.
        grouped: runs that differ in their seed alone are one entry.
    """
    settings = [run.settings for run in runs]
    groups = seed_groups(settings) if grouped else [(number,) for number in range(len(runs))]
    left_out = {*NO_SETTING, *([SEED] if grouped else [])}
    differing = {
        key: values
        for key, values in differing_settings(
            [ComparedRun(run.id, settings=run.settings) for run in runs]
        ).items()
        if key not in left_out
    }
    labels = unique_labels([run.name for run in runs], [run.id for run in runs])
    return Legend(
        _headings(list(differing)),
        tuple(
            Entry(
                key=runs[group[0]].id,
                label=_label([labels[number] for number in group], [runs[n].name for n in group]),
                slot=place % SLOTS,
                members=tuple(runs[number].id for number in group),
                state=_state([runs[number].state for number in group]),
                settings=tuple(sanitise(values[group[0]] or "-") for values in differing.values()),
            )
            for place, group in enumerate(groups)
        ),
    )


def _label(labels: Sequence[str], names: Sequence[str]) -> str:
    """Return what a group is called: what its runs' names begin with, and how many they are."""
    if len(labels) == 1:
        return labels[0]
    first, last = min(names), max(names)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    shared = sanitise(_SEED_NUMBER.sub("", first if same is None else first[:same]) or names[0])
    return f"{shared} x{len(labels)}"


def _state(states: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, states)))


def _headings(keys: Sequence[str]) -> tuple[str, ...]:
    """Return the last part of each key, the whole of it where that is not enough."""
    last = [key.rpartition(".")[2] for key in keys]
    return tuple(
        sanitise(short if last.count(short) == 1 else key)
        for key, short in zip(keys, last, strict=True)
    )
