"""The runs of home's table as a tree: a branch a value of each key, which opens and closes.

Knows paths and values; draws nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tuitrain.runs.table.values import RunValues, gather
from tuitrain.view.cells import cell_text

_BRANCH = "\0"
"""What the key of a branch begins with, and no path."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Runs that have one value of a key in common."""

    depth: int
    words: str
    paths: tuple[str, ...]
    is_open: bool


class RunTree:
    """Groups in groups, by keys of choice."""

    def __init__(self) -> None:
        """Group nothing."""
        self.keys: tuple[str, ...] = ()
        self._closed: set[str] = set()
        self._branches: dict[str, Branch] = {}

    def rows(self, runs: Sequence[RunValues]) -> list[str]:
        """Return the keys of rows: branches, and below open ones the paths of their runs.

        Groups stand in the order of their first runs, and runs in theirs.
        """
        self._branches = {}
        return self._rows(runs, 0, "")

    def _rows(self, runs: Sequence[RunValues], depth: int, above: str) -> list[str]:
        if depth == len(self.keys):
            return [run.summary.path for run in runs]
        groups: dict[str, list[RunValues]] = {}
        key = self.keys[depth]
        for run, value in zip(runs, gather(runs, key), strict=True):
            words = f"{value:g}" if isinstance(value, float) else cell_text(key, value)
            groups.setdefault("-" if value is None else words, []).append(run)
        rows: list[str] = []
        for words, own in groups.items():
            branch = f"{above}{_BRANCH}{words}"
            is_open = branch not in self._closed
            paths = tuple(run.summary.path for run in own)
            self._branches[branch] = Branch(depth, f"{key} {words}", paths, is_open)
            rows += [branch, *(self._rows(own, depth + 1, branch) if is_open else [])]
        return rows

    def branch(self, key: str) -> Branch | None:
        """Return the branch of a row; None for a run's."""
        return self._branches.get(key)

    def toggle(self, key: str) -> None:
        """Close a branch, or open it."""
        self._closed ^= {key}

    def paths(self, key: str) -> Sequence[str]:
        """Return the runs of a row: all of a branch, or the one."""
        branch = self._branches.get(key)
        return branch.paths if branch is not None else [key] if key else []
