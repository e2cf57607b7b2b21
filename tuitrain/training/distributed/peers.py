"""The agents of a run's machines to one another: which are there, which failed, what it came to.

Knows what is said of ranks; nothing of how it travels, nor of ranks as processes.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from tuitrain.ranks import RankFailure, Standing
from tuitrain.training.distributed.exchange import LOST_S, Exchange, Store


class Peers:
    """What one node tells the others and hears of them."""

    def __init__(
        self,
        store: Store,
        node: int,
        names: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Stand among nodes that have met; what is told travels once `exchange` has begun.

        Args:
            store: where they met.
            node: this one.
            names: what to call each of them.
            clock: seconds.
        """
        self.names = tuple(names)
        others = [0] if node else range(1, len(names))
        hears = ("over",) if node else ("board", "failed")
        self.exchange = Exchange(store, node, others, hears, clock)

    def tell_standings(self, standings: Sequence[Standing]) -> None:
        """Tell where this node's ranks are."""
        now = time.monotonic()
        told = [asdict(each) | {"since": now - each.since} for each in standings]
        self.exchange.tell("board", told)

    def tell_failures(self, failures: Sequence[RankFailure]) -> None:
        """Tell why ranks of this node have failed."""
        if failures:
            self.exchange.tell("failed", [asdict(each) for each in failures])

    def tell_over(self, cause: RankFailure) -> None:
        """Tell all nodes what ended the run: node 0 does."""
        self.exchange.tell("over", asdict(cause))

    def standings(self) -> list[Standing]:
        """Return where the ranks of other nodes are."""
        now = time.monotonic()
        heard = [each for board in self.exchange.heard("board") for each in board]
        return [Standing(**(each | {"since": now - each["since"]})) for each in heard]

    def failures(self) -> list[RankFailure]:
        """Return why ranks of other nodes have failed, as far as node 0 is told."""
        heard = [each for failed in self.exchange.heard("failed") for each in failed]
        return [RankFailure(**each) for each in heard]

    def over(self) -> RankFailure | None:
        """Return what has ended the run, as node 0 says."""
        return next((RankFailure(**each) for each in self.exchange.heard("over")), None)


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
