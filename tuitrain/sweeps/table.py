"""How a sweep stands, as its driver last put it down: for lists and screens, without Optuna.

Plain data, written in one move.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tuitrain.sweeps.directory import SweepDirectory, write_plain

_LONGEST_CURVE = 64


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial."""

    number: int
    state: str
    """queued, running, paused, pruned, complete, failed or repeated."""
    run: str
    """Its id; empty before there is one."""
    point: Mapping[str, Any]
    value: float | None
    """The best that was evaluated so far, or the one that counts."""
    epoch: float = 0.0
    curve: tuple[float, ...] = ()
    """The last evaluations, oldest first."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SweepTable:
    """A sweep's trials."""

    metric: str
    mode: str
    budget: int
    parallel: int
    state: str
    """running, paused, stopping, stopped or finished, as the driver said last."""
    keys: tuple[str, ...]
    """The settings that are looked through."""
    rows: tuple[TrialRow, ...] = ()
    reason: str = ""

    @property
    def best(self) -> TrialRow | None:
        """The complete trial with the best value."""
        found = self.ranked
        return found[0] if found and found[0].state == "complete" else None

    @property
    def ranked(self) -> list[TrialRow]:
        """The trials, complete ones by value, then others with one, then the rest by number."""
        sign = -1 if self.mode == "max" else 1

        def place(row: TrialRow) -> tuple[int, float, int]:
            if row.value is None:
                return (2, 0.0, row.number)
            return (0 if row.state == "complete" else 1, sign * row.value, row.number)

        return sorted(self.rows, key=place)


def tail(values: Sequence[float]) -> tuple[float, ...]:
    """Return what is kept of a curve."""
    return tuple(values[-_LONGEST_CURVE:])


def write_table(directory: SweepDirectory, table: SweepTable) -> None:
    """Put the table down."""
    write_plain(directory.table_path, asdict(table))


def read_table(directory: SweepDirectory) -> SweepTable | None:
    """Return the table; None where a driver has not put one down yet, or of another version."""
    try:
        plain = json.loads(directory.table_path.read_bytes())
        rows = tuple(TrialRow(**{**row, "curve": tuple(row["curve"])}) for row in plain.pop("rows"))
        return SweepTable(**{**plain, "keys": tuple(plain["keys"]), "rows": rows})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def standing(directory: SweepDirectory, table: SweepTable | None) -> str:
    """Return the state a sweep is in: what its driver said, or that it is gone."""
    said = table.state if table is not None else "starting"
    if directory.is_live():
        return said
    return said if said in ("finished", "stopped") else "lost"
