"""What screens that show a run have in common: a thread follows it, what it reads is shown.

Knows nothing of what is shown, nor how.
"""

from typing import Any, Generic, TypeVar

from textual.message import Message
from textual.screen import Screen

from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.run import Follower
from tuitrain.ui.whole import Whole

Seen = TypeVar("Seen")
"""What the screen's follower delivers."""


class FollowingScreen(Whole, Screen[None], Generic[Seen]):
    """Follows a run while it is open; a subclass makes the follower and shows what comes."""

    _follower: Follower

    class Read(Message):
        """The thread has read the run."""

        def __init__(self, snapshot: Any) -> None:
            super().__init__()
            self.snapshot = snapshot

    def __init__(self, directory: RunDirectory) -> None:
        super().__init__()
        self._directory = directory
        self._snapshot: Seen | None = None

    def deliver(self, snapshot: Seen) -> None:
        """Take what was read; called in the thread."""
        self.post_message(self.Read(snapshot))

    # Textual calls a handler of every class of a screen: a subclass's own come on top of these.

    def on_mount(self) -> None:
        """Begin to read."""
        self._follower.start()

    def on_unmount(self) -> None:
        """End the thread."""
        self._follower.close()

    def on_following_screen_read(self, message: Read) -> None:
        """Show what was read."""
        self._snapshot = message.snapshot
        # A screen below another one that changes makes Textual paint all of the upper one.
        if self.is_current:
            self.show_latest()
            self.refresh_bindings()

    def on_screen_resume(self) -> None:
        """Show what was read meanwhile."""
        self.show_latest()

    def show_latest(self) -> None:
        """Show what was read last, once there is something, and room for it."""
        if self._snapshot is not None and self.size.width:
            self.show_snapshot(self._snapshot)

    def show_snapshot(self, snapshot: Seen) -> None:
        """Show what was read."""
        raise NotImplementedError

    def action_back(self) -> None:
        """Leave."""
        self.dismiss()
