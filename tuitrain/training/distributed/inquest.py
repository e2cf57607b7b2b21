"""Finds out what ended the ranks of several machines, and lets all of them know.

Node 0 decides, by what the agents tell and by who is silent; the others wait for its word. Knows
nothing of how ranks are started or killed.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tuitrain.ranks import Board, RankFailure, choose_cause, read_failures
from tuitrain.training.distributed.cluster import Cluster
from tuitrain.training.distributed.exchange import GONE_S, LOST_S
from tuitrain.training.distributed.flight import FlightExchange
from tuitrain.training.distributed.peers import Peers, lost_node

_OTHERS_S = 3.0
"""So long ranks may take to end by themselves once one has failed: one may be stuck for good."""
_WORD_S = 10.0
"""So long who lost another rank waits to hear which one that was."""
_TELL_S = 1.0


class Inquest:
    """Of the ranks of one run; with one machine there is nothing to ask of anybody."""

    def __init__(
        self,
        directory: Path,
        board: Board,
        cluster: Cluster,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look into the ranks of a run.

        Args:
            directory: where those of this machine leave why they failed.
            board: where ranks are; gets those of the other machines.
            cluster: all ranks.
            clock: seconds.
        """
        self._directory = directory
        self._board = board
        self._cluster = cluster
        self._clock = clock
        self._since: float | None = None
        """When the first failure was seen."""
        self._tell_at = 0.0
        self._flights: FlightExchange | None = None
        if cluster.peers is not None and cluster.nodes is not None:
            self._flights = FlightExchange(
                directory, cluster.peers, cluster.nodes.rank, cluster.own
            )

    def poll(
        self, exits: Mapping[int, int], *, lasts: bool, living: Callable[[], list[int]]
    ) -> RankFailure | None:
        """Return what ended the run, once that is known; None: nothing has, or not yet.

        Args:
            exits: exit codes of this machine's ranks that were the first to end, by rank.
            lasts: whether elastic still has ranks.
            living: returns the processes of this machine's ranks.
        """
        peers = self._cluster.peers
        if peers is None:
            return None
        self._share_standings(peers)
        if self._flights is not None:
            self._flights.poll()
        if (over := peers.over()) is not None:
            return over
        if peers.exchange.is_deserted:
            return lost_node(peers.names[0], 0, closed=True)
        if (node := peers.exchange.silent(LOST_S)) is not None:
            return lost_node(peers.names[node], node, closed=False)
        own = self._own(exits)
        peers.tell_failures(own)
        failures = sorted([*own, *peers.failures()], key=lambda each: (not each.reason, each.time))
        if not failures and lasts:
            return None
        self._since = self._since or self._clock()
        return self._conclude(peers, failures, self._clock() - self._since, set(living()))

    def _conclude(
        self,
        peers: Peers,
        failures: list[RankFailure],
        waited_s: float,
        living: set[int],
    ) -> RankFailure | None:
        if all(each.lost_peer for each in failures):
            node = peers.exchange.silent(GONE_S)
            if node is not None:
                return lost_node(peers.names[node], node, closed=True)
            wait_s = _WORD_S
        elif self._cluster.first:
            # Node 0 will say which of all failures explains the others.
            wait_s = _WORD_S
        else:
            told = {each.rank for each in failures}
            standings = self._board.standings()
            going = [n for n in self._cluster.own if standings[n].pid in living and n not in told]
            wait_s = _OTHERS_S if going else 0.0
        if waited_s < wait_s:
            return None
        return choose_cause(failures, {})

    def _own(self, exits: Mapping[int, int]) -> list[RankFailure]:
        """Return why ranks of this machine have failed, also those that had no time to say it."""
        found = read_failures(self._directory)
        silent = exits.keys() - {each.rank for each in found}
        now = time.time()
        found += [RankFailure(rank, now, "", exit_code=exits[rank]) for rank in sorted(silent)]
        hosts = self._cluster.hosts
        return [replace(each, host=hosts[each.rank]) for each in found]

    def _share_standings(self, peers: Peers) -> None:
        if self._clock() < self._tell_at:
            return
        self._tell_at = self._clock() + _TELL_S
        standings = self._board.standings()
        peers.tell_standings([standings[rank] for rank in self._cluster.own])
        for standing in peers.standings():
            self._board.put_of(standing)

    def close(self, cause: RankFailure | None, timeout_s: float) -> None:
        """Let all know what ended the run, and part.

        Args:
            cause: None: it came to its end.
            timeout_s: how long to wait until they have heard it.
        """
        peers = self._cluster.peers
        if peers is None:
            return
        if cause is not None and not self._cluster.first:
            peers.tell_over(cause)
        peers.exchange.part(timeout_s if cause is not None else 0.0)
