"""Images and texts of a run that has no checkpoint to evaluate: a script, a log, or a young run.

Knows keys; how a step's samples are shown is the widget's business.
"""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from tuitrain.lang import tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.samples import sampled_steps
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.results.recorded import RecordedSamples
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span

_LOOK_S = 2.0
"""A run that trains has further steps now and then."""


class SamplesScreen(Whole, Screen[None]):
    """The recorded steps of one run."""

    BINDINGS = [
        Binding("q,escape", "back", "back", id="samples.back", tooltip="Go back."),
    ]

    def __init__(self, directory: RunDirectory) -> None:
        """Show a run that has recorded samples."""
        super().__init__()
        self._directory = directory
        self._samples = RecordedSamples(directory, tuple(sampled_steps(directory)))

    def compose(self) -> ComposeResult:
        """Put the run's name above."""
        yield TopLine()
        yield self._samples
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin with the last step, and see those that come."""
        title = Span(f" {sanitise(self._directory.id)}", "title")
        self.query_one(TopLine).show_parts((title,), (Span(tr("images and texts "), "quiet"),))
        self._samples.entry.focus()
        self.set_interval(_LOOK_S, self._samples.look_again)

    def action_back(self) -> None:
        """Leave."""
        self.dismiss()
