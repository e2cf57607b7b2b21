"""The profiles of a run: what is read of them, and keys that walk through what is shown."""

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from tuitrain.analysis.ranks import rank_memory
from tuitrain.errors import UsageError
from tuitrain.lang import tr
from tuitrain.messages import Profile
from tuitrain.metric_names import MOST_PROFILE_STEPS
from tuitrain.runs.directory import RunDirectory
from tuitrain.traces.store import trace_path
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.feeds.run import RunFollower
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.ui.screens.dialogs import Ask
from tuitrain.ui.screens.profile.desk import ProfileDesk
from tuitrain.ui.screens.profile.order import ProfileOrder
from tuitrain.ui.screens.profile.parts import Details
from tuitrain.ui.screens.profile.read import ReadProfiles
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.keyline import KeyLine
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


class ProfileScreen(Whole, Screen[None]):
    """One profile at a time, and the way to the others."""

    BINDINGS = [
        Binding("s", "table('sort')", "sort", id="profile.sort",
                tooltip="Order the table by self time, total, device, calls, memory."),
        Binding("g", "table('group')", "group", id="profile.group",
                tooltip="Show operators, modules, source lines, kernels, or the device's gaps."),
        Binding("slash", "table('filter')", "filter", id="profile.filter",
                tooltip="Show only rows with this in a name; Enter on a row shows its call sites."),
        Binding("f", "table('flame')", "flame", id="profile.flame",
                tooltip="Show the calls of a step inside each other, or the table again."),
        Binding("d", "table('difference')", "difference", id="profile.difference",
                tooltip="Show what differs from another profile, or the table again."),
        Binding("o", "open", "open", id="profile.open",
                tooltip="Say where the trace is, and how to open it in a browser."),
        Binding("left_square_bracket", "table('other', -1)", "older", id="profile.older",
                key_display="[", tooltip="Show the profile before this one."),
        Binding("right_square_bracket", "table('other', 1)", "newer", id="profile.newer",
                key_display="]", tooltip="Show the profile after this one."),
        Binding("p", "again", "profile", id="profile.again",
                tooltip="Profile the next steps."),
        Binding("q,escape", "back", "back", id="profile.back",
                tooltip="Go back, from the flame view or a difference to the table."),
    ]  # fmt: skip

    def __init__(self, directory: RunDirectory, wanted: Profile | None = None) -> None:
        """Show the newest profile of the run in `directory`.

        Args:
            directory: the run.
            wanted: order this profile first, and show it.
        """
        super().__init__()
        self._directory = directory
        self._wanted = wanted
        bring = brought_to(self, self._take_in)
        self._order = ProfileOrder(directory, self, bring)
        self._profiles = ReadProfiles(directory, self, bring)
        self._desk = ProfileDesk(self._profiles, self._order)
        request = Request(metrics=(), times=False)
        self._follower = RunFollower(
            directory, lambda snapshot: bring(partial(self._take, snapshot)), request
        )

    # --- life -------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield self._desk
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self._desk.turn(flame=False)
        self._follower.start()
        if self._wanted is not None:
            self._order.give(self._wanted)

    def on_unmount(self) -> None:
        """End the thread."""
        self._follower.close()

    def _take(self, snapshot: RunSnapshot) -> None:
        self._profiles.snapshot = snapshot
        choice, names = self._desk.choice, self._profiles.names
        come = self._order.take(snapshot)
        if come:
            choice.shown, choice.other = come, ""
        elif not self._order.steps and choice.shown not in names and names:
            choice.shown = names[-1]

    def _take_in(self, take: Callable[[], None]) -> None:
        take()
        # A screen below another one that changes makes Textual paint all of the upper one.
        if self.is_current:
            self._show()
            self.refresh_bindings()

    def on_screen_resume(self) -> None:
        """Show what was read meanwhile."""
        self._show()

    def on_resize(self) -> None:
        """Use the room there is now."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        if self.size.width:
            self._desk.show()

    # --- keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now."""
        if action == "again":
            return self._profiles.snapshot.live
        if action == "table" and parameters[0] in ("difference", "other"):
            return len(self._profiles.names) > 1
        return True

    def action_table(self, what: str, *arguments: Any) -> None:
        """Change what is shown, and how."""
        getattr(self._desk, what)(*arguments)

    def action_open(self) -> None:
        """Say where the trace lies, what it is of, and how to open it."""
        row = self._profiles.row(self._desk.choice.shown)
        if row is None:
            return
        trace = trace_path(self._directory.path.absolute(), row.name)
        words = [text.facts_words(row), *text.open_words(str(trace), socket.gethostname())]
        self.app.push_screen(
            Details(lambda width: [line for each in words for line in wrap_plain(each, width)])
        )

    def action_again(self) -> None:
        """Ask how many steps to profile."""

        def take(answer: str | None) -> None:
            wanted = check_wanted(answer or "")
            if wanted is not None:
                self._desk.turn(flame=False)
                self._order.give(wanted)
                self._show()

        self.app.push_screen(ask_steps(len(rank_memory(self._profiles.snapshot.split))), take)

    @on(PickList.Chosen)
    def _row_chosen(self, event: PickList.Chosen) -> None:
        """Show where a row's time comes from."""
        choice = self._desk.choice
        digest = self._profiles.digest(choice.shown)
        if digest is None or choice.group not in text.GROUPINGS:
            return
        group = "operator" if choice.other else choice.group
        found = [row for row in digest["tables"][group] if row["name"] == event.key]
        if found:
            self.app.push_screen(Details(lambda width: text.site_lines(found[0], width)))

    def action_back(self) -> None:
        """Go back to the table, or leave."""
        if not self._desk.back():
            self.dismiss()
