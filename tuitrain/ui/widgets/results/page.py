"""What the pages of an evaluation have in common: what is shown, and samples with what they are.

A page holds its parts itself, so that what comes late finds them. Knows no other page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from tuitrain.analysis.mistakes import SampleRow, likeliest
from tuitrain.lang import tr
from tuitrain.ui.feeds.results import Results
from tuitrain.ui.feeds.sample_forms import SampleForms
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.view.chart.figure import Size
from tuitrain.view.results.samples import Likely, row_lines, sample_lines
from tuitrain.view.spans import Span, SpanLine

_LIKELIEST = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """What the pages show."""

    results: Results
    forms: SampleForms
    """What samples look like, as it comes."""
    likely: tuple[int, ...]
    """Samples that are wanted soon, the first first."""


class ResultsPage(Vertical):
    """One page; it draws itself whenever it gets its room."""

    DEFAULT_CSS = "ResultsPage { width: 1fr; height: 1fr; }"

    def __init__(self, shown: Shown) -> None:
        """Show an evaluation."""
        super().__init__()
        self.shown = shown

    @property
    def entry(self) -> Widget:
        """The part that has the focus at first."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw everything in the room there is."""
        raise NotImplementedError

    def forms_came(self) -> None:
        """Show what is known of samples by now."""

    def on_mount(self) -> None:
        """Draw: a size that was given before this is not told again."""
        self.call_after_refresh(self.redraw)

    def on_resize(self, event: events.Resize) -> None:
        """Draw once the parts have their sizes."""
        del event
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        """Draw, where the page is in sight."""
        if self.is_attached and self.size.width:
            self.draw()


class SamplePane(Horizontal):
    """Samples in a list, and the one under the cursor beside it."""

    DEFAULT_CSS = """
    SamplePane { height: 1fr; }
    SamplePane #rows-side { width: 3fr; }
    SamplePane PickList { height: 1fr; }
    SamplePane #heading { height: 1; }
    SamplePane #one { width: 2fr; max-width: 52; height: 1fr; margin-left: 1; }
    """

    def __init__(self, shown: Shown) -> None:
        """Show nothing yet."""
        super().__init__()
        self._shown = shown
        self._rows: dict[str, SampleRow] = {}
        self.list = PickList(id="samples")
        self._heading = Lines(id="heading")
        self._one = Lines(id="one")

    def compose(self) -> ComposeResult:
        """Put the list at the left."""
        with Vertical(id="rows-side"):
            yield self._heading
            yield self.list
        yield self._one

    def show_samples(self, title: str, rows: Sequence[SampleRow], number: int) -> None:
        """Show other samples.

        Args:
            title: what they are.
            rows: the first of them.
            number: how many there are in all.
        """
        self._rows = {str(row.number): row for row in rows}
        more = tr(", the first {n:,}", n=len(rows)) if len(rows) < number else ""
        self._heading.show_lines([(Span(f" {title}{more}", "title"),)])
        lines = zip(self._rows, row_lines(rows), strict=True)
        self.list.show_rows([Row(key, line) for key, line in lines])
        self._shown.forms.want([row.number for row in rows], self._shown.likely)
        self.show_one()

    def on_pick_list_moved(self, event: PickList.Moved) -> None:
        """Show another one."""
        event.stop()
        self.show_one()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it in the room there is now."""
        del event
        self.call_after_refresh(self.show_one)

    def show_one(self) -> None:
        """Show the sample under the cursor, as far as it is known."""
        row = self._rows.get(self.list.key)
        width, height = self._one.size
        if row is None or not width:
            self._one.show_lines([])
            return
        forms = self._shown.forms
        note = (
            tr("can't be shown: {trouble}", trouble=forms.trouble)
            if forms.trouble
            else tr("being read ...")
        )
        lines: list[SpanLine] = sample_lines(
            row, forms.get(row.number), self._likely(row.number), note, Size(width, height),
            app_of(self).look,
        )  # fmt: skip
        self._one.show_lines(lines)

    def _likely(self, number: int) -> Likely:
        judged = self._shown.results.judged
        if judged is None:
            return ()
        found = likeliest(self._shown.results.found, number, _LIKELIEST)
        return [(judged.classes[each], share) for each, share in found]
