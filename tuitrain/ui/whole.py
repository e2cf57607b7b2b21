"""Screens that take nothing in unless they are whole: composed, and not being taken down.

A terminal that is closed, a quick Escape or a busy machine ends a screen at any moment, also while
its parts are still being made: what comes then has nobody to show it to, and is no error. Leans on
how Textual 8.2 takes a screen down; knows nothing of what a screen shows.
"""

from collections.abc import Callable
from typing import Any

from textual import events, messages
from textual.message import Message
from textual.message_pump import MessagePump
from textual.timer import Timer

_FOR_TEXTUAL = (events.Compose, events.Callback)


class Whole(MessagePump):
    """Put before `Screen` among a screen's bases; guards its handlers, timers and callbacks."""

    _began = False

    @property
    def is_whole(self) -> bool:
        """Whether the parts are there: false once the screen is on its way out."""
        # Textual tells so by this alone; an app that ends lets nothing be attached.
        return self.is_attached and bool(getattr(self, "display", True))

    async def _dispatch_message(self, message: Message) -> None:
        """Take in a message, unless the parts it would be shown by are gone."""
        if isinstance(message, events.Mount) and self.is_whole:
            self._began = True
        if self._is_for_us(message):
            await super()._dispatch_message(message)

    def _is_for_us(self, message: Message) -> bool:
        if isinstance(message, events.Unmount):
            # Who never began has nothing to end.
            return self._began
        # What Textual runs and ends a screen by, in a module of its own, is no business of ours.
        own = isinstance(message, _FOR_TEXTUAL) or type(message).__module__ == messages.__name__
        return own or self.is_whole

    def _guarded(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return callback(*args, **kwargs) if self.is_whole else None

        return call

    def call_after_refresh(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Call it after the next repaint, if the screen is whole then."""
        return super().call_after_refresh(self._guarded(callback), *args, **kwargs)

    def set_timer(
        self, delay: float, callback: Callable[..., Any] | None = None, **options: Any
    ) -> Timer:
        """Call it after a delay, if the screen is whole then."""
        guarded = self._guarded(callback) if callback is not None else None
        return super().set_timer(delay, guarded, **options)

    def set_interval(
        self, interval: float, callback: Callable[..., Any] | None = None, **options: Any
    ) -> Timer:
        """Call it again and again, while the screen is whole."""
        guarded = self._guarded(callback) if callback is not None else None
        return super().set_interval(interval, guarded, **options)
