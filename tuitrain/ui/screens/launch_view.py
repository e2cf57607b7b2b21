"""What the launch screen shows, and where: fields, what will happen, the same as a command.

It draws the settings as they stand; it reads no file, starts nothing, and knows no key.
"""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import ContentSwitcher, TextArea

from tuitrain.config.editing.draft import Checked, Draft, value_text
from tuitrain.config.editing.shortest import shortest_overrides
from tuitrain.config.faults import Fault
from tuitrain.errors import TuitrainError
from tuitrain.lang import said, tr
from tuitrain.messages import DeviceMemory
from tuitrain.runs.directory import check_run_name, runs_root
from tuitrain.ui.feeds.pace import Pace, pace_for
from tuitrain.ui.launch_form import (
    DEVICE,
    RUN_NAME,
    device_choices,
    device_hint,
    device_meant,
    field_plans,
    make_outlook,
    ranks_meant,
)
from tuitrain.ui.opening import Opened, fault_words, is_within, values_of, words_below
from tuitrain.ui.warm import WarmReport
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.fields import Field
from tuitrain.ui.widgets.holders import DeviceHolders
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.startbutton import StartButton
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.launchtext import Outlook, command_lines, command_words, outlook_lines
from tuitrain.view.presetrows import wrapped
from tuitrain.view.spans import Span, SpanLine, first_lines

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp

_STACKED_BELOW = 76
_NARROW_BELOW = 100
"""Below this the hints give way to the values."""
_COMMAND_LINES = 3
_FAULT_LINES = 4


class LaunchView(Whole, Screen[None]):
    """Shows the settings of a run to come, and what is known of it."""

    CSS = """
    #columns { height: 1fr; }
    #left { width: 3fr; height: 1fr; }
    #right { width: 2fr; height: 1fr; }
    ContentSwitcher { height: 1fr; }
    TextArea { border: none; padding: 0; height: 1fr; background: $background; }
    #form { height: 1fr; scrollbar-size: 1 1; }
    #faults { height: auto; }
    #below { height: auto; }
    #columns.stacked { layout: vertical; }
    #columns.stacked #left { width: 1fr; height: 2fr; }
    #columns.stacked #right { width: 1fr; height: 1fr; }
    """

    def __init__(self, preset: str, config: Path | None) -> None:
        super().__init__()
        self._preset_name = preset
        self._config = config
        self._opened: Opened | None = None
        self._draft = Draft("")
        self._checked = Checked("", None)
        self._run_name = ""
        self._report = WarmReport()
        self._paces: list[Pace] = []
        self._status: SpanLine = ()
        self._trouble: list[str] = []
        self.locked = False
        """Whether a run is being started with what stands here."""

    @property
    def tuitrain(self) -> "TuitrainApp":
        """The app, by its own type."""
        return cast("TuitrainApp", self.app)

    @property
    def checked(self) -> Checked:
        """What the form amounts to now."""
        return self._checked

    def show_locked(self, locked: bool) -> None:
        """Let settings be changed, or not while a run is started with them."""
        self.locked = locked
        button = self.query_one(StartButton)
        if locked:
            self.set_focus(button)
        self.query_one("#left").disabled = locked
        button.show_starting(locked)

    # --- parts ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TopLine()
        with Horizontal(id="columns"):
            with Vertical(id="left", classes="panel"):
                with ContentSwitcher(initial="form"):
                    with VerticalScroll(id="form", can_focus=False):
                        for plan in field_plans():
                            yield Field(plan.key, tr(plan.label), tr(plan.hint), plan.choices)
                    yield TextArea("", id="text", soft_wrap=False, tab_behavior="focus")
                yield Lines(id="faults")
            with Vertical(id="right", classes="panel"):
                yield DeviceHolders()
                yield Lines(id="outlook")
        with Vertical(id="below", classes="panel"):
            yield StartButton()
            yield Lines(id="command")
        yield KeyLine()

    def on_mount(self) -> None:
        """Name the panels."""
        self.query_one("#left").border_title = tr("settings")
        self.query_one("#right").border_title = tr("estimate")
        self.query_one("#below").border_title = tr("the same on the command line")
        self._show_top()
        self.query_one(StartButton).focus()

    def on_resize(self, event: Resize) -> None:
        """Arrange the columns for the room there is."""
        width = event.size.width
        self.query_one("#columns").set_class(width < _STACKED_BELOW, "stacked")
        narrow = _STACKED_BELOW <= width < _NARROW_BELOW
        for field in self.query(Field):
            field.set_class(narrow, "narrow")
        self.call_after_refresh(self._show)

    @property
    def _in_text(self) -> bool:
        return self.query_one(ContentSwitcher).current == "text"

    def _show_form(self) -> None:
        self.query_one(ContentSwitcher).current = "form"
        self._show()
        self.query(Field).first().enter()

    def _show_text(self) -> None:
        area = self.query_one(TextArea)
        with area.prevent(TextArea.Changed):
            area.text = self._checked.text
        self.query_one(ContentSwitcher).current = "text"
        area.focus()
        self._show()

    def _offer_devices(self) -> None:
        for field in self.query(Field):
            if field.key == DEVICE:
                field.offer(device_choices(self._report.devices))

    # --- drawing --------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.is_mounted:
            return
        self._show_top()
        shown = self._show_fields() if not self._in_text else set()
        self._show_faults([fault for fault in self._checked.faults if fault.key not in shown])
        self._show_outlook()
        self._show_command()

    def _say(self, text: str, style: str = "") -> None:
        """Put how things stand into the top line."""
        self._status = (Span(sanitise(text), style),)
        self._show_top()

    def _show_top(self) -> None:
        title = sanitise(self._preset_name)
        left = [Span(tr(" launch "), "quiet"), Span(title, "title")]
        if self._config is not None:
            left.append(
                Span(tr(" from run {name}", name=sanitise(self._config.parent.name)), "quiet")
            )
        self.query_one(TopLine).show_parts(tuple(left), (*self._status, Span(" ")))

    # --- drawing: the settings ------------------------------------------------------------------

    def _show_fields(self) -> set[str]:
        """Fill the form; return the keys that it has shown the fault of."""
        if self._opened is None:
            return set()
        faults = self._checked.faults
        shown = {id(fault): key for fault in faults if (key := self._field_of(fault))}
        now, before = values_of(self._checked), values_of(Draft(self._opened.resolved).check())
        for field in self.query(Field):
            if field.key == RUN_NAME:
                field.blame(self._name_fault())
                continue
            self._show_field(field, value_text(now, field.key), value_text(before, field.key))
            own = [fault for fault in faults if shown.get(id(fault)) == field.key]
            field.blame("; ".join(said(words_below(fault, field.key)) for fault in own))
        return {fault.key for fault in faults if id(fault) in shown}

    def _field_of(self, fault: Fault) -> str:
        """Return the key of the field that a fault is shown below; empty: there is none."""
        keys = (field.key for field in self.query(Field))
        return next((key for key in keys if is_within(fault.key, key)), "")

    def _show_field(self, field: Field, value: str, usual: str) -> None:
        typed = self._draft.typed.get(field.key)
        field.fill(typed if typed is not None else value, usual)
        device = device_meant(value, self._report.devices) if field.key == DEVICE else None
        hint = device_hint(device) or (tr("preset: {usual}", usual=usual) if value != usual else "")
        field.say(sanitise(hint), value != usual)

    def _name_fault(self) -> str:
        try:
            check_run_name(self._run_name or "x")
        except TuitrainError as error:
            return said(str(error))
        return ""

    def _show_faults(self, faults: list[Fault]) -> None:
        """Show what has no field of its own to stand below."""
        texts = [*self._trouble, *(fault_words(fault, self._in_text) for fault in faults)]
        width = self.query_one("#left").content_size.width
        lines = wrapped(
            [said(sanitise(line)) for text in texts for line in text.splitlines()], width, "bad"
        )
        self.query_one("#faults", Lines).show_lines(first_lines(lines, _FAULT_LINES, width))

    # --- drawing: what follows from them --------------------------------------------------------

    def _show_outlook(self) -> None:
        self.query_one(DeviceHolders).show_devices(self._report.devices, self._device_meant())
        width = self.query_one("#right").content_size.width
        lines = outlook_lines(self._outlook(), width, self.tuitrain.look)
        self.query_one("#outlook", Lines).show_lines(lines)

    def _device_meant(self) -> DeviceMemory | None:
        preset = self._checked.preset
        device = preset.train.device if preset is not None else ""
        return device_meant(device, self._report.devices)

    def _outlook(self) -> Outlook:
        preset = self._checked.preset
        return make_outlook(
            self._report,
            self._device_meant(),
            pace_for(self._paces, preset) if preset is not None else None,
            self._opened.download if self._opened is not None else "",
            ranks_meant(preset.train.ranks, self._report.devices) if preset is not None else 1,
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
        root, data_dir = self.tuitrain.root, self.tuitrain.data_dir
        usual = root.absolute() == runs_root(None).absolute()
        return command_words(
            opened.argument,
            overrides,
            name=self._run_name,
            runs_dir="" if usual else str(root),
            data_dir=str(data_dir) if data_dir is not None else "",
        )
