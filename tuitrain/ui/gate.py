"""Which keys and clicks the screen in front takes: those that were given when it was in sight.

On a busy machine or a slow line a screen comes up under a hand that still types to the one before.
What was typed then must not become commands. Knows times and screens; nothing of keys' meanings.
"""

import asyncio
import math
import time
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from textual import events
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

HAND_S = 0.5
"""A hand that types goes on for about so long after a screen that came by itself."""
_POLL_S = 0.005
_MOST_POLLS = 400
"""Two seconds; a question that is not there by then takes what comes as it can."""
_EDITOR_WAIT_S = 0.5
"""An editor takes a key in well under a millisecond; one that hangs must not hold the others up."""
_ALWAYS = frozenset({"ctrl+c", "ctrl+q"})
"""Leaving works whatever is in sight."""


class Gate:
    """Knows since when each screen that was opened has been in sight."""

    def __init__(self) -> None:
        """Know of no screen: one that was never expected takes everything."""
        self._since: WeakKeyDictionary[Screen[Any], float] = WeakKeyDictionary()
        self._pauses: WeakKeyDictionary[Screen[Any], float] = WeakKeyDictionary()
        self._given: WeakKeyDictionary[events.Key, Screen[Any]] = WeakKeyDictionary()

    def expect(self, screen: Screen[Any], pause_s: float = 0.0) -> None:
        """Let nothing through to a screen before it is in sight, and for `pause_s` after that."""
        self._since[screen] = math.inf
        self._pauses[screen] = pause_s

    def expects(self, screen: Screen[Any]) -> bool:
        """Say whether a screen was opened and has not been in sight yet."""
        return self._since.get(screen) == math.inf

    def painted(self, screen: Screen[Any], now: float) -> None:
        """Note that something of a screen was painted; the first time counts, with its parts."""
        if self.expects(screen) and screen.is_mounted:
            self._since[screen] = now + self._pauses[screen]

    def hold(self, screen: Screen[Any], until: float) -> None:
        """Let nothing through to a screen in sight for a while: what it takes has changed."""
        self._since[screen] = until

    def let_hand_rest(self, screen: Screen[Any]) -> None:
        """Take no key for a moment: whoever types does not see yet what the screen takes now."""
        self.hold(screen, time.monotonic() + HAND_S)

    def lets_through(self, screen: Screen[Any], given_at: float) -> bool:
        """Say whether what was given at a time was meant for a screen."""
        return given_at >= self._since.get(screen, -math.inf)

    def as_meant(self, event: events.InputEvent, front: Screen[Any]) -> events.InputEvent | None:
        """Return what the screen in front is to get; None where it was meant for another one."""
        if not isinstance(event, events.Key):
            return event if self.lets_through(front, event.time) else None
        if event.key in _ALWAYS:
            return event
        # A key comes twice: from the terminal, and from whom it was given to and did not take it.
        given = self._given.setdefault(event, front)
        if given is front:
            return event if self.lets_through(front, event.time) else None
        # The key before this one opened a question, or closed a screen.
        return self.as_meant(event.copy(), front) if isinstance(front, ModalScreen) else None


async def await_parts(screen: Screen[Any]) -> None:
    """Wait until a question that was just opened has the line that is typed into.

    A question is opened by a key, and the keys after that one are its answer.
    """
    for _ in range(_MOST_POLLS):
        if screen.is_mounted or not screen.display:
            return
        await asyncio.sleep(_POLL_S)


async def is_for_bindings(event: events.Key, focused: Widget | None) -> bool:
    """Say whether a key is one that a line of text leaves to bindings, once it took those before.

    Textual gives such a key to the line first, and looks bindings up when it comes back. Letters
    that are typed behind it would reach the line before that: `7`, backspace, `8` would leave `7`.
    """
    if not isinstance(focused, Input | TextArea) or event.is_forwarded:
        return False
    breaks_line = isinstance(focused, TextArea) and event.key == "enter"
    if breaks_line or focused.check_consume_key(event.key, event.character):
        return False
    taken = asyncio.Event()
    focused.call_later(taken.set)
    with suppress(TimeoutError):
        await asyncio.wait_for(taken.wait(), _EDITOR_WAIT_S)
    return True
