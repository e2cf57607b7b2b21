"""Torch's flight recorder of a rank: what it asked NCCL or gloo for last, left when it is wanted.

Written from a thread of its own, as the one that trains may wait in a collective for good.
"""

import base64
import json
import os
import pickle
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuitrain.ranks import flight_path, flight_wanted, want_flights
from tuitrain.whole_file import written_whole

if TYPE_CHECKING:
    from tuitrain.training.distributed.peers import Peers

_ENTRIES = "512"
"""Collectives that are kept: some ten to some hundred steps; recording one takes microseconds."""
_LOOK_S = 0.5
_ANSWER_S = 2.5
"""So long the agent of another machine waits until its ranks have left theirs; some may not."""


def record_flight(run_directory: Path, rank: int) -> None:
    """Have the collectives recorded that this process takes part in; before it joins any group.

    Torch writes by itself where NCCL's own watchdog ends a process.
    """
    prefix = str(flight_path(run_directory, rank).with_suffix("")).removesuffix(str(rank))
    for names, value in (
        # The second name of each is that of older versions.
        (("TORCH_FR_BUFFER_SIZE", "TORCH_NCCL_TRACE_BUFFER_SIZE"), _ENTRIES),
        (("TORCH_NCCL_DUMP_ON_TIMEOUT",), "1"),
        (("TORCH_FR_DUMP_TEMP_FILE", "TORCH_NCCL_DEBUG_INFO_TEMP_FILE"), f"{prefix}nccl-"),
    ):
        if not any(name in os.environ for name in names):
            os.environ[names[0]] = value
    thread = threading.Thread(target=_write_when_wanted, args=(run_directory, rank), daemon=True)
    thread.start()


def _write_when_wanted(run_directory: Path, rank: int) -> None:
    written = 0.0
    while True:
        time.sleep(_LOOK_S)
        wanted = flight_wanted(run_directory)
        if wanted > written:
            written = wanted
            with suppress(OSError):
                _put(flight_path(run_directory, rank), _recorded())


def _put(path: Path, data: bytes) -> None:
    with written_whole(path) as draft:
        draft.write_bytes(data)


def _recorded() -> bytes:
    """Return what NCCL's recorder and that of the others hold, as one record."""
    from torch._C import _distributed_c10d as recorders

    whole: dict[str, Any] = {"entries": []}
    for name in ("_dump_nccl_trace", "_dump_fr_trace"):
        if (dump := getattr(recorders, name, None)) is not None:
            # Collectives, without the stacks that each was asked for from, and all of them.
            held = pickle.loads(dump(True, False, False))
            entries = [*whole["entries"], *held.get("entries", ())]
            whole = {**held, **whole, "entries": entries}
    return pickle.dumps(whole)


# --- of other machines --------------------------------------------------------------------------


class FlightExchange:
    """Brings what the recorders of other machines' ranks hold to node 0, when it is wanted there.

    Their agents ask for it in their own folders, and send what is left there.
    """

    def __init__(
        self,
        run_directory: Path,
        peers: "Peers",
        node: int,
        own: Iterable[int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Stand between a machine's ranks and the other machines.

        Args:
            run_directory: in which this machine's ranks leave what they hold.
            peers: the agents.
            node: this machine.
            own: the ranks of this machine.
            clock: seconds.
        """
        self._directory = run_directory
        self._peers = peers
        self._node = node
        self._own = tuple(own)
        self._clock = clock
        self._asked = 0.0
        """When it was last wanted, as the folder says."""
        self._round = 0
        """How often it was wanted by now."""
        self._open: set[int] = set()
        """On node 0: machines whose answer has not come; elsewhere: ranks."""
        self._answer_at = 0.0

    def poll(self) -> None:
        """Look what is wanted, and what has come."""
        if self._node:
            self._answer()
        else:
            self._collect()

    def _collect(self) -> None:
        wanted = flight_wanted(self._directory)
        if wanted > self._asked:
            self._asked = wanted
            self._round += 1
            self._open = set(range(1, len(self._peers.names)))
            self._peers.exchange.post(f"flights-wanted/{self._round}", "")
        for node in sorted(self._open):
            if (text := self._peers.exchange.fetch(f"flights/{node}/{self._round}")) is not None:
                self._open.discard(node)
                with suppress(OSError):
                    for rank, held in json.loads(text).items():
                        whole = zlib.decompress(base64.b64decode(held))
                        _put(flight_path(self._directory, int(rank)), whole)

    def _answer(self) -> None:
        if self._peers.exchange.fetch(f"flights-wanted/{self._round + 1}") is not None:
            self._round += 1
            self._open = set(self._own)
            self._answer_at = self._clock() + _ANSWER_S
            with suppress(OSError):
                want_flights(self._directory)
            self._asked = flight_wanted(self._directory)
        if not self._open:
            return
        held = {rank: data for rank in self._own if (data := self._left(rank)) is not None}
        if self._open <= held.keys() or self._clock() >= self._answer_at:
            self._open = set()
            sent = {rank: base64.b64encode(zlib.compress(held[rank])).decode() for rank in held}
            self._peers.exchange.post(f"flights/{self._node}/{self._round}", json.dumps(sent))

    def _left(self, rank: int) -> bytes | None:
        """Return what a rank of this machine has left since it was asked."""
        path = flight_path(self._directory, rank)
        with suppress(OSError):
            if path.stat().st_mtime >= self._asked:
                return path.read_bytes()
        return None
