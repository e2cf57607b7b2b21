"""The layers of a run's model: what each gives, its gradient, weights and dead units, over time.

Draws what its follower delivers; asks the app to have more measured.
"""

from textual.app import ComposeResult
from textual.binding import Binding

from tuitrain.config.settings import validate_setting
from tuitrain.lang import term, tr
from tuitrain.messages import ChangeSetting
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.layers import LayersFollower, LayersSnapshot
from tuitrain.ui.screens.dialogs import Ask
from tuitrain.ui.screens.following import FollowingScreen
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.run.layers import layers_table, state_words
from tuitrain.view.run.runtext import STATE_STYLES
from tuitrain.view.spans import Span, SpanLine, wrap_plain

KEY = "train.layers_every"
_USUAL = "50"
_NONE_LIVE = term(
    "Nothing is measured yet: n sets every how many steps. It moves no bit of "
    "the run, and costs what a pass over all activations costs, in the "
    "measured steps alone."
)
_NONE_ENDED = term(
    "Nothing was measured: press n while a run is live, or begin it with "
    "--set train.layers_every=50."
)


class LayersScreen(FollowingScreen[LayersSnapshot]):
    """A table of layers."""

    DEFAULT_CSS = """
    LayersScreen #note { height: auto; }
    LayersScreen #table { height: 1fr; padding: 0 1; }
    """
    BINDINGS = [
        Binding("n", "every", "every n steps", id="layers.every",
                tooltip="Set every how many steps layers are measured; 0: never."),
        Binding("q,escape", "back", "back", id="layers.back", tooltip="Go back."),
    ]  # fmt: skip
    _follower: LayersFollower

    def __init__(self, directory: RunDirectory) -> None:
        """Show the layers of the run in `directory`."""
        super().__init__(directory)
        self._follower = LayersFollower(directory, self.deliver)

    def compose(self) -> ComposeResult:
        """Show one table that is scrolled."""
        yield TopLine()
        yield Lines(id="note")
        yield Reader(id="table")
        yield KeyLine()

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        self.query_one(Reader).focus()

    def on_resize(self) -> None:
        """Arrange everything in the room there is now."""
        self.call_after_refresh(self.show_latest)

    def show_snapshot(self, snapshot: LayersSnapshot) -> None:
        """Show what was read."""
        width = self.size.width
        fault = wrap_plain(snapshot.error, width, "bad") if snapshot.error else []
        self.query_one("#note", Lines).show_lines(fault)
        if snapshot.error:
            # What was read before stays in sight.
            return
        self._show_top(snapshot)
        lines = layers_table(snapshot.layers, max(20, width - 2), app_of(self).look)
        self.query_one(Reader).show_lines(lines or self._nothing(snapshot, width - 2))

    def _nothing(self, snapshot: LayersSnapshot, width: int) -> list[SpanLine]:
        if snapshot.layers.every and snapshot.live:
            return wrap_plain(
                tr("{words}: none was yet", words=state_words(snapshot.layers)), width, "quiet"
            )
        return wrap_plain(tr(_NONE_LIVE if snapshot.live else _NONE_ENDED), width, "quiet")

    def _show_top(self, snapshot: LayersSnapshot) -> None:
        state = snapshot.summary.state if snapshot.summary else ""
        left = (
            Span(f" {sanitise(self._directory.id)}", "title"),
            Span(f"  {tr(state)}", STATE_STYLES.get(state, "")),
        )
        words = state_words(snapshot.layers)
        self.query_one(TopLine).show_parts(
            left, (Span(tr("  layers: {words} ", words=words), "quiet"),)
        )

    # --- keys -----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now: an ended run measures nothing."""
        del parameters
        if action == "every":
            return True if self._snapshot is not None and self._snapshot.live else None
        return True

    def action_every(self) -> None:
        """Ask every how many steps to measure."""
        every = self._snapshot.layers.every if self._snapshot is not None else 0

        def change(answer: str | None) -> None:
            if answer:
                value = validate_setting(KEY, answer)
                app_of(self).commands.order(self._directory, ChangeSetting(0, KEY, value))
                self._follower.wake()

        self.app.push_screen(
            Ask(
                tr("Measure the layers every so many steps"),
                value=str(every or _USUAL),
                hint=tr("0: never. It stays so when the run is resumed."),
                check=lambda text: validate_setting(KEY, text),
            ),
            change,
        )
