"""The settings of a run to come, as fields or as text, checked while they are typed.

Reads what it begins with in a thread; starts nothing, and knows no key.
"""

from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import ContentSwitcher, TextArea

from tuitrain.config.editing.draft import Checked, Draft
from tuitrain.config.editing.shortest import toml_value
from tuitrain.config.faults import Fault
from tuitrain.errors import TuitrainError
from tuitrain.lang import said, tr
from tuitrain.messages import DeviceMemory
from tuitrain.runs.directory import check_run_name
from tuitrain.ui.launch.form import RUN_NAME
from tuitrain.ui.launch.opening import Opened, fault_words, open_settings
from tuitrain.ui.screens.launch.fields import SettingFields
from tuitrain.ui.widgets.fields import Field
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.format import sanitise
from tuitrain.view.presetrows import wrapped
from tuitrain.view.spans import first_lines

_FAULT_LINES = 4


class LaunchForm(Vertical):
    """Settings that can be changed."""

    DEFAULT_CSS = """
    LaunchForm ContentSwitcher { height: 1fr; }
    LaunchForm #text { border: none; padding: 0; height: 1fr; background: $background; }
    LaunchForm #faults { height: auto; }
    """

    class Begun(Message):
        """What it begins with was read."""

    class Refused(Message):
        """There is nothing to begin with."""

    class Changed(Message):
        """Settings, or the name of the run, are other ones now."""

    def __init__(self, preset: str, config: Path | None, checkpoint: Path | None) -> None:
        """Show nothing yet.

        Args:
            preset: a preset's name or file.
            config: the config.toml of a run whose settings to begin with.
            checkpoint: a file whose weights to begin with.
        """
        super().__init__(id="left", classes="panel")
        self._open = partial(open_settings, preset, config)
        self._checkpoint = checkpoint
        self._fields = SettingFields()
        self._text = TextArea("", id="text", soft_wrap=False, tab_behavior="focus")
        self._views = ContentSwitcher(self._fields, self._text, initial="form")
        self._faults = Lines(id="faults")
        self._draft = Draft("")
        self.trouble = ""
        """What went wrong that is no fault of one setting."""
        self.opened: Opened | None = None
        """What it began with; None until that was read."""
        self.checked = Checked("", None)
        """What the settings amount to now."""
        self.run_name = ""

    def compose(self) -> ComposeResult:
        """Have the fields or the text above what is wrong elsewhere."""
        yield self._views
        yield self._faults

    def on_mount(self) -> None:
        """Read what to begin with."""
        self.border_title = tr("settings")
        self.run_worker(self._read, thread=True, group="read", exit_on_error=False)

    def _read(self) -> None:
        try:
            opened = self._open()
        except (TuitrainError, OSError) as error:
            self.call_later(self._refuse, str(error))
        else:
            self.call_later(self._begin, opened)

    def _refuse(self, reason: str) -> None:
        self.trouble = reason
        self.show()
        self.post_message(self.Refused())

    def _begin(self, opened: Opened) -> None:
        self.opened = opened
        self._draft = Draft(opened.resolved, opened.typed)
        if self._checkpoint is not None:
            weights = toml_value(str(self._checkpoint))
            self._draft = self._draft.type_over("train.weights_from", weights)
        self._check()
        if self.checked.preset is None:
            self._show_text()
        self.post_message(self.Begun())

    # --- editing --------------------------------------------------------------------------------

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        event.field.heard()
        if event.key == RUN_NAME:
            self.run_name = event.value.strip()
            self.show()
        else:
            self._draft = self._draft.type_over(event.key, event.value)
            self._check()
        self.post_message(self.Changed())

    @on(TextArea.Changed)
    def _text_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._in_text and event.text_area.text != self.checked.text:
            self._draft = Draft(event.text_area.text)
            self._check()
            self.post_message(self.Changed())

    def _check(self) -> None:
        """Hold the settings against the schema."""
        self.checked = self._draft.check()
        self.show()

    @property
    def name_fault(self) -> str:
        """What is wrong with the name of the run; empty: nothing."""
        try:
            check_run_name(self.run_name or "x")
        except TuitrainError as error:
            return said(str(error))
        return ""

    # --- what is shown --------------------------------------------------------------------------

    @property
    def _in_text(self) -> bool:
        return self._views.current == "text"

    def toggle_text(self) -> None:
        """Change between the fields and all settings as text."""
        if not self._in_text:
            if self.opened is not None:
                self._show_text()
            return
        self._draft = Draft(self.checked.text)
        self._views.current = "form"
        self.show()
        self._fields.enter()

    def _show_text(self) -> None:
        self._draft = Draft(self.checked.text)
        with self._text.prevent(TextArea.Changed):
            self._text.text = self.checked.text
        self._views.current = "text"
        self._text.focus()
        self.show()

    def offer(self, devices: tuple[DeviceMemory, ...]) -> None:
        """Offer devices to train on."""
        self._fields.offer(devices)
        self.show()

    def narrow(self, narrow: bool) -> None:
        """Let hints give way to values, or not."""
        self._fields.narrow(narrow)

    def show(self) -> None:
        """Show the settings in the room there is, and what is wrong with them."""
        if not self.is_mounted:
            return
        shown: set[str] = set()
        if self.opened is not None and not self._in_text:
            usual = Draft(self.opened.resolved).check()
            shown = self._fields.fill(self.checked, usual, self._draft.typed, self.name_fault)
        self._show_faults([fault for fault in self.checked.faults if fault.key not in shown])

    def _show_faults(self, faults: list[Fault]) -> None:
        """Show what has no field of its own to stand below."""
        words = [fault_words(fault, self._in_text) for fault in faults]
        lines = [line for text in (self.trouble, *words) for line in text.splitlines()]
        width = self.content_size.width
        shown = wrapped([said(sanitise(line)) for line in lines], width, "bad")
        self._faults.show_lines(first_lines(shown, _FAULT_LINES, width))
