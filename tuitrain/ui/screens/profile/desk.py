"""The table of a profile, its flame view, the words above, and what keys change of them.

Shows digests and what the record says; reads neither.
"""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tuitrain.ui.screens.profile.choice import ProfileChoice
from tuitrain.ui.screens.profile.drawing import (
    Sheet,
    difference_sheet,
    profile_sheet,
    top_parts,
    waiting_lines,
)
from tuitrain.ui.screens.profile.order import ProfileOrder
from tuitrain.ui.screens.profile.parts import ChooseProfile, RowList
from tuitrain.ui.screens.profile.read import Digest, ReadProfiles
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

    def __init__(self, profiles: ReadProfiles, order: ProfileOrder) -> None:
        """Show what is read of `profiles`, and of one that is waited for."""
        super().__init__()
        self._profiles = profiles
        self._order = order
        self._top, self._flame = TopLine(), FlameView()
        self._words, self._head, self._rows = Lines(id="words"), Lines(id="head"), RowList()
        self.choice = ProfileChoice()

    def compose(self) -> ComposeResult:
        """Show the words above the table."""
        yield self._top
        yield self._words
        yield self._head
        yield self._rows
        yield self._flame
        yield FilterLine(id="filter")

    # --- what is shown ----------------------------------------------------------------------------

    def show(self) -> None:
        """Show what there is in the room there is."""
        read, shown = self._profiles, self.choice.shown
        digest = None if self._order.steps else read.load(shown)
        row = read.row(shown) if digest is not None else None
        self._top.show_parts(*top_parts(read.snapshot.id, row, read.names, self.choice.pattern))
        sheet = self._sheet(digest, self.app.size.width)
        self._words.show_lines(sheet.words)
        self._head.show_lines([sheet.head])
        self._rows.show_rows(sheet.rows, sheet.empty)
        if digest is not None and self.has_class("flame"):
            self._flame.show_tree(digest["flame"])

    def _sheet(self, digest: Digest | None, width: int) -> Sheet:
        read, choice, order = self._profiles, self.choice, self._order
        other = read.load(choice.other)
        if digest is None:
            fault = read.faults.get(choice.shown, "")
            return Sheet(waiting_lines(read.snapshot, order, choice.shown, fault, width))
        if other is None:
            return profile_sheet(read.snapshot.profiles, digest, choice, order.fault, width)
        before, after = sorted((other, digest), key=lambda each: read.names.index(each["name"]))
        return difference_sheet(before, after, choice, width)

    def turn(self, *, flame: bool) -> None:
        """Show the flame view, or the table."""
        self.set_class(flame, "flame")
        self.screen.set_focus(self._flame if flame else self._rows)

    # --- keys -------------------------------------------------------------------------------------

    def sort(self) -> None:
        """Order the table by the next column."""
        digest = self._profiles.digest(self.choice.shown)
        if digest is not None:
            self.choice.next_sort(digest)
            self.show()

    def group(self) -> None:
        """Show what else the rows may be."""
        self.choice.next_group(self._profiles.digest(self.choice.shown))
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
        elif self._profiles.digest(self.choice.shown) is not None:
            self.choice.other = ""
            self.turn(flame=True)
        self.call_after_refresh(self.show)

    def difference(self) -> None:
        """Compare with another profile, chosen where there are several."""
        others = [row for row in self._profiles.snapshot.profiles if row.name != self.choice.shown]
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
        self.choice.move(self._profiles.names, by)
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
