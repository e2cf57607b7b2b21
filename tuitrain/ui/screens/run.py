"""The run screen: what its keys do, on top of what `run_view` shows.

It asks the app to give commands; what becomes of them is read off the record like all else.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textual.events import Key

from tuitrain.config.settings import validate_setting
from tuitrain.errors import UsageError
from tuitrain.messages import (
    ChangeSetting,
    Continue,
    Evaluate,
    Pause,
    Request,
    SaveCheckpoint,
    Stop,
)
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.chart_files import check_ending, cursor_text, draw_picture, free_path, write_chart
from tuitrain.ui.charting import Choices, parse_limits, request_for, step_at
from tuitrain.ui.feeds.run import RunFollower
from tuitrain.ui.screens.dialogs import Ask, Confirm
from tuitrain.ui.screens.run_keys import BINDINGS as RUN_KEYS
from tuitrain.ui.screens.run_keys import OWN_RUNS_ONLY, binding_of, keys_of_own_runs, why_not
from tuitrain.ui.screens.run_view import RunView
from tuitrain.ui.widgets.chartgrid import Group
from tuitrain.ui.widgets.chartpanel import ChartPanel


class RunScreen(RunView):
    """Watches and steers one run."""

    BINDINGS = RUN_KEYS
    _digit = ""

    # --- keys: steering -------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now: commands need a supervisor that hears them."""
        whole = f"{action}({parameters[0]!r})" if parameters else action
        if self._snapshot.facts.watched is not None and whole in OWN_RUNS_ONLY:
            return None
        return None if why_not(action, self._snapshot) else True

    def on_key(self, event: Key) -> None:
        """Note which digit it is, and say why a key does nothing now."""
        # One action takes all digits.
        self._digit = event.character or ""
        watched = self._snapshot.facts.watched
        if watched is not None and event.key in keys_of_own_runs():
            self.tuitrain.tell(watched.refusal(self._directory.id), "warning")
            return
        binding = binding_of(event.key)
        reason = why_not(binding.action, self._snapshot) if binding is not None else ""
        if binding is not None and reason:
            self.tuitrain.tell(f"{binding.description}: {reason}", "warning")

    def _order(self, request: Request) -> None:
        self.tuitrain.order(self._directory, request)
        self._follower.wake()

    def action_pause(self) -> None:
        """Hold, or go on."""
        state = self._snapshot.state
        self._order(Continue() if state is not None and state.state == "paused" else Pause())

    def action_release(self) -> None:
        """Hold and give all GPU memory back."""
        self._order(Pause(release=True))

    def action_resume(self) -> None:
        """Go on with a run that ended or was released."""
        self.tuitrain.resume_run(self._directory)

    def action_stop(self) -> None:
        """Ask, then end the run."""

        def stop(answer: bool | None) -> None:
            if answer:
                self._order(Stop())

        question = f"Stop {self._directory.id}? It saves a checkpoint and can be resumed."
        self.app.push_screen(Confirm(question, "stop it"), stop)

    def action_checkpoint(self) -> None:
        """Save a checkpoint."""
        self._order(SaveCheckpoint())

    def action_evaluate(self) -> None:
        """Evaluate."""
        self._order(Evaluate())

    def action_rate(self) -> None:
        """Ask for a learning rate and set it."""
        row = self._snapshot.metrics.get("lr")
        shown = f"{row.last:.6g}" if row else ""

        def change(answer: str | None) -> None:
            value = validate_setting("optimizer.lr", answer) if answer else None
            # What was shown is rounded, and the schedule may have moved the rate since.
            if shown and value == float(shown):
                self.tuitrain.tell("the learning rate is left as it is")
            elif value is not None:
                self._order(ChangeSetting(0, "optimizer.lr", value))

        self.app.push_screen(
            Ask(
                "Learning rate from the next step on",
                value=shown,
                hint="The schedule continues from this value in proportion.",
                check=lambda text: validate_setting("optimizer.lr", text),
            ),
            change,
        )

    def action_profile(self) -> None:
        """Ask how many steps to profile; of a run that has ended show the profiles it has."""
        from tuitrain.ui.screens.profile import ask_steps

        if not self._snapshot.live:
            self.tuitrain.open_profile(self._directory)
            return

        def take(answer: str | None) -> None:
            if answer is not None:
                self.tuitrain.open_profile(self._directory, steps=int(answer or 0))

        self.app.push_screen(ask_steps(), take)

    # --- keys: curves ---------------------------------------------------------------------------

    def action_count(self) -> None:
        """Take a digit of the number before a key."""
        self._curves.type_digit(self._digit)

    def action_reset(self) -> None:
        """Show the whole run and follow it; after a digit it is one itself."""
        if self._curves.is_typing:
            self._curves.type_digit("0")
        else:
            self._curves.reset()
            self._draw()

    def action_see(self, what: str, *arguments: Any) -> None:
        """Move the window or the cursor."""
        getattr(self._curves, what)(self._snapshot, *arguments)
        self._draw()

    def action_pan(self, side: int) -> None:
        """Move the window or the cursor by columns of the chart."""
        self.action_see("pan", side, self._grid.columns_in_front)

    def action_axis(self) -> None:
        """Show steps, epochs or time."""
        self._choose(self._choices.next_axis())

    def action_filter(self) -> None:
        """Ask which metrics to show."""

        def choose(answer: str | None) -> None:
            if answer is not None:
                self._grid.begin()
                self._choose(replace(self._choices, pattern=answer))

        self.app.push_screen(
            Ask(
                "Show metrics that match",
                value=self._choices.pattern,
                hint="Part of a name, or a regular expression; empty shows all.",
            ),
            choose,
        )

    def _choose(self, choices: Choices) -> None:
        self._curves.choices = choices
        self._draw()

    def on_chart_panel_zoomed(self, message: ChartPanel.Zoomed) -> None:
        """Zoom around the pointer."""
        step = step_at(self._snapshot, self._choices, message.x)
        self.action_see("zoom", message.factor, step)

    def on_chart_panel_pointed(self, message: ChartPanel.Pointed) -> None:
        """Put the cursor where the pointer is."""
        self.action_see("point", step_at(self._snapshot, self._choices, message.x))

    # --- keys: one chart ------------------------------------------------------------------------

    def _front(self) -> Group | None:
        """Return the chart that keys act on: the focused one, else the first in sight."""
        seen = self._grid.in_sight(self._groups())
        return seen[min(self._grid.focused, len(seen) - 1)] if seen else None

    def _change_chart(self, **changes: Any) -> None:
        front = self._front()
        if front is not None:
            self._curves.change_chart(front[0], **changes)
            self._remember_charts()

    def _remember_charts(self) -> None:
        self.tuitrain.preferences.remember_charts(self._preset, self._choices.charts)
        self._rearrange()

    def action_chart(self, what: str) -> None:
        """Change how the chart in front is seen."""
        front = self._front()
        if front is None:
            return
        settings = self._choices.settings_of(front[0])
        changed: dict[str, dict[str, Any]] = {
            "log": {"log": not settings.log},
            "smoothing": {"smoothing": settings.next_smoothing()},
            "pinned": {"pinned": not settings.pinned},
            "hidden": {"hidden": True},
        }
        self._change_chart(**changed[what])

    def action_limits(self) -> None:
        """Let the value axis be automatic, span all values, or what is typed."""
        front = self._front()
        if front is None:
            return
        limits = self._choices.settings_of(front[0]).limits
        if limits != "all":
            self._change_chart(limits="all" if limits == "automatic" else "automatic")
            return

        def fix(answer: str | None) -> None:
            self._change_chart(limits=parse_limits(answer) if answer else "automatic")

        self.app.push_screen(
            Ask(
                f"Value axis of {front[0]}, from and to",
                hint="Two numbers, as 0 2.5; empty: automatic again.",
                check=lambda text: text and parse_limits(text),
            ),
            fix,
        )

    def action_show_hidden(self) -> None:
        """Show every chart again."""
        self._curves.show_hidden()
        self._remember_charts()

    def action_write(self) -> None:
        """Ask for a kind of file and write the chart in front as that."""
        front = self._front()
        if front is None or self._grid.chart_in_front is None:
            self.tuitrain.tell("no chart to write yet", "warning")
            return

        def write(answer: str | None) -> None:
            if answer is not None:
                self._write_chart(front, check_ending(answer))

        self.app.push_screen(
            Ask(
                f"Write the chart of {front[0]} as",
                value="svg",
                hint="svg or csv: what is in sight. png: the whole run, by tuitrain plot.",
                check=check_ending,
            ),
            write,
        )

    def _write_chart(self, front: Group, ending: str) -> None:
        chart, summary = self._grid.chart_in_front, self._snapshot.summary
        if chart is None or summary is None:
            return
        title, metrics = front
        folder, settings = self._directory.exports, self._choices.settings_of(title)

        def work() -> str:
            path = free_path(folder, title, summary.step, ending)
            if ending == "png":
                draw_picture(path, self._directory, metrics, settings, self._choices.axis)
            else:
                write_chart(path, chart, f"{title}  {self._directory.id}")
            return f"written: {path}"

        self.tuitrain.do_and_tell(work)

    def action_copy_value(self) -> None:
        """Copy the values under the cursor of the chart in front."""
        chart = self._grid.chart_in_front
        if chart is None:
            return
        try:
            self.tuitrain.copy(cursor_text(chart), "value")
        except UsageError as error:
            self.tuitrain.tell(str(error), "warning")

    # --- keys: the grid -------------------------------------------------------------------------

    def action_maximise(self) -> None:
        """Show one chart alone, or all again."""
        front = self._front()
        self._grid.put_alone(None if self._grid.is_alone or front is None else front[0])
        self._rearrange()

    def action_resize(self, by: int) -> None:
        """Show more or fewer charts at once."""
        self.tuitrain.tell(f"charts: {self._grid.resize(by)}")
        self._rearrange()

    def action_page(self, by: int) -> None:
        """Show other charts."""
        self._grid.turn(by)
        self._rearrange()

    def action_next_panel(self) -> None:
        """Move the focus, or show the next chart where there is room for one."""
        if self._grid.shape == (1, 1) and not self._grid.is_alone:
            self.action_page(1)
        else:
            self.focus_next()

    def _rearrange(self) -> None:
        self._place_charts()
        self.call_after_refresh(self._draw)

    # --- keys: other screens --------------------------------------------------------------------

    def action_overlay(self) -> None:
        """Choose runs to draw over this one."""
        from tuitrain.ui.screens.choose import ChooseRuns

        def overlay(answer: list[RunDirectory] | None) -> None:
            if answer is not None:
                self._overlay(answer)

        self.app.push_screen(
            ChooseRuns(self.tuitrain.root, self._directory, set(self._overlays)), overlay
        )

    def _overlay(self, directories: Sequence[RunDirectory]) -> None:
        wanted = {directory.id: directory for directory in directories}
        for run_id in set(self._overlays) - set(wanted):
            self._overlays.pop(run_id).close()
            self._overlaid.pop(run_id, None)
        for run_id in set(wanted) - set(self._overlays):
            request = request_for(self._choices, self._chart_width())
            follower = RunFollower(wanted[run_id], self._deliver, request)
            self._overlays[run_id] = follower
            follower.start()
        self._draw()

    def action_open(self, what: str) -> None:
        """Show another screen of the run."""
        getattr(self.tuitrain, f"open_{what}")(self._directory)

    def action_leave(self) -> None:
        """Go back; take the cursor or the single chart away first."""
        if self._choices.cursor is not None:
            self.action_see("inspect")
        elif self._grid.is_alone:
            self.action_maximise()
        else:
            self.dismiss()
