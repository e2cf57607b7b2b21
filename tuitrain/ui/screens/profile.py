"""The profiles of a run: the keys that walk through what `profile_view` shows.

Knows keys; reads nothing itself.
"""

import socket

from textual.binding import Binding
from textual.widgets import Input

from tuitrain.analysis.ranks import rank_memory
from tuitrain.errors import UsageError
from tuitrain.lang import tr
from tuitrain.messages import Profile
from tuitrain.metric_names import MOST_PROFILE_STEPS
from tuitrain.traces.store import trace_path
from tuitrain.ui.screens.dialogs import Ask
from tuitrain.ui.screens.profile_parts import ChooseProfile, Details, RowList
from tuitrain.ui.screens.profile_view import ProfileView
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.flameview import FlameView
from tuitrain.ui.widgets.picklist import PickList
from tuitrain.view import profiletext as text
from tuitrain.view.spans import wrap_plain

_USUAL_STEPS = 20


def check_wanted(answer: str) -> Profile | None:
    """Return the profile that an answer asks for, as in `20`, or `20 0,2` for two ranks.

    Raises:
        UsageError: it is none; None is returned for no answer.
    """
    if not answer:
        return None
    steps, _, ranks = answer.partition(" ")
    if not steps.isascii() or not steps.isdigit() or not 1 <= int(steps) <= MOST_PROFILE_STEPS:
        raise UsageError(
            tr(
                "{steps!r}: a profile has 1 to {most:,} steps.",
                steps=steps,
                most=MOST_PROFILE_STEPS,
            )
        )
    named = [part.strip() for part in ranks.split(",")] if ranks.strip() else []
    if not all(part.isascii() and part.isdigit() for part in named):
        raise UsageError(f"{ranks!r}: ranks are numbers from 0 on, as in `{steps} 0,2`.")
    return Profile(0, int(steps), ranks=tuple(sorted({int(part) for part in named})))


def ask_steps(ranks: int) -> Ask:
    """Return the question how many steps to profile, and of which ranks where there are several."""
    of_ranks = tr(" `20 0,1` profiles ranks 0 and 1 over the same 20.") if ranks > 1 else ""
    return Ask(
        tr("Profile how many of the next steps?"),
        value=str(_USUAL_STEPS),
        hint=tr("The run continues meanwhile. Leave it empty to see the profiles so far.")
        + of_ranks,
        check=check_wanted,
    )


class ProfileScreen(ProfileView):
    """One profile at a time, and the way to the others."""

    BINDINGS = [
        Binding("s", "sort", "sort", id="profile.sort",
                tooltip="Order the table by self time, total, device, calls, memory."),
        Binding("g", "group", "group", id="profile.group",
                tooltip="Show operators, modules, source lines, kernels, or the device's gaps."),
        Binding("slash", "filter", "filter", id="profile.filter",
                tooltip="Show only rows with this in a name; Enter on a row shows its call sites."),
        Binding("f", "flame", "flame", id="profile.flame",
                tooltip="Show the calls of a step inside each other, or the table again."),
        Binding("d", "difference", "difference", id="profile.difference",
                tooltip="Show what differs from another profile, or the table again."),
        Binding("o", "open", "open", id="profile.open",
                tooltip="Say where the trace is, and how to open it in a browser."),
        Binding("left_square_bracket", "other(-1)", "older", id="profile.older", key_display="[",
                tooltip="Show the profile before this one."),
        Binding("right_square_bracket", "other(1)", "newer", id="profile.newer", key_display="]",
                tooltip="Show the profile after this one."),
        Binding("p", "again", "profile", id="profile.again",
                tooltip="Profile the next steps."),
        Binding("q,escape", "back", "back", id="profile.back",
                tooltip="Go back, from the flame view or a difference to the table."),
    ]  # fmt: skip

    # --- keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now."""
        del parameters
        if action == "again":
            return self._snapshot.live
        if action in ("difference", "other"):
            return len(self._snapshot.profiles) > 1
        return True

    def action_sort(self) -> None:
        """Order the table by the next column."""
        digest = self._digests.get(self._shown)
        if digest is not None:
            sorts = text.possible_sorts(digest)
            now = self._sort or text.first_sort(digest)
            self._sort = sorts[(sorts.index(now) + 1) % len(sorts)] if now in sorts else None
            self._show()

    def action_group(self) -> None:
        """Show what else the rows may be."""
        digest = self._digests.get(self._shown)
        groups: tuple[str, ...] = text.GROUPINGS
        if digest is not None and digest["device"] is not None:
            groups = (*groups, "kernel", "gap")
        place = groups.index(self._group) if self._group in groups else -1
        self._group = groups[(place + 1) % len(groups)]
        self._leave_flame()
        self._show()

    def action_filter(self) -> None:
        """Type what names must have in them."""
        self._leave_flame()
        self.query_one(FilterLine).open()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        if isinstance(event.input, FilterLine):
            self._pattern = event.value
            self._show()

    def on_filter_line_left(self) -> None:
        """Go back to the table."""
        self.set_focus(self.query_one(RowList))

    def action_flame(self) -> None:
        """Show the flame view or the table."""
        if self.has_class("flame"):
            self._leave_flame()
        elif self._shown in self._digests:
            self._other = ""
            self.add_class("flame")
            self.set_focus(self.query_one(FlameView))
        self.call_after_refresh(self._show)

    def _leave_flame(self) -> None:
        self.remove_class("flame")
        self.set_focus(self.query_one(RowList))

    def action_open(self) -> None:
        """Say where the trace lies, what it is of, and how to open it."""
        row = self._row(self._shown)
        if row is None:
            return
        trace = trace_path(self._directory.path.absolute(), row.name)
        words = [text.facts_words(row), *text.open_words(str(trace), socket.gethostname())]
        self.app.push_screen(
            Details(lambda width: [line for each in words for line in wrap_plain(each, width)])
        )

    def action_difference(self) -> None:
        """Compare with another profile, chosen where there are several."""
        if self._other:
            self._compare_with("")
            return
        others = [row for row in self._snapshot.profiles if row.name != self._shown]
        if len(others) == 1:
            self._compare_with(others[0].name)
        elif others:
            self.app.push_screen(ChooseProfile(others), self._compare_with)

    def _compare_with(self, name: str | None) -> None:
        if name is not None:
            self._other = name
            self._leave_flame()
            self._show()

    def action_other(self, by: int) -> None:
        """Show an older or a newer profile."""
        names = self._names()
        if self._shown in names:
            place = names.index(self._shown) + by
            self._shown = names[min(len(names) - 1, max(0, place))]
            self._other = ""
            self._show()

    def action_again(self) -> None:
        """Ask how many steps to profile."""

        def take(answer: str | None) -> None:
            wanted = check_wanted(answer or "")
            if wanted is not None:
                self._leave_flame()
                self._order(wanted)
                self._show()

        self.app.push_screen(ask_steps(len(rank_memory(self._snapshot.split))), take)

    def on_pick_list_chosen(self, event: PickList.Chosen) -> None:
        """Show where a row's time comes from."""
        digest = self._digests.get(self._shown)
        if digest is None or self._group not in text.GROUPINGS:
            return
        group = "operator" if self._other else self._group
        found = [row for row in digest["tables"][group] if row["name"] == event.key]
        if found:
            self.app.push_screen(Details(lambda width: text.site_lines(found[0], width)))

    def action_back(self) -> None:
        """Go back to the table, or leave."""
        if self.has_class("flame"):
            self.action_flame()
        elif self._other:
            self._compare_with("")
        else:
            self.dismiss()
