"""The runs that are marked, for what is done to several at once."""

from collections.abc import Collection, Iterable, Sequence


class Marks:
    """Paths of runs."""

    def __init__(self) -> None:
        self._marked: set[str] = set()

    def __contains__(self, path: str) -> bool:
        """Return whether a run is marked."""
        return path in self._marked

    def __len__(self) -> int:
        """Return how many are."""
        return len(self._marked)

    def toggle(self, path: str) -> None:
        """Mark a run, or take its mark away."""
        self._marked ^= {path}

    def toggle_all(self, paths: Collection[str]) -> None:
        """Mark all of these; where they all are, take their marks away."""
        if self._marked.issuperset(paths):
            self._marked.difference_update(paths)
        else:
            self._marked.update(paths)

    def keep(self, paths: Iterable[str]) -> None:
        """Forget the marks of runs that are gone."""
        self._marked.intersection_update(paths)

    def clear(self) -> None:
        """Take all marks away."""
        self._marked.clear()

    def chosen(self, order: Iterable[str], cursor: str) -> Sequence[str]:
        """Return the marked runs in an order, or the one under the cursor where none is."""
        return [path for path in order if path in self._marked] or ([cursor] if cursor else [])
