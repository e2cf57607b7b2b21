"""The table of a profile, its flame view, the words above, and what keys change of them.

Shows digests and what the record says; reads neither.
"""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tuitrain.runs.rows import ProfileRow
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.ui.screens.profile.choice import ProfileChoice
from tuitrain.ui.screens.profile.digests import Digest, Digests
from tuitrain.ui.screens.profile.drawing import (
    Sheet,
    difference_sheet,
    profile_sheet,
    top_parts,
    waiting_lines,
)
from tuitrain.ui.screens.profile.order import ProfileOrder
from tuitrain.ui.screens.profile.parts import ChooseProfile, RowList
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.flameview import FlameView
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.topline import TopLine


class ProfileDesk(Vertical):
    """One profile at a time, or how one differs from another."""

    DEFAULT_CSS = """
    ProfileDesk { height: 1fr; }
    ProfileDesk #words { height: auto; }
    ProfileDesk #head { height: 1; }
    ProfileDesk RowList { height: 1fr; }
    ProfileDesk FlameView { display: none; }
    ProfileDesk.flame #head, ProfileDesk.flame RowList { display: none; }
    ProfileDesk.flame FlameView { display: block; }
    """

    def __init__(self, run_id: str, digests: Digests, order: ProfileOrder) -> None:
        """Show nothing yet.

        Args:
            run_id: of the run.
            digests: of its profiles.
            order: for one more.
        """
        super().__init__()
        self._digests = digests
        self._order = order
        self._top, self._flame = TopLine(), FlameView()
        self._words, self._head, self._rows = Lines(id="words"), Lines(id="head"), RowList()
        self.snapshot = RunSnapshot(run_id)
        self.choice = ProfileChoice()

    def compose(self) -> ComposeResult:
        """Show the words above the table."""
        yield self._top
        yield self._words
        yield self._head
        yield self._rows
        yield self._flame
        yield FilterLine(id="filter")

    @property
    def names(self) -> list[str]:
        """The profiles there are, the oldest first."""
        return [row.name for row in self.snapshot.profiles]

    @property
    def row(self) -> ProfileRow | None:
        """What the record says of the profile that is shown."""
        return self._row(self.choice.shown)

    @property
    def digest(self) -> Digest | None:
        """That of the profile that is shown; None before it was read."""
        return self._digests.read.get(self.choice.shown)

    def _row(self, name: str) -> ProfileRow | None:
        return next((row for row in self.snapshot.profiles if row.name == name), None)

    # --- what is shown ----------------------------------------------------------------------------

    def show(self) -> None:
        """Show what there is in the room there is."""
        width, choice, live = self.app.size.width, self.choice, self.snapshot.live
        digest = None if self._order.steps else self._digests.load(self.row, live=live)
        shown = self.row if digest is not None else None
        self._top.show_parts(*top_parts(self.snapshot.id, shown, self.names, choice.pattern))
        sheet = self._sheet(digest, width)
        self._words.show_lines(sheet.words)
        self._head.show_lines([sheet.head])
        self._rows.show_rows(sheet.rows, sheet.empty)
        if digest is not None and self.has_class("flame"):
            self._flame.show_tree(digest["flame"])

    def _sheet(self, digest: Digest | None, width: int) -> Sheet:
        choice, order, live = self.choice, self._order, self.snapshot.live
        other = self._digests.load(self._row(choice.other), live=live)
        if digest is None:
            fault = self._digests.faults.get(choice.shown, "")
            return Sheet(waiting_lines(self.snapshot, order, choice.shown, fault, width))
        if other is None:
            return profile_sheet(self.snapshot.profiles, digest, choice, order.fault, width)
        before, after = sorted((other, digest), key=lambda each: self.names.index(each["name"]))
        return difference_sheet(before, after, choice, width)

    def turn(self, *, flame: bool) -> None:
        """Show the flame view, or the table."""
        self.set_class(flame, "flame")
        self.screen.set_focus(self._flame if flame else self._rows)

    # --- keys -------------------------------------------------------------------------------------

    def sort(self) -> None:
        """Order the table by the next column."""
        if self.digest is not None:
            self.choice.next_sort(self.digest)
            self.show()

    def group(self) -> None:
        """Show what else the rows may be."""
        self.choice.next_group(self.digest)
        self.turn(flame=False)
        self.show()

    def filter(self) -> None:
        """Type what names must have in them."""
        self.turn(flame=False)
        self.query_one(FilterLine).open()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self.choice.pattern = event.value
        self.show()

    @on(FilterLine.Left)
    def _filter_left(self) -> None:
        self._rows.focus()

    def flame(self) -> None:
        """Show the flame view or the table."""
        if self.has_class("flame"):
            self.turn(flame=False)
        elif self.digest is not None:
            self.choice.other = ""
            self.turn(flame=True)
        self.call_after_refresh(self.show)

    def difference(self) -> None:
        """Compare with another profile, chosen where there are several."""
        others = [row for row in self.snapshot.profiles if row.name != self.choice.shown]
        if self.choice.other or len(others) == 1:
            self._compare_with("" if self.choice.other else others[0].name)
        elif others:
            self.app.push_screen(ChooseProfile(others), self._compare_with)

    def _compare_with(self, name: str | None) -> None:
        if name is not None:
            self.choice.other = name
            self.turn(flame=False)
            self.show()

    def other(self, by: int) -> None:
        """Show an older or a newer profile."""
        self.choice.move(self.names, by)
        self.show()

    def back(self) -> bool:
        """Go back to the table; return whether something else was shown."""
        if self.has_class("flame"):
            self.flame()
        elif self.choice.other:
            self._compare_with("")
        else:
            return False
        return True
