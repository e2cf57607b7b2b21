"""What is said of a run beside its numbers: where they come from, what can be asked, what fails.

Keeps it until it is taken to be sent; knows nothing of pipes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from tuitrain.script import wire
from tuitrain.script.controls import Controls


class Notes:
    """Each is told once; what is told before anybody listens waits."""

    def __init__(self) -> None:
        self._heard_of: dict[str, str] = {}
        self._told: set[str] = set()
        self._waiting: list[dict[str, Any]] = []
        self._ability = ""

    def hear(self, source: str, words: str) -> None:
        """Note where metrics or steps come from, for the run's header.

        Args:
            source: a short word.
            words: what it is to be called.
        """
        self._heard_of.setdefault(source, words)

    def tell(self, text: str, step: int, detail: str = "") -> None:
        """Raise an alert, once for each text."""
        if text not in self._told:
            self._told.add(text)
            alert = {"type": "AlertRaised", "time": time.time(), "step": step, "kind": "script"}
            self._waiting.append({**alert, "text": text, "detail": detail})

    def drop(self, what: str, error: BaseException, step: int) -> None:
        """Say, once, that a hook failed and is gone."""
        text = f"the hook on {what} failed and is off: {type(error).__name__}: {error}"
        self.complain(text, step)

    def complain(self, text: str, step: int) -> None:
        """Say, once, that something does not work; here and in the run."""
        if text not in self._told:
            wire.say(text)
        self.tell(text, step)

    def say_again(self) -> None:
        """Say what can be asked from the beginning, as of another run."""
        self._ability = ""

    def take(self, controls: Controls, *, stepped: bool) -> Iterator[dict[str, Any]]:
        """Yield messages of what came since the last call.

        Args:
            controls: of the loop.
            stepped: there was a step, so that the run can be held at the next.
        """
        while self._waiting:
            yield self._waiting.pop(0)
        level = "watched"
        if stepped:
            level = "checkpoint" if controls.can_save else "stepped"
        by = [controls.name, *self._heard_of.values()]
        seen = f"{level} {by} {controls.total_steps}"
        if seen != self._ability:
            self._ability = seen
            yield {
                "type": "ScriptSeen",
                "time": time.time(),
                "ability": level,
                "by": [each for each in dict.fromkeys(by) if each],
                "total_steps": controls.total_steps,
            }
