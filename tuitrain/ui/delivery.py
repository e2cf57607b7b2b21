"""What a thread brings to a screen: a message, as only those may come while an app closes.

Knows nothing of what is brought.
"""

from collections.abc import Callable

from textual.message import Message


class Delivery(Message):
    """Something to take in, in the app's own thread; a screen does so in `on_delivery`."""

    def __init__(self, take: Callable[[], None]) -> None:
        super().__init__()
        self.take = take
