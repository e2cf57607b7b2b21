"""What a thread brings to a screen or widget, through its queue: whatever else may come too late.

And what is to be done once all that was typed has arrived. Knows nothing of what is brought.
"""

from collections.abc import Callable, Iterable
from typing import Any

from textual.message_pump import MessagePump
from textual.widget import Widget

Bring = Callable[[Callable[[], None]], None]
"""Has something done in the app's own thread; called in any."""


def brought_to(pump: MessagePump, take: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return what a thread calls with what it brings, so that `pump` takes it in by `take`."""

    def bring(value: Any) -> None:
        pump.call_later(take, value)

    return bring


def pass_through(start: Widget | None, then: Callable[[], None]) -> None:
    """Call `then` after all that was typed into a widget has come to its screen.

    A key goes through the queue of the widget in focus; what it changes is told from there
    upwards, queue by queue, and each may have a message to itself in between.
    """
    steps = [pump for pump in (start.ancestors_with_self if start else ()) for _ in range(2)]
    _step([pump for pump in steps if isinstance(pump, Widget)], then)


def _step(pumps: Iterable[MessagePump], then: Callable[[], None]) -> None:
    first, *others = [*pumps, None]
    if first is None or not first.call_later(_step, [each for each in others if each], then):
        then()
