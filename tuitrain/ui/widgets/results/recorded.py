"""What a run recorded of some samples, step by step: images and texts.

Knows the run's folder; nothing of evaluations, so that scripts and watched logs have it as well.
"""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from tuitrain.errors import RecordError
from tuitrain.lang import tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.samples import read_samples, sampled_steps
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.reader import Reader
from tuitrain.view.images.png import from_png
from tuitrain.view.results.recorded import Part, recorded_lines
from tuitrain.view.spans import Span, plain_line, wrap_plain


class RecordedSamples(Vertical):
    """The samples of one step at a time, the last one first."""

    DEFAULT_CSS = """
    RecordedSamples Lines { height: 1; }
    RecordedSamples Reader { height: 1fr; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "earlier step", id="recorded.earlier",
                tooltip="Show the samples of the step before."),
        Binding("right", "step(1)", "later step", id="recorded.later",
                tooltip="Show the samples of the step after."),
    ]  # fmt: skip

    def __init__(self, directory: RunDirectory, steps: tuple[int, ...]) -> None:
        """Show the last of a run's steps that have samples."""
        super().__init__()
        self._directory, self._steps = directory, steps
        self._place = len(steps) - 1
        self._head = Lines()
        self._words = Reader()

    @property
    def entry(self) -> Widget:
        """The words."""
        return self._words

    def compose(self) -> ComposeResult:
        """Put the step above."""
        yield self._head
        yield self._words

    def on_mount(self) -> None:
        """Draw: a size that was given before this is not told again."""
        self.call_after_refresh(self.redraw)

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the room there is now."""
        del event
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        """Draw, where this is in sight."""
        if self.is_attached and self.size.width:
            self.draw()

    def draw(self) -> None:
        """Read the step's samples, and draw them."""
        if not self._steps:
            self._words.show_lines([plain_line(tr("no images or texts yet"), "quiet")])
            return
        step = self._steps[self._place]
        words = tr(" samples recorded at step {step:,}", step=step)
        several = len(self._steps) > 1
        place = {"place": self._place + 1, "steps": len(self._steps)}
        more = tr("  ({place} of {steps} steps)", **place) if several else ""
        self._head.show_lines([(Span(words, "title"), Span(more, "quiet"))])
        width = max(16, self.size.width - 2)
        try:
            lines = recorded_lines(self._samples(step), width, app_of(self).look)
        except RecordError as error:
            lines = wrap_plain(str(error), width, "bad")
        self._words.show_lines(lines)

    def look_again(self) -> None:
        """Take in steps that have come, and follow the last one where that is shown."""
        steps = tuple(sampled_steps(self._directory))
        if not steps or steps == self._steps:
            return
        follows = self._place == len(self._steps) - 1
        shown = self._steps[self._place] if self._steps else steps[-1]
        self._steps = steps
        earlier = sum(step <= shown for step in steps) - 1
        self._place = len(steps) - 1 if follows else max(0, earlier)
        self.draw()

    def _samples(self, step: int) -> list[dict[str, Part]]:
        found = read_samples(self._directory, step)
        samples = []
        for sample in found.samples:
            parts: dict[str, Part] = {}
            for name, part in sample.items():
                try:
                    image = part["kind"] == "image"
                    parts[name] = from_png(found.image_bytes(part)) if image else dict(part)
                except ValueError as error:
                    raise RecordError(f"{found.folder}: {name}: {error}.") from error
            samples.append(parts)
        return samples

    def action_step(self, by: int) -> None:
        """Show another step."""
        self._place = min(max(self._place + by, 0), len(self._steps) - 1)
        self.draw()
