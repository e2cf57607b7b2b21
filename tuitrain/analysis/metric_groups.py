"""Which metrics share a chart: those whose names end alike, as train/loss and val/loss.

Knows names only.
"""

from collections.abc import Iterable

_FIRST_GROUPS = ("loss", "accuracy", "mae", "rmse", "r2", "lr", "grad_norm", "samples_per_s")


def group_metrics(names: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return (title, metrics) for each chart, those that most runs have first."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.rpartition("/")[2], []).append(name)

    def place(title: str) -> tuple[int, str]:
        known = title in _FIRST_GROUPS
        return (_FIRST_GROUPS.index(title) if known else len(_FIRST_GROUPS), title)

    return [(title, tuple(groups[title])) for title in sorted(groups, key=place)]
