"""What can be done with a trained model by a command: a list, and a command that runs.

Knows command lines and output as text; which commands there are, `tuitrain.trained.uses` says.
"""

from collections.abc import Callable
from functools import partial

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from tuitrain.errors import UsageError
from tuitrain.lang import key_word, term, tr
from tuitrain.runs.directory import RunDirectory, runs_root
from tuitrain.trained.uses import USES, Use, command_line, command_words
from tuitrain.ui.feeds.command import CommandJob
from tuitrain.ui.screens.dialogs import Ask
from tuitrain.ui.screens.own_data import PathSuggester, complete_path, whole_path
from tuitrain.ui.shell import app_of
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.ui.widgets.reader import Reader
from tuitrain.view.results.commands import ending_line, output_lines
from tuitrain.view.spans import Span, wrap_plain

Start = Callable[[str, int, Callable[[CommandJob], None]], CommandJob]
"""Starts the command of a line, its output so many columns wide."""


class UseMenu(Whole, ModalScreen[None]):
    """The list; below it the command line of the row under the cursor."""

    CSS = """
    UseMenu .dialog { width: 78; }
    UseMenu PickList { height: auto; }
    UseMenu #line { height: auto; margin: 1 0; }
    """
    BINDINGS = [
        Binding("q,escape", "leave", "close", id="uses.leave", tooltip="Do nothing."),
    ]

    def __init__(self, directory: RunDirectory) -> None:
        """Offer what can be done with a run's model."""
        super().__init__()
        self._directory = directory

    def compose(self) -> ComposeResult:
        """Show the list."""
        with Vertical(classes="dialog"):
            yield Static(tr("Use the model of {id}", id=self._directory.id), markup=False)
            yield PickList()
            yield Lines(id="line")
            yield Static(tr("enter go on, the line can be changed   esc close"), markup=False)

    def on_mount(self) -> None:
        """Fill it."""
        picker = self.query_one(PickList)
        picker.show_rows([Row(use.name, (Span(f" {use.name}"),)) for use in USES])
        picker.styles.height = len(USES)
        picker.focus()
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew."""
        del event
        self.call_after_refresh(self._show)

    def on_pick_list_moved(self) -> None:
        """Show another command line."""
        self._show()

    def _show(self) -> None:
        use = self._use()
        text = command_line(use, self._directory.id, "PATH", self._options())
        shown = self.query_one("#line", Lines)
        width = max(16, shown.size.width)
        shown.show_lines([*wrap_plain(use.words, width), *wrap_plain(text, width, "key")])

    def _use(self) -> Use:
        key = self.query_one(PickList).key
        return next((use for use in USES if use.name == key), USES[0])

    def _options(self) -> tuple[str, ...]:
        """Return what a shell elsewhere has to be told: where the runs are kept."""
        root = app_of(self).root
        usual = runs_root(None)
        return () if root.absolute() == usual.absolute() else ("--runs-dir", str(root.absolute()))

    def on_pick_list_chosen(self) -> None:
        """Ask for the path where one is needed, then show the command."""
        use = self._use()
        if not use.path:
            self._go(use, "")
            return
        question = Ask(
            use.path, hint=tr("Tab completes a name"), check=whole_path, suggester=PathSuggester()
        )
        self.app.push_screen(question, partial(self._go, use))

    def _go(self, use: Use, path: str | None) -> None:
        if path is None:
            return
        whole = str(whole_path(path)) if path else ""
        line = command_line(use, self._directory.id, whole, self._options())
        self.app.switch_screen(CommandScreen(line))

    def action_leave(self) -> None:
        """Close."""
        self.dismiss()


class LineSuggester(Suggester):
    """Completes the path that a command line ends with."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the line with the rest of a name; None: there is none."""
        begin, blank, last = value.rpartition(" ")
        found = complete_path(last) if blank and "/" in last else None
        return None if found is None else f"{begin}{blank}{found}"


def start_line(line: str, columns: int, deliver: Callable[[CommandJob], None]) -> CommandJob:
    """Start the command of a line.

    Raises:
        UsageError: it is none of this program's.
    """
    job = CommandJob(command_words(line), columns, deliver)
    job.start()
    return job


class CommandScreen(Whole, ModalScreen[None]):
    """A command line that can be changed, and what the command writes."""

    CSS = """
    CommandScreen #command { width: 100%; height: 100%; border: round $accent; background: $surface; padding: 0 1; }
    CommandScreen Input { background: $panel; }
    CommandScreen Reader { height: 1fr; margin-top: 1; }
    CommandScreen #ending { height: auto; }
    CommandScreen #keys { height: 1; }
    """  # noqa: E501
    BINDINGS = [
        Binding("e", "edit", "edit", id="command.edit",
                tooltip="Change the command line; Enter runs it."),
        Binding("x", "cancel", "cancel", id="command.cancel",
                tooltip="Interrupt the command, as Ctrl-C does; again: kill it."),
        Binding("q,escape", "back", "close", id="command.back",
                tooltip="Close; a command that still runs is ended."),
    ]  # fmt: skip

    def __init__(self, line: str, start: Start = start_line) -> None:
        """Show a command line that Enter runs."""
        super().__init__()
        self._line = line
        self._start = start
        self._job: CommandJob | None = None
        self._fault = ""

    def compose(self) -> ComposeResult:
        """Put the line above the output."""
        with Vertical(id="command"):
            yield Input(self._line, suggester=LineSuggester(), select_on_focus=False, compact=True)
            yield Reader()
            yield Lines(id="ending")
            yield Lines(id="keys")

    def on_mount(self) -> None:
        """Let the line be changed first."""
        self.query_one(Input).focus()

    def on_unmount(self) -> None:
        """End the command that nobody looks at any more."""
        if self._job is not None:
            self._job.close()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew."""
        del event
        self.call_after_refresh(self._show)

    def on_descendant_focus(self) -> None:
        """Name the keys of the part that is used."""
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the line, unless one still runs."""
        if self._runs():
            self._fault = tr("the command before still runs: x cancels it")
            self.query_one(Reader).focus()
            self._show()
            return
        columns = max(40, self.query_one(Reader).size.width - 1)
        try:
            self._job, self._fault = self._start(event.value, columns, self._deliver), ""
        except UsageError as error:
            self._fault = str(error)
        else:
            self.query_one(Reader).focus()
        self._show()

    def _runs(self) -> bool:
        return self._job is not None and not self._job.ended

    def _deliver(self, _job: CommandJob) -> None:
        self.call_later(self._go_on)

    def _go_on(self) -> None:
        self._fault = ""
        self._show()

    def _show(self) -> None:
        reader, job = self.query_one(Reader), self._job
        width = max(20, reader.size.width)
        at_end = reader.scroll_offset.y >= len(reader.lines) - reader.size.height
        reader.show_lines(output_lines(job.lines() if job is not None else (), width))
        if at_end:
            self.call_after_refresh(reader.action_edge, 1)
        ending = wrap_plain(self._fault, width, "bad") if self._fault else []
        if job is not None and not self._fault:
            ending = ending_line(job.code, job.duration_s, job.fault, width)
        self.query_one("#ending", Lines).show_lines(ending)
        self._show_keys()

    def _show_keys(self) -> None:
        if self.query_one(Input).has_focus:
            keys = [("enter", "run"), ("right", term("complete a path"))]
            keys.append(("esc", "close"))
        elif self._runs():
            keys = [("x", "cancel"), ("q", term("end it and close"))]
        else:
            keys = [("e", term("edit and run again")), ("up/down", "scroll"), ("q", "close")]
        spans = []
        for key, what in keys:
            spans += [Span(key, "key"), Span(f" {key_word(what)}  ", "quiet")]
        self.query_one("#keys", Lines).show_lines([tuple(spans)])

    def action_edit(self) -> None:
        """Change the line."""
        self.query_one(Input).focus()

    def action_cancel(self) -> None:
        """Interrupt the command."""
        if self._job is not None:
            self._job.cancel()

    def action_back(self) -> None:
        """Close."""
        self.dismiss()
