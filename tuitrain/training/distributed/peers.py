"""The agents of a run's machines to one another: which are there, which failed, what it came to.

A thread asks and tells by the store that the ranks meet at, four times a second, so that nobody
else waits where the network does not answer. Knows nothing of ranks as processes.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Protocol

from tuitrain.ranks import RankFailure, Standing

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


class Peers:
    """What one node tells the others and hears of them."""

    def __init__(
        self,
        store: Store,
        node: int,
        names: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Stand among nodes that have met.

        Args:
            store: where they met.
            node: this one.
            names: what to call each of them.
            clock: seconds.
        """
        self.names = tuple(names)
        self._store = store
        self._node = node
        self._clock = clock
        self._count = 0
        self._lock = threading.Lock()
        others = [0] if node else range(1, len(names))
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

    # --- telling ----------------------------------------------------------------------------------

    def tell_standings(self, standings: Sequence[Standing]) -> None:
        """Tell where this node's ranks are."""
        now = time.monotonic()
        self._tell("board", [asdict(each) | {"since": now - each.since} for each in standings])

    def tell_failures(self, failures: Sequence[RankFailure]) -> None:
        """Tell why ranks of this node have failed."""
        if failures:
            self._tell("failed", [asdict(each) for each in failures])

    def tell_over(self, cause: RankFailure) -> None:
        """Tell all nodes what ended the run: node 0 does."""
        self._tell("over", asdict(cause))

    def post(self, key: str, text: str) -> None:
        """Put a text there, once, under a name that has not been used: it may be long."""
        with self._lock:
            self._posted[key] = text

    def _tell(self, what: str, value: object) -> None:
        with self._lock:
            self._told[f"{what}/{self._node}"] = json.dumps(value)

    # --- hearing ----------------------------------------------------------------------------------

    def standings(self) -> list[Standing]:
        """Return where the ranks of other nodes are."""
        now = time.monotonic()
        heard = [each for node in self._seen for each in self._hear(f"board/{node}") or ()]
        return [Standing(**(each | {"since": now - each["since"]})) for each in heard]

    def failures(self) -> list[RankFailure]:
        """Return why ranks of other nodes have failed, as far as node 0 is told."""
        heard = [each for node in self._seen for each in self._hear(f"failed/{node}") or ()]
        return [RankFailure(**each) for each in heard]

    def over(self) -> RankFailure | None:
        """Return what has ended the run, as node 0 says."""
        found = self._hear("over/0")
        return None if found is None else RankFailure(**found)

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

    def fetch(self, key: str) -> str | None:
        """Return what somebody has posted; None: it has not come yet, ask again. Given once."""
        with self._lock:
            if key in self._letters:
                self._asked.discard(key)
                return self._letters.pop(key)
            self._asked.add(key)
        return None

    def _hear(self, key: str) -> Any:
        with self._lock:
            return self._heard.get(key)

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
        for what in ("over", "parted") if self._node else ("board", "failed", "parted"):
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


def gone_words(name: str, node: int, *, closed: bool) -> str:
    """Say that a node is lost, and how that shows.

    Args:
        name: of its machine.
        node: its number.
        closed: its ranks have closed their connections.
    """
    if closed:
        return (
            f"node {node} ({name}) is gone: its connections were closed and its agent is silent, "
            "so it was killed, or the machine went down"
        )
    return (
        f"node {node} ({name}) has not been heard of for {LOST_S:.0f} s: the machine, or the link "
        "to it, is down"
    )


def lost_node(name: str, node: int, *, closed: bool) -> RankFailure:
    """Return the loss of a node as what ended the run; arguments as for `gone_words`."""
    words = gone_words(name, node, closed=closed)
    return RankFailure(-1, time.time(), words, common=True, host=name)
