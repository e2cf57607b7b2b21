"""Home's line on the machine: each GPU and the host at a glance, while home is in front."""

from collections.abc import Callable

from textual.events import Click

from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.machine.glance import glance_line, has_moved
from tuitrain.view.machine.seen import MachineSeen

_LEAST_ROWS = 22
"""A lower terminal keeps the row for the lists: the top line counts the GPUs."""


class MachineStrip(Lines):
    """Listens to the app's machine feed; a click opens its screen."""

    DEFAULT_CSS = "MachineStrip { height: 1; }"

    def __init__(self, tell: Callable[[MachineSeen], None]) -> None:
        """Show nothing yet; `tell` is handed what is read as well."""
        super().__init__()
        self._tell = tell
        self._seen = MachineSeen()
        self._stop: Callable[[], None] | None = None

    def on_mount(self) -> None:
        """Begin to listen, unless another screen lies above already."""
        if self.app.screen is self.screen:
            self.hold(False)

    def on_unmount(self) -> None:
        """Listen no more."""
        self.hold(True)

    def hold(self, held: bool) -> None:
        """Show nothing new, or go on."""
        if held and self._stop is not None:
            self._stop()
            self._stop = None
        elif not held and self._stop is None and self.is_attached:
            self._stop = app_of(self).machine.listen(brought_to(self, self._take))

    def _take(self, seen: MachineSeen) -> None:
        if not has_moved(self._seen, seen):
            return
        self._seen = seen
        self._tell(seen)
        self._show()

    def on_resize(self) -> None:
        """Arrange it in the room there is now."""
        self._show()

    def _show(self) -> None:
        self.display = self.screen.size.height >= _LEAST_ROWS
        if self.size.width:
            self.show_lines([glance_line(self._seen, self.size.width, app_of(self).look)])

    def on_click(self, event: Click) -> None:
        """Open the machine's screen."""
        event.stop()
        app_of(self).opener.open_machine()
