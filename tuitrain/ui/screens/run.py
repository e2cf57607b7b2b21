"""The run screen: what its keys do, on top of what `run_view` shows.

It asks the app to give commands; what becomes of them is read off the record like all else.
"""

from collections.abc import Sequence
from dataclasses import replace

from textual.events import Key

from tuitrain.config.settings import validate_setting
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
from tuitrain.ui.charting import Choices, request_for, step_at, whole_window
from tuitrain.ui.feeds.run import RunFollower
from tuitrain.ui.screens.dialogs import Ask, Confirm
from tuitrain.ui.screens.run_keys import BINDINGS as RUN_KEYS
from tuitrain.ui.screens.run_keys import OWN_RUNS_ONLY, keys_of_own_runs
from tuitrain.ui.screens.run_view import RunView
from tuitrain.ui.widgets.chartpanel import ChartPanel

_ZOOM_IN, _ZOOM_OUT = 0.5, 2.0
_CURSOR_STEPS = 60
"""An arrow key moves the cursor by this part of the window."""
_LEAP = 10
"""Arrow keys that a page key moves the cursor by."""
_PAN_SHARE = 0.25
"""An arrow key moves the window by this share of its width."""


class RunScreen(RunView):
    """Watches and steers one run."""

    BINDINGS = RUN_KEYS

    # --- keys: steering -------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now: commands need a supervisor that hears them."""
        del parameters
        if self._snapshot.facts.watched is not None and action in OWN_RUNS_ONLY:
            return None
        if action in ("stop", "rate", "checkpoint", "evaluate", "release", "pause"):
            return self._snapshot.live
        if action == "profile":
            return self._snapshot.live or bool(self._snapshot.profiles)
        if action == "resume":
            state = self._snapshot.state
            return not self._snapshot.live and state is not None and state.state != "finished"
        return True

    def on_key(self, event: Key) -> None:
        """Say why a key does nothing for a log that is only watched."""
        watched = self._snapshot.facts.watched
        if watched is not None and event.key in keys_of_own_runs():
            self.tuitrain.tell(watched.refusal(self._directory.id), "warning")

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

    # --- keys: seeing ---------------------------------------------------------------------------

    def _choose(self, choices: Choices) -> None:
        self._choices = choices
        self._draw()

    def action_log(self) -> None:
        """Switch the value axis."""
        self._choose(replace(self._choices, log=not self._choices.log))

    def action_smooth(self) -> None:
        """Smooth more, then not at all."""
        self._choose(self._choices.next_smoothing())

    def action_axis(self) -> None:
        """Show steps, epochs or time."""
        self._choose(self._choices.next_axis())

    def action_filter(self) -> None:
        """Ask which metrics to show."""

        def choose(answer: str | None) -> None:
            if answer is not None:
                self._page = 0
                self._choose(replace(self._choices, pattern=answer))

        self.app.push_screen(
            Ask(
                "Show metrics that match",
                value=self._choices.pattern,
                hint="Part of a name, or a regular expression; empty shows all.",
            ),
            choose,
        )

    def action_maximise(self) -> None:
        """Show one chart alone, or all again."""
        if self._alone is not None:
            self._alone = None
        else:
            seen = self._seen_groups()
            number = self._focused_chart()
            self._alone = seen[number][0] if number < len(seen) else None
        self._page = 0
        self._place_charts()
        self.call_after_refresh(self._draw)

    def _focused_chart(self) -> int:
        focused = self.focused
        if isinstance(focused, ChartPanel) and focused.id:
            return int(focused.id.removeprefix("chart"))
        return 0

    def action_page(self, by: int) -> None:
        """Show other charts."""
        self._page += by
        self._place_charts()
        self.call_after_refresh(self._draw)

    def action_next_panel(self) -> None:
        """Move the focus, or show the next chart where there is room for one."""
        if self._shape == (1, 1) and self._alone is None:
            self.action_page(1)
        else:
            self.focus_next()

    def action_zoom(self, closer: bool) -> None:
        """Show fewer or more steps, around the cursor or the end."""
        self._zoom(_ZOOM_IN if closer else _ZOOM_OUT, self._choices.cursor)

    def _zoom(self, factor: float, around: float | None) -> None:
        whole = whole_window(self._snapshot)
        window = self._choices.window or whole
        if around is None:
            newest = self._snapshot.summary.step if self._snapshot.summary else window.last
            around = min(window.last, newest)
            window = window.follow(around)
        zoomed = window.zoom(factor, around).clamp(whole)
        whole_again = zoomed.span >= whole.span
        self._choose(replace(self._choices, window=None if whole_again else zoomed))

    def action_pan(self, side: int) -> None:
        """Move the cursor where there is one, else the window."""
        self._move(side, side * _PAN_SHARE)

    def action_leap(self, side: int) -> None:
        """Move the cursor further, or the window by all of its width."""
        self._move(side * _LEAP, side)

    def _move(self, arrows: int, share: float) -> None:
        choices, whole = self._choices, whole_window(self._snapshot)
        window = choices.window or whole
        if choices.cursor is not None:
            self._point(choices.cursor + arrows * max(1.0, window.span / _CURSOR_STEPS))
        elif choices.window is not None:
            self._choose(replace(choices, window=window.pan(share).clamp(whole)))

    def action_edge(self, side: int) -> None:
        """Move the cursor, or the window, to the first or to the newest step."""
        choices, whole = self._choices, whole_window(self._snapshot)
        window = choices.window or whole
        if choices.cursor is not None:
            self._point(window.first if side < 0 else window.last)
        elif choices.window is not None:
            end = whole.first + window.span if side < 0 else whole.last
            self._choose(replace(choices, window=window.follow(end).clamp(whole)))

    def _point(self, step: float) -> None:
        """Put the cursor on the step nearest to this one that was taken and is seen."""
        window = self._choices.window or whole_window(self._snapshot)
        summary = self._snapshot.summary
        newest = min(window.last, summary.step) if summary is not None else window.last
        cursor = max(window.first, min(newest, float(round(step))))
        self._choose(replace(self._choices, cursor=cursor))

    def action_inspect(self) -> None:
        """Show or hide the cursor."""
        if self._choices.cursor is not None:
            self._choose(replace(self._choices, cursor=None))
            return
        window = self._choices.window or whole_window(self._snapshot)
        self._point((window.first + window.last) / 2)

    def action_reset(self) -> None:
        """Show the whole run and follow it."""
        self._choose(replace(self._choices, window=None, cursor=None))

    def on_chart_panel_zoomed(self, message: ChartPanel.Zoomed) -> None:
        """Zoom around the pointer."""
        self._zoom(message.factor, step_at(self._snapshot, self._choices, message.x))

    def on_chart_panel_pointed(self, message: ChartPanel.Pointed) -> None:
        """Put the cursor where the pointer is."""
        self._point(step_at(self._snapshot, self._choices, message.x))

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

    def action_open_log(self) -> None:
        """Show the worker's log."""
        self.tuitrain.open_log(self._directory)

    def action_open_checkpoints(self) -> None:
        """Show the checkpoints."""
        self.tuitrain.open_checkpoints(self._directory)

    def action_open_results(self) -> None:
        """Show what an evaluation gives."""
        self.tuitrain.open_results(self._directory)

    def action_open_uses(self) -> None:
        """Show what can be done with the model."""
        self.tuitrain.open_uses(self._directory)

    def action_open_time(self) -> None:
        """Show where the time goes."""
        self.tuitrain.open_time(self._directory)

    def action_open_memory(self) -> None:
        """Show what fills the memory."""
        self.tuitrain.open_memory(self._directory)

    def action_open_alerts(self) -> None:
        """Show the alerts."""
        self.tuitrain.open_alerts(self._directory)

    def action_leave(self) -> None:
        """Go back; take the cursor or the single chart away first."""
        if self._choices.cursor is not None:
            self.action_inspect()
        elif self._alone is not None:
            self.action_maximise()
        else:
            self.dismiss()
