"""When the terminal is sent what a board has to show: once Textual has written, and may be.

Knows a board and when to ask it; nothing of what is on it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.geometry import Region

if TYPE_CHECKING:
    from tuitrain.ui.pictures.board import PictureBoard


class PictureSender:
    """Sends the pictures of a board."""

    def __init__(
        self,
        board: "PictureBoard",
        write: Callable[[str], None],
        after_refresh: Callable[[Callable[[], None]], object],
        after_s: Callable[[float, Callable[[], None]], object],
    ) -> None:
        """Send nothing yet.

        Args:
            board: what draws.
            write: writes to the terminal.
            after_refresh: calls what it is given once Textual has painted.
            after_s: calls it after so many seconds.
        """
        self.board = board
        self._write = write
        self._after_refresh = after_refresh
        self._after_s = after_s
        self._due = False

    def painted(self, regions: Sequence[Region], laid_out: bool) -> str:
        """Return what to write after Textual has written to these parts of the screen."""
        if laid_out:
            self.send_soon()
        return self.board.painted(regions, whole=laid_out)

    def send_soon(self) -> None:
        """Have the terminal show what pictures show now, as soon as it may be sent."""
        if not self._due:
            self._due = True
            self._after_refresh(self._send)

    def _send(self) -> None:
        self._due = False
        self._write(self.board.changes())
        if self.board.is_behind:
            self._due = True
            self._after_s(self.board.waits_s, self._send)

    def clear(self) -> None:
        """Leave no pictures to the terminal."""
        self._write(self.board.clear())
