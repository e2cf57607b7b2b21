"""A sweep: its trials with the best first, where the best lie in the space, and what decides.

It shows what its follower delivers; what is wanted of the driver is written down for it.
"""

from collections.abc import Mapping
from functools import partial

from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Resize
from textual.screen import Screen

from tuitrain.lang import term, tr
from tuitrain.sweeps.directory import SweepDirectory, change_control
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.feeds.sweep import SweepFollower, SweepSeen
from tuitrain.ui.screens.sweeps.trials import TrialList
from tuitrain.ui.shell import app_of
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span, wrap_plain
from tuitrain.view.sweep import sweep_lines

_NONE = term(
    " no sweeps yet: `tuitrain sweep PRESET --sweep FILE` starts one (`tuitrain help sweeps`)"
)


class SweepScreen(Whole, Screen[None]):
    """Trials below what is best so far."""

    CSS = """
    SweepScreen #above { height: auto; max-height: 65%; }
    SweepScreen TrialList { height: 1fr; border-top: solid $panel-lighten-2; }
    """
    BINDINGS = [
        Binding("space", "hold", "pause/go on", id="sweep.hold",
                tooltip="Start no new trial, or start them again; those that run go on."),
        Binding("plus", "parallel(1)", "more", id="sweep.more", key_display="+",
                tooltip="One more trial at a time."),
        Binding("minus", "parallel(-1)", "fewer", id="sweep.fewer", key_display="-",
                tooltip="One trial less at a time; none is stopped for it."),
        Binding("i", "importance", "what decides", id="sweep.importance",
                tooltip="Have Optuna say how much each setting decides."),
        Binding("left_square_bracket", "turn(1)", "older", id="sweep.older", key_display="[",
                tooltip="Show the sweep before this one."),
        Binding("right_square_bracket", "turn(-1)", "newer", show=False, id="sweep.newer",
                key_display="]", tooltip="Show the sweep after this one."),
        Binding("q,escape", "back", "back", id="sweep.back", tooltip="Leave; the sweep goes on."),
    ]  # fmt: skip

    def __init__(self, wanted: str = "") -> None:
        """Show a sweep by its id; empty: the newest."""
        super().__init__()
        self._wanted = wanted
        self._seen: SweepSeen | None = None
        self._weights: tuple[str, Mapping[str, float]] = ("", {})

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TopLine()
        yield Lines(id="above")
        yield TrialList()
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self._follower = SweepFollower(
            app_of(self).root, brought_to(self, self._take), self._wanted
        )
        self._follower.start()
        self.query_one(TrialList).focus()

    def on_unmount(self) -> None:
        """Stop reading."""
        self._follower.close()

    def _take(self, seen: SweepSeen) -> None:
        self._seen = seen
        self._show()
        self.refresh_bindings()

    def on_resize(self, _event: Resize) -> None:
        """Arrange all for the room there is."""
        self.call_after_refresh(self._show)

    def on_screen_resume(self) -> None:
        """Show what was read meanwhile."""
        self._show()

    # --- what is shown --------------------------------------------------------------------------

    def _show(self) -> None:
        seen = self._seen
        # A screen below another one that changes makes Textual paint all of the upper one.
        if seen is None or not self.is_current or not self.size.width:
            return
        trials = self.query_one(TrialList)
        if seen.directory is None or seen.table is None:
            words = (
                tr(_NONE)
                if seen.directory is None
                else tr(" its driver has not put anything down yet")
            )
            self.query_one(TopLine).show_parts((Span(tr(" sweeps"), "title"),))
            lines = wrap_plain(words, self.size.width, "quiet")
            self.query_one("#above", Lines).show_lines(lines)
            trials.show_none("")
            return
        name = Span(f" {sanitise(seen.directory.id)}", "title")
        place = f"{seen.place} of {seen.number} " if seen.number > 1 else ""
        self.query_one(TopLine).show_parts((name,), (Span(place, "quiet"),))
        width, look = max(20, self.size.width), app_of(self).look
        # A live driver may take a moment to say what a key has asked for.
        state = "paused" if seen.control.paused and seen.state == "running" else seen.state
        weights = self._weights[1] if self._weights[0] == seen.directory.id else None
        lines = sweep_lines(seen.table, state, weights, width, look)
        self.query_one("#above", Lines).show_lines(lines)
        trials.show_table(seen.table)

    # --- keys -----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what is done to a sweep where there is one."""
        del parameters
        seen = self._seen
        if action == "turn":
            return seen is not None and seen.number > 1
        there = seen is not None and seen.directory is not None
        return there or action not in ("hold", "parallel", "importance")

    def action_hold(self) -> None:
        """Start no new trial, or start them again."""
        seen = self._seen
        if seen is not None and (directory := seen.directory) is not None:
            if not directory.is_live():
                words = tr(
                    "it has no driver: `tuitrain sweep resume {id}` starts one", id=directory.id
                )
                app_of(self).tell(words, "warning")
                return
            change_control(directory, paused=not seen.control.paused)
            self._follower.wake()

    def action_parallel(self, by: int) -> None:
        """Have more or fewer trials at a time."""
        seen = self._seen
        if seen is not None and seen.directory is not None and seen.table is not None:
            now = seen.control.parallel or seen.table.parallel
            change_control(seen.directory, parallel=max(1, now + by))
            app_of(self).tell(tr("{n} trials at a time", n=max(1, now + by)))
            self._follower.wake()

    def action_importance(self) -> None:
        """Have Optuna say how much each setting decides."""
        if self._seen is not None and self._seen.directory is not None:
            app_of(self).work.look(partial(self._ask_importance, self._seen.directory))

    def _ask_importance(self, directory: SweepDirectory) -> str:
        # Imported here, and in a thread: Optuna takes a fifth of a second and 35 MB.
        from tuitrain.sweeps.study import importance_of

        weights = importance_of(directory)
        self.call_later(self._take_weights, directory.id, weights)
        return tr("how much each setting decides of the value, by Optuna (PED-ANOVA)")

    def _take_weights(self, sweep: str, weights: Mapping[str, float]) -> None:
        self._weights = (sweep, weights)
        self._show()

    def action_turn(self, by: int) -> None:
        """Show another sweep."""
        self._follower.turn(by)

    def action_back(self) -> None:
        """Leave."""
        self.dismiss()
