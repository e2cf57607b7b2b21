"""The start of a run: its button, the same as a command, and what becomes of it.

Starts what it is given, in a thread; knows nothing of how settings are changed.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tuitrain.config.schema import Preset
from tuitrain.errors import TuitrainError
from tuitrain.lang import said, tr
from tuitrain.runs.rows import StateRow
from tuitrain.supervisor.queueing.wish import Wish
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.launch.attempt import Attempt, Starter
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.startbutton import StartButton
from tuitrain.view.launchtext import command_lines

_COMMAND_LINES = 3


class StartPanel(Vertical):
    """Starts runs, one at a time."""

    DEFAULT_CSS = "StartPanel { height: auto; }"

    class Reported(Message):
        """The run that starts is in another state."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Failed(Message):
        """The run could not be started."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    class Started(Message):
        """The run runs."""

    def __init__(self) -> None:
        """Start nothing yet."""
        super().__init__(id="below", classes="panel")
        self._command = Lines(id="command")
        self.button = StartButton()
        self.attempt: Attempt | None = None
        """The start that is being made, or was."""

    def compose(self) -> ComposeResult:
        """Have the button above the command."""
        yield self.button
        yield self._command

    def on_mount(self) -> None:
        """Name the panel."""
        self.border_title = tr("the same on the command line")

    def on_unmount(self) -> None:
        """Let a run that starts go on."""
        if self.attempt is not None:
            self.attempt.given_up = True

    def show_command(self, words: Sequence[str]) -> None:
        """Show the command that starts the same run; empty: there is none."""
        width = self.content_size.width
        lines = command_lines(words, width, _COMMAND_LINES) if words else [()]
        self._command.show_lines(lines)

    def begin(
        self, preset: Preset, starter: Starter, name: str, folder: Path, wish: Wish | None
    ) -> None:
        """Start a run; the arguments are those of `Attempt`."""
        self.attempt = attempt = Attempt(
            app_of(self).client,
            preset,
            starter,
            brought_to(self, self._report),
            name=name or None,
            preset_folder=folder,
            wish=wish,
        )
        app_of(self).work.do(partial(self._start, attempt))

    def _start(self, attempt: Attempt) -> None:
        try:
            attempt.run()
        except (TuitrainError, OSError) as error:
            self.call_later(self._fail, str(error))
            return
        if not attempt.given_up:
            self.call_later(self._started, attempt)

    def _report(self, state: StateRow) -> None:
        reason = f": {said(state.reason)}" if state.reason else ""
        self.post_message(self.Reported(f"{tr(state.state)}{reason}"))

    def _fail(self, reason: str) -> None:
        self.attempt = None
        self.post_message(self.Failed(reason))

    def _started(self, attempt: Attempt) -> None:
        attempt.runs = True
        self.post_message(self.Started())
