"""Below home's table: the run under the cursor as a chart and a few words."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tuitrain.runs.summary import RunSummary
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import sanitise
from tuitrain.view.runlist.preview import Preview, preview_lines


class RunPreview(Vertical):
    """Shows what was read of a run; another run's is not left standing."""

    class Turned(Message):
        """Another run is to be shown."""

    def __init__(self, look: Callable[[], TerminalStyle]) -> None:
        """Show nothing yet; `look` tells what the terminal can show."""
        super().__init__(id="preview", classes="panel")
        self._look = look
        self._lines = Lines(id="preview-lines")
        self._preview: Preview | None = None
        self._run: RunSummary | None = None

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield self._lines

    def show_run(self, run: RunSummary | None) -> None:
        """Show this run from now on; none: nothing."""
        other, self._run = run is not self._run, run
        self.display = run is not None
        self.show()
        if other:
            self.post_message(self.Turned())

    def take_preview(self, preview: Preview) -> None:
        """Show what was read."""
        self._preview = preview
        self.show()

    def show(self) -> None:
        """Show what there is of the run in the room there is."""
        run, preview = self._run, self._preview
        title = "" if run is None else sanitise(run.name).replace("[", "\\[")
        if title != self.border_title:
            self.border_title = title
        size = self.content_size
        ready = run is not None and preview is not None and preview.path == run.path
        lines = []
        if ready and preview is not None and size.width:
            lines = preview_lines(preview, size.width, size.height, self._look())
        self._lines.show_lines(lines)
