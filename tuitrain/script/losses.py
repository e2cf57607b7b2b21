"""Losses that nobody logs, as the backward pass is given them.

Knows tensors by what every one of them has; imports no torch.
"""

from __future__ import annotations

import threading
from typing import Any

_MOST_HELD = 16
"""Losses that wait to be read together: the first of them costs 3 us, the others 0.2 us each."""
_BRIEF_S = 3e-4
"""Steps shorter than this, for which 3 us are a percent and more, have their losses read so."""


class SeenLosses:
    """The losses of updates, in their order.

    Where steps are short the tensors themselves are held for a few steps, and read together: what
    they keep alive is the graph of a step as short. One that the script changes in place after
    its backward pass is not known any more: it is left out, and from then on each is read at once.

    Attributes:
        wanted: nobody logs a loss.
        holds: tensors are held.
    """

    def __init__(self) -> None:
        self.wanted = True
        self.holds = False
        self._may_hold = True
        # Plain numbers in two lists: a tuple each would have Python collect garbage more often.
        self._values: list[float] = []
        self._at: list[int] = []
        self._held: list[Any] = []
        self._held_at: list[int] = []
        self._settling = threading.Lock()

    def add(self, value: float, updates: int) -> None:
        """Take in the loss of an update.

        Args:
            value: as a number.
            updates: so far.
        """
        if self._held_at:
            self.settle()
        self._values.append(value)
        # The place comes last, here and below, so that each that has one is there.
        self._at.append(updates)

    def hold(self, loss: Any, updates: int) -> None:
        """Take in the loss of an update as a tensor of the host that nobody has changed."""
        held_at = self._held_at
        self._held.append(loss)
        held_at.append(updates)
        if len(held_at) >= _MOST_HELD:
            self.settle()

    def settle(self) -> None:
        """Read what is held."""
        with self._settling:
            places = taken(self._held_at)
            losses = taken(self._held, len(places))
            try:
                values = [loss.item() for loss in losses if not loss._version]
            except Exception:  # several numbers, or a tensor of anybody's kind
                values = []
            if len(values) < len(losses):
                self.stop_holding()
                places = [at for at, loss in zip(places, losses) if not loss._version]  # noqa: B905
            self._values += values
            self._at += places[: len(values)]

    def take(self) -> tuple[list[int], list[float]]:
        """Return updates and losses that came since the last call."""
        self.settle()
        places = taken(self._at)
        values = taken(self._values, len(places))
        # While this thread read what was held, the other may have added the next ones.
        order = sorted(range(len(places)), key=places.__getitem__)
        return [places[at] for at in order], [values[at] for at in order]

    def follow(self, step_s: float) -> None:
        """Hold tensors, or no more.

        Args:
            step_s: how long steps take; 0: it is not known.
        """
        self.holds = self._may_hold and 0 < step_s < _BRIEF_S

    def stop_holding(self) -> None:
        """Read each loss at once from now on, as others may write into what is held."""
        self.holds = self._may_hold = False


def taken(items: list[Any], count: int | None = None) -> list[Any]:
    """Empty a list that other threads append to; what comes meanwhile stays."""
    count = len(items) if count is None else count
    found = items[:count]
    del items[:count]
    return found
