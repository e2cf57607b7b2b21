"""Which profile is seen, and how: its rows, their order, and what another one is compared by."""

from dataclasses import dataclass

from tuitrain.ui.screens.profile.read import Digest
from tuitrain.view import profiletext as text


@dataclass(slots=True)
class ProfileChoice:
    """What the user chose to see."""

    shown: str = ""
    """The name of the profile."""
    other: str = ""
    """The name of one to compare it with; empty: none."""
    group: str = "operator"
    sort: text.Sort | None = None
    """None: as suits the profile."""
    pattern: str = ""
    """What names must have in them."""

    def matches(self, name: str) -> bool:
        """Return whether a name has the pattern in it."""
        return self.pattern.lower() in name.lower()

    def next_sort(self, digest: Digest) -> None:
        """Order the table by the next column."""
        sorts = text.possible_sorts(digest)
        now = self.sort or text.first_sort(digest)
        self.sort = sorts[(sorts.index(now) + 1) % len(sorts)] if now in sorts else None

    def next_group(self, digest: Digest | None) -> None:
        """Show what else the rows may be."""
        groups: tuple[str, ...] = text.GROUPINGS
        if digest is not None and digest["device"] is not None:
            groups = (*groups, "kernel", "gap")
        place = groups.index(self.group) if self.group in groups else -1
        self.group = groups[(place + 1) % len(groups)]

    def move(self, names: list[str], by: int) -> None:
        """Show another profile, of those there are."""
        if self.shown in names:
            place = names.index(self.shown) + by
            self.shown = names[min(len(names) - 1, max(0, place))]
            self.other = ""
