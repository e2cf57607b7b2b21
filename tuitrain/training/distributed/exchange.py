"""What agents of several machines tell one another, by the store that their ranks meet at.

A thread asks and tells four times a second, so that nobody else waits where the network does not
answer. Knows names and values, and who is silent; nothing of what is said.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

_BEAT_S = 0.25
LOST_S = 20.0
"""Who has not been heard of for so long is lost: the machine, or the link to it."""
GONE_S = 2.5
"""The same, of whom a rank has lost as well: its connections were closed, so it has ended."""


class Store(Protocol):
    """What is used of torch's TCPStore."""

    def set(self, key: str, value: str) -> None:
        """Put a value there."""
        ...

    def get(self, key: str) -> bytes:
        """Return a value; wait for one that is not there."""
        ...

    def check(self, keys: list[str]) -> bool:
        """Return whether all of them are there."""
        ...


class Exchange:
    """What one node tells the others and hears of them."""

    def __init__(
        self,
        store: Store,
        node: int,
        others: Sequence[int],
        hears: Sequence[str],
        clock: Callable[[], float],
    ) -> None:
        """Tell and hear nothing yet.

        Args:
            store: where the nodes met.
            node: this one.
            others: those that it hears of.
            hears: of what they tell, what it asks for.
            clock: seconds.
        """
        self._store = store
        self._node = node
        self._hears = (*hears, "parted")
        self._clock = clock
        self._count = 0
        self._lock = threading.Lock()
        self._seen: dict[int, tuple[str, float]] = {each: ("", clock()) for each in others}
        """What was last heard of whom, and when."""
        self._told: dict[str, str] = {}
        self._heard: dict[str, Any] = {}
        self._posted: dict[str, str] = {}
        """What is still to be put there, once."""
        self._asked: set[str] = set()
        self._letters: dict[str, str] = {}
        self._closed = False
        self._ended = threading.Event()

    def begin(self) -> None:
        """Tell and ask from now on."""
        threading.Thread(target=self._run, name="peers", daemon=True).start()

    def tell(self, what: str, value: object) -> None:
        """Tell the newest value of something; it is read as JSON."""
        with self._lock:
            self._told[f"{what}/{self._node}"] = json.dumps(value)

    def heard(self, what: str) -> list[Any]:
        """Return what others have told of something, in their order."""
        with self._lock:
            keys = [f"{what}/{node}" for node in self._seen]
            return [self._heard[key] for key in keys if key in self._heard]

    def post(self, key: str, text: str) -> None:
        """Put a text there, once, under a name that has not been used: it may be long."""
        with self._lock:
            self._posted[key] = text

    def fetch(self, key: str) -> str | None:
        """Return what somebody has posted; None: it has not come yet, ask again. Given once."""
        with self._lock:
            if key in self._letters:
                self._asked.discard(key)
                return self._letters.pop(key)
            self._asked.add(key)
        return None

    def silent(self, limit_s: float) -> int | None:
        """Return a node that has not been heard of for so long; None: there is none."""
        now = self._clock()
        with self._lock:
            late = [node for node, (_last, at) in self._seen.items() if now - at > limit_s]
        return late[0] if late else None

    @property
    def is_deserted(self) -> bool:
        """Whether node 0 has closed the store: it has ended."""
        return self._closed

    # --- the end ----------------------------------------------------------------------------------

    def part(self, timeout_s: float) -> None:
        """Tell what is left to be told; node 0 waits until those that live have heard the end."""
        self._ended.set()
        deadline = self._clock() + timeout_s
        while self._clock() < deadline and not self._all_parted():
            time.sleep(0.05)

    def _all_parted(self) -> bool:
        now = self._clock()
        with self._lock:
            lively = [node for node, (_last, at) in self._seen.items() if now - at <= GONE_S]
            others = [] if self._node else [f"parted/{node}" for node in lively]
            return self._closed or all(key in self._heard for key in [*others, "own"])

    # --- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not (self._ended.is_set() and self._all_parted()):
                self._exchange(parting=self._ended.is_set())
                self._ended.wait(_BEAT_S)
                if self._ended.is_set():
                    time.sleep(0.05)
        except Exception:
            # The store's host has closed the connection: nobody answers any more.
            with self._lock:
                self._closed = True

    def _exchange(self, *, parting: bool) -> None:
        self._count += 1
        with self._lock:
            told = {**self._told, **self._posted}
            self._posted.clear()
            asked = self._asked - self._letters.keys()
        told[f"alive/{self._node}"] = str(self._count)
        if parting:
            told[f"parted/{self._node}"] = "true"
        for key, value in told.items():
            self._store.set(key, value)
        for node in self._seen:
            self._look(node)
        for key in sorted(asked):
            if self._store.check([key]):
                text = self._store.get(key).decode()
                with self._lock:
                    self._letters[key] = text
        if parting:
            with self._lock:
                self._heard["own"] = True

    def _look(self, node: int) -> None:
        found: dict[str, Any] = {}
        for what in self._hears:
            key = f"{what}/{node}"
            if self._store.check([key]):
                with suppress(ValueError):
                    found[key] = json.loads(self._store.get(key))
        key = f"alive/{node}"
        last = self._store.get(key).decode() if self._store.check([key]) else ""
        with self._lock:
            self._heard |= found
            if last != self._seen[node][0]:
                self._seen[node] = (last, self._clock())
