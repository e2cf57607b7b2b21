"""Launch: the settings of a preset, what a run with them will take, and the button that starts it.

Checks while somebody types; files are read and runs are started in threads.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import ContentSwitcher, TextArea

from tuitrain.config.draft import Checked, Draft, value_text
from tuitrain.config.faults import Fault
from tuitrain.config.folders import data_directory
from tuitrain.config.load import parse_preset
from tuitrain.config.schema import Preset
from tuitrain.config.shortest import shortest_overrides, toml_value
from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import check_run_name, runs_root
from tuitrain.runs.rows import StateRow
from tuitrain.supervisor.assignment import own_code
from tuitrain.ui.clipboard import copy_text
from tuitrain.ui.delivery import Delivery
from tuitrain.ui.launch_form import (
    DEVICE,
    RUN_NAME,
    device_choices,
    device_hint,
    device_meant,
    field_plans,
    make_outlook,
)
from tuitrain.ui.launch_keys import KEYS, LAYOUT
from tuitrain.ui.launching import Attempt, Order, Starter
from tuitrain.ui.opening import Opened, fault_words, open_settings, values_of
from tuitrain.ui.pace import Pace, pace_for, read_paces
from tuitrain.ui.warm import WarmReport
from tuitrain.ui.widgets.fields import Field
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.startbutton import StartButton
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.launchtext import Outlook, command_lines, command_words, outlook_lines
from tuitrain.view.presetrows import wrapped
from tuitrain.view.spans import Span, SpanLine

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp

MakeStarter = Callable[[Callable[[WarmReport], None], str, Path, tuple[str, ...]], Starter]

_STACKED_BELOW = 76
_NARROW_BELOW = 100
"""Below this the hints give way to the values."""
_ASK_AFTER_S = 0.4
"""Nobody types faster for long: one estimate for a word, not one a letter."""
_COMMAND_LINES = 3
_FAULT_LINES = 4


def make_standby(
    deliver: Callable[[WarmReport], None], config: str, data_dir: Path, code: tuple[str, ...]
) -> Starter:
    """Return a worker that warms up."""
    from tuitrain.ui.standby import Standby

    return Standby(deliver, config, data_dir, code)


class LaunchScreen(Screen[None]):
    """The form for a new run."""

    BINDINGS = KEYS
    CSS = LAYOUT

    def __init__(
        self,
        preset: str,
        *,
        config: Path | None = None,
        checkpoint: Path | None = None,
        standby: MakeStarter = make_standby,
    ) -> None:
        """Open the form.

        Args:
            preset: a preset's name or file.
            config: the config.toml of a run whose settings to begin with.
            checkpoint: a file whose weights to begin with.
            standby: makes the worker that warms up.
        """
        super().__init__()
        self._preset_name = preset
        self._config = config
        self._checkpoint = checkpoint
        self._make_standby = standby
        self._standby: Starter | None = None
        self._opened: Opened | None = None
        self._draft = Draft("")
        self._checked = Checked("", None)
        self._run_name = ""
        self._report = WarmReport()
        self._paces: list[Pace] = []
        self._attempt: Attempt | None = None
        self._status: SpanLine = ()
        self._trouble: list[str] = []
        self._ask_timer: Timer | None = None
        self._asked = ""

    # --- parts ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TopLine()
        with Horizontal(id="columns"):
            with Vertical(id="left", classes="panel"):
                with ContentSwitcher(initial="form"):
                    with VerticalScroll(id="form", can_focus=False):
                        for plan in field_plans():
                            yield Field(plan.key, plan.label, plan.hint, plan.choices)
                    yield TextArea("", id="text", soft_wrap=False, tab_behavior="focus")
                yield Lines(id="faults")
            with Vertical(id="right", classes="panel"):
                yield Lines(id="outlook")
        with Vertical(id="below", classes="panel"):
            yield StartButton()
            yield Lines(id="command")
        yield KeyLine()

    @property
    def _tui(self) -> "TuitrainApp":
        return cast("TuitrainApp", self.app)

    @property
    def _text_area(self) -> TextArea:
        return self.query_one(TextArea)

    @property
    def _in_text(self) -> bool:
        return self.query_one(ContentSwitcher).current == "text"

    @property
    def checked(self) -> Checked:
        """What the form amounts to now."""
        return self._checked

    def on_mount(self) -> None:
        """Read the preset."""
        self.query_one("#left").border_title = "settings"
        self.query_one("#right").border_title = "what will happen"
        self.query_one("#below").border_title = "the same on the command line"
        self._show_top()
        self.query_one(StartButton).focus()
        self.run_worker(self._read, thread=True, group="read", exit_on_error=False)

    def on_unmount(self) -> None:
        """Let the warm worker end; a run that starts goes on."""
        if self._attempt is not None:
            self._attempt.given_up = True
        if self._standby is not None:
            self._standby.close()

    def on_resize(self, event: Resize) -> None:
        """Arrange the columns for the room there is."""
        self.set_class(event.size.width < _STACKED_BELOW, "stacked")
        narrow = _STACKED_BELOW <= event.size.width < _NARROW_BELOW
        for field in self.query(Field):
            field.set_class(narrow, "narrow")
        self.call_after_refresh(self._show)

    def on_delivery(self, message: Delivery) -> None:
        """Take in what a thread brought."""
        message.take()

    def _post(self, take: Callable[[], None]) -> None:
        self.post_message(Delivery(take))

    # --- what the form begins with --------------------------------------------------------------

    def _read(self) -> None:
        try:
            opened = open_settings(self._preset_name, self._config)
        except (TuitrainError, OSError) as error:
            self._post(partial(self._refuse, str(error)))
            return
        self._post(partial(self._take_opened, opened))
        try:
            name = parse_preset(opened.text, str(opened.path)).name
        except TuitrainError:
            # Its faults are on the screen already.
            return
        self._post(partial(self._take_paces, read_paces(self._tui.root, name)))

    def _refuse(self, reason: str) -> None:
        self._trouble = [reason]
        self._say("can't be launched", "bad")
        self._show()

    def _take_opened(self, opened: Opened) -> None:
        self._opened = opened
        self._draft = Draft(opened.resolved, opened.typed)
        if opened.typed:
            self._say("memory ran out: with settings that fit", "alert")
        if self._checkpoint is not None:
            weights = toml_value(str(self._checkpoint))
            self._draft = self._draft.type_over("train.weights_from", weights)
        self._check()
        if self._checked.preset is None:
            self._show_text()
        self._warm_up()

    def _take_paces(self, paces: list[Pace]) -> None:
        self._paces = paces
        self._show()

    def _warm_up(self) -> None:
        """Let a worker get ready while the form is open."""
        preset, opened = self._checked.preset, self._opened
        if preset is None or opened is None or self._standby is not None:
            return
        folders = (str(opened.path.parent), str(Path.cwd())) if own_code(preset) else ()
        self._asked = self._checked.text
        self._standby = self._make_standby(
            lambda report: self._post(partial(self._take_report, report)),
            self._asked,
            data_directory(self._tui.data_dir).absolute(),
            folders,
        )
        self._standby.start()

    def _take_report(self, report: WarmReport) -> None:
        self._report = report
        for field in self.query(Field):
            if field.key == DEVICE:
                field.offer(device_choices(report.devices))
        self._show()

    # --- editing --------------------------------------------------------------------------------

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        if event.key == RUN_NAME:
            self._run_name = event.value.strip()
            self._show()
            return
        self._draft = self._draft.type_over(event.key, event.value)
        self._check()

    @on(TextArea.Changed)
    def _text_changed(self, event: TextArea.Changed) -> None:
        if self._in_text and event.text_area.text != self._checked.text:
            self._draft = Draft(event.text_area.text)
            self._check()

    def _check(self) -> None:
        """Hold the settings against the schema, and ask what they would take."""
        self._checked = self._draft.check()
        self._show()
        if self._checked.preset is not None:
            self._warm_up()
            if self._ask_timer is not None:
                self._ask_timer.stop()
            self._ask_timer = self.set_timer(_ASK_AFTER_S, self._ask)

    def _ask(self) -> None:
        text = self._checked.text
        if self._standby is not None and self._checked.preset is not None and text != self._asked:
            self._asked = text
            self._standby.ask(text)

    def action_toggle_text(self) -> None:
        """Change between the form and all settings as text."""
        if self._in_text:
            self._draft = Draft(self._checked.text)
            self.query_one(ContentSwitcher).current = "form"
            self._show()
            self.query(Field).first().enter()
        elif self._opened is not None:
            self._show_text()

    def _show_text(self) -> None:
        self._draft = Draft(self._checked.text)
        with self._text_area.prevent(TextArea.Changed):
            self._text_area.text = self._checked.text
        self.query_one(ContentSwitcher).current = "text"
        self._text_area.focus()
        self._show()

    # --- what is shown --------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.is_mounted:
            return
        self._show_top()
        faults = {fault.key: fault for fault in reversed(self._checked.faults)}
        own = self._show_fields(faults) if not self._in_text else set()
        self._show_faults([fault for fault in self._checked.faults if fault.key not in own])
        outlook, width = self._outlook(), self.query_one("#right").content_size.width
        self.query_one("#outlook", Lines).show_lines(outlook_lines(outlook, width, self._tui.look))
        self._show_command()

    def _show_top(self) -> None:
        title = sanitise(self._preset_name)
        left = [Span(" launch ", "quiet"), Span(title, "title")]
        if self._config is not None:
            left.append(Span(f" as run {sanitise(self._config.parent.name)}", "quiet"))
        self.query_one(TopLine).show_parts(tuple(left), (*self._status, Span(" ")))

    def _show_fields(self, faults: dict[str, Fault]) -> set[str]:
        """Fill the form; return the keys that it has shown the fault of."""
        if self._opened is None:
            return set()
        now, before = values_of(self._checked), values_of(Draft(self._opened.resolved).check())
        for field in self.query(Field):
            key = field.key
            if key == RUN_NAME:
                field.blame(self._name_fault())
                continue
            value, usual = value_text(now, key), value_text(before, key)
            typed = self._draft.typed.get(key)
            field.fill(typed if typed is not None else value, usual)
            device = device_meant(value, self._report.devices) if key == DEVICE else None
            hint = device_hint(device) or (f"preset: {usual}" if value != usual else "")
            field.say(sanitise(hint), value != usual)
            field.blame(faults[key].message if key in faults else "")
        return {field.key for field in self.query(Field)}

    def _name_fault(self) -> str:
        try:
            check_run_name(self._run_name or "x")
        except TuitrainError as error:
            return str(error)
        return ""

    def _show_faults(self, faults: list[Fault]) -> None:
        texts = [*self._trouble, *(fault_words(fault, self._in_text) for fault in faults)]
        width = self.query_one("#left").content_size.width
        lines = wrapped(
            [sanitise(line) for text in texts for line in text.splitlines()], width, "bad"
        )
        self.query_one("#faults", Lines).show_lines(lines[:_FAULT_LINES])

    def _outlook(self) -> Outlook:
        preset = self._checked.preset
        device = preset.train.device if preset is not None else ""
        return make_outlook(
            self._report,
            device_meant(device, self._report.devices),
            pace_for(self._paces, preset) if preset is not None else None,
            self._opened.download if self._opened is not None else "",
        )

    def _show_command(self) -> None:
        words, width = self._command(), self.query_one("#below").content_size.width
        lines = command_lines(words, width, _COMMAND_LINES) if words else [()]
        self.query_one("#command", Lines).show_lines(lines)

    def _command(self) -> list[str]:
        """Return the command that starts the same run; none while the settings are at fault."""
        opened, preset = self._opened, self._checked.preset
        if opened is None or preset is None or self._name_fault():
            return []
        try:
            overrides = shortest_overrides(opened.text, preset)
        except TuitrainError:
            # The file itself is at fault, so no options make it right.
            return []
        root, data_dir = self._tui.root, self._tui.data_dir
        usual = root.absolute() == runs_root(None).absolute()
        return command_words(
            opened.argument,
            overrides,
            name=self._run_name,
            runs_dir="" if usual else str(root),
            data_dir=str(data_dir) if data_dir is not None else "",
        )

    def _say(self, text: str, style: str = "") -> None:
        self._status = (Span(sanitise(text), style),)
        self._show_top()

    # --- starting -------------------------------------------------------------------------------

    @on(StartButton.Pressed)
    def _pressed(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Start the run; pressed again while it starts, show it as it is."""
        if self._attempt is not None:
            self._open_run(self._attempt)
            return
        preset, opened, standby = self._checked.preset, self._opened, self._standby
        if preset is None or opened is None or standby is None or self._name_fault():
            self._say("not yet: see what is marked", "bad")
            return
        refused = self._untrusted(preset)
        if refused:
            self._fail(refused)
            return
        self._trouble = []
        order = Order(
            preset,
            self._tui.root,
            self._run_name or None,
            self._tui.data_dir,
            opened.path.parent,
        )
        report = lambda state: self._post(partial(self._starting, state))  # noqa: E731
        self._attempt = Attempt(order, standby, report)
        self._say("starting", "live")
        self._show()
        self.run_worker(partial(self._launch, self._attempt), thread=True, group="launch")

    def _untrusted(self, preset: Preset) -> str:
        """Return why a run's settings may not be started here: they name code of who knows whom."""
        if self._config is None or not own_code(preset):
            return ""
        return (
            f"this run's settings name code outside tuitrain ({', '.join(own_code(preset))}); "
            f"if you trust it, start it with: tuitrain run {self._config}"
        )

    def _launch(self, attempt: Attempt) -> None:
        try:
            state = attempt.run()
        except (TuitrainError, OSError) as error:
            self._post(partial(self._failed, attempt, str(error)))
            return
        if state is not None:
            self._post(partial(self._open_run, attempt))

    def _starting(self, state: StateRow) -> None:
        reason = f": {state.reason}" if state.reason else ""
        self._say(f"{state.state}{reason}   Enter shows the run", "live")

    def _failed(self, attempt: Attempt, reason: str) -> None:
        if attempt is self._attempt:
            self._attempt = None
            self._fail(reason)
            # The warm worker is spent: the next try gets another one.
            if self._standby is not None:
                self._standby.close()
            self._standby, self._report = None, WarmReport()
            self._warm_up()

    def _fail(self, reason: str) -> None:
        self._trouble = [f"not started: {reason}"]
        self._say("not started", "bad")
        self._show()

    def _open_run(self, attempt: Attempt) -> None:
        if attempt.directory is None or not self.is_current:
            return
        attempt.given_up = True
        self.app.pop_screen()
        self._tui.open_run(attempt.directory)

    # --- other keys -----------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy the command into the terminal's clipboard."""
        import shlex

        words = self._command()
        if words:
            copy_text(self._tui, shlex.join(words), os.environ)
            self._tui.tell("the command is copied")

    def action_leave(self) -> None:
        """Go back; a run that was started goes on."""
        self.app.pop_screen()
