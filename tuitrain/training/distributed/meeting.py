"""How the agents of several machines meet before any rank is started, at torch's TCPStore.

Node 0 has the store, says what is missing, and gives the others the run's order: preset and
settings travel from it. Knows nothing of what ranks do.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, cast

from tuitrain import __version__
from tuitrain.config.load import parse_preset
from tuitrain.errors import DeviceError, TuitrainError
from tuitrain.messages import Nodes, StartTraining, decode, plain_data
from tuitrain.ranks import name_hosts
from tuitrain.training.distributed.cluster import Cluster, Team, team_of
from tuitrain.training.distributed.exchange import Store
from tuitrain.training.distributed.network import Route, find_route, is_own, use_interface
from tuitrain.training.distributed.peers import Peers

MISSED_S = 60.0
"""After so long whoever waits says which node is missing."""
_LOOK_S = 0.2
_STORE_TIMEOUT = timedelta(seconds=30)
"""For one answer of the store; a node that needs longer has gone."""

Tell = Callable[[str], None]
"""Shows a line to whoever waits."""


class MeetingEndedError(Exception):
    """Whoever waited is told to end."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What a node says of itself."""

    host: str
    address: str
    interface: str
    tuitrain: str
    torch: str


class Waiting:
    """Waits for others: says for what, what is missing after a minute, and ends when told to."""

    def __init__(
        self,
        tell: Tell,
        warn: Tell,
        stopped: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wait.

        Args:
            tell: shows what is waited for.
            warn: shows what is missing.
            stopped: whether to wait no longer.
            clock: seconds.
        """
        self.tell = tell
        self._warn = warn
        self._stopped = stopped
        self._clock = clock

    def until(self, condition: Callable[[], bool], missing: Callable[[], str]) -> None:
        """Return once a condition holds.

        Args:
            condition: is asked again and again.
            missing: what to say where it does not hold after a minute.

        Raises:
            MeetingEndedError: it is not to wait any longer.
        """
        warn_at = self._clock() + MISSED_S
        while not condition():
            if self._stopped():
                raise MeetingEndedError
            if self._clock() > warn_at:
                warn_at = float("inf")
                self._warn(missing())
            time.sleep(_LOOK_S)


# --- node 0 ---------------------------------------------------------------------------------------


def host_meeting(order: StartTraining, team: Team, waiting: Waiting) -> Cluster:
    """Wait for the other nodes as node 0; return all ranks.

    Raises:
        TuitrainError: they can't meet, or can't train together.
        MeetingEndedError: it is not to wait any longer.
    """
    nodes = order.nodes
    assert nodes is not None
    route = find_route(nodes.host, nodes.port)
    if not is_own(nodes.host):
        raise DeviceError(
            f"--rendezvous {nodes.rendezvous}: this is node 0, and {nodes.host} is no address of "
            "this machine; all nodes name one of node 0's"
        )
    store = _open_store(nodes, is_host=True)
    store.set("hello/0", _written(_hello(route)))
    hellos = _await_hellos(store, nodes, route, waiting)
    _check_versions(hellos)
    names = name_hosts([each.host for each in hellos])
    store.set("order", _written(order))
    sizes = _await_teams(store, nodes, team, names, waiting)
    store.set("start", json.dumps({"names": names, "sizes": sizes}))
    waiting.tell(f"starting {sum(sizes)} ranks on {', '.join(names)}")
    use_interface(route)
    return _cluster(store, nodes, team, names, sizes)


def _await_hellos(store: Store, nodes: Nodes, route: Route, waiting: Waiting) -> list[Hello]:
    others = range(1, nodes.number)

    def missing() -> list[int]:
        return [node for node in others if not store.check([f"hello/{node}"])]

    def words() -> str:
        absent = missing()
        return (
            f"{_nodes(absent)} of {nodes.number} {'has' if len(absent) == 1 else 'have'} not come "
            f"within {MISSED_S:.0f} s: is `tuitrain run PRESET --nodes {nodes.number} --node-rank "
            f"{absent[0]} --rendezvous {nodes.rendezvous}` running there, and can it reach this "
            f"machine at {route.address}, port {nodes.port}?"
        )

    waiting.tell(f"node 0, {route}, waits for {_nodes(others)} at {nodes.rendezvous}")
    waiting.until(lambda: not missing(), words)
    return [_read(store, f"hello/{node}", Hello) for node in range(nodes.number)]


def _await_teams(
    store: Store, nodes: Nodes, own: Team, names: Sequence[str], waiting: Waiting
) -> list[int]:
    """Return how many ranks each node has, by its number."""
    keys = [f"team/{node}" for node in range(1, nodes.number)]
    waiting.until(lambda: store.check(keys), lambda: "a node has come and says nothing more")
    sizes = [own.size]
    for node, key in enumerate(keys, 1):
        team = json.loads(store.get(key))
        fault = team["error"]
        if not fault and team["device"] != own.device:
            fault = f"its ranks train on {team['device']}, those of node 0 on {own.device}"
        if fault:
            fault = f"node {node} ({names[node]}): {fault}"
            store.set("refused", fault)
            raise DeviceError(fault)
        sizes.append(team["size"])
    return sizes


def _check_versions(hellos: Sequence[Hello]) -> None:
    for node, hello in enumerate(hellos):
        for name in ("tuitrain", "torch"):
            here, there = getattr(hellos[0], name), getattr(hello, name)
            if here != there:
                raise DeviceError(
                    f"node {node} ({hello.host}) has {name} {there}, node 0 has {here}: install "
                    "the same on all nodes"
                )


def _nodes(numbers: Sequence[int]) -> str:
    return f"{'node' if len(numbers) == 1 else 'nodes'} {', '.join(map(str, numbers))}"


# --- the others -----------------------------------------------------------------------------------


def join_meeting(
    nodes: Nodes, here: Callable[[StartTraining], StartTraining], waiting: Waiting
) -> tuple[StartTraining, Cluster]:
    """Meet node 0 as another one; return the run's order, as it is here, and all ranks.

    Args:
        nodes: which one this is, and where they meet.
        here: puts this machine's folders in the place of node 0's.
        waiting: shows what is waited for.

    Raises:
        TuitrainError: this node can't take part.
        MeetingEndedError: it is not to wait any longer.
    """
    route = find_route(nodes.host, nodes.port)
    waiting.tell(f"node {nodes.rank}, {route}, waits for node 0 at {nodes.rendezvous}")
    waiting.until(
        lambda: _answers(nodes),
        lambda: (
            f"node 0 does not answer at {nodes.rendezvous} after {MISSED_S:.0f} s: is the run "
            "started there, and is that port open to this machine?"
        ),
    )
    store = _open_store(nodes, is_host=False)
    if int(cast(Any, store).add(f"claim/{nodes.rank}", 1)) > 1:
        raise DeviceError(
            f"--node-rank {nodes.rank}: another process has come as this node; each node has a "
            f"number of its own, from 0 to {nodes.number - 1}"
        )
    store.set(f"hello/{nodes.rank}", _written(_hello(route)))
    waiting.tell("node 0 is there; waits for the others")
    _await_key(store, "order", waiting)
    order = here(replace(_read(store, "order", StartTraining), nodes=nodes))
    team = _offer_team(store, nodes, order)
    _await_key(store, "start", waiting)
    start = json.loads(store.get("start"))
    use_interface(route)
    return order, _cluster(store, nodes, team, start["names"], start["sizes"])


def _offer_team(store: Store, nodes: Nodes, order: StartTraining) -> Team:
    try:
        team = team_of(order)
    except TuitrainError as error:
        refused = {"size": 0, "device": "", "error": str(error)}
        store.set(f"team/{nodes.rank}", json.dumps(refused))
        raise
    store.set(f"team/{nodes.rank}", json.dumps({**asdict(team), "error": ""}))
    return team


def _await_key(store: Store, key: str, waiting: Waiting) -> None:
    def there() -> bool:
        try:
            refused = store.check(["refused"]) and store.get("refused").decode()
            found = store.check([key])
        except RuntimeError as error:
            raise DeviceError("node 0 has ended before the run began") from error
        if refused:
            raise DeviceError(refused)
        return found

    waiting.until(there, lambda: "node 0 answers, and still waits for another node")


def _answers(nodes: Nodes) -> bool:
    with suppress(OSError), socket.create_connection((nodes.host, nodes.port), 2.0):
        return True
    return False


# --- both -----------------------------------------------------------------------------------------


def _open_store(nodes: Nodes, *, is_host: bool) -> "Store":
    import torch.distributed as dist

    try:
        # Torch's static rendezvous, later, shares its port.
        return cast(
            Store,
            dist.TCPStore(  # type: ignore[attr-defined]
                nodes.host, nodes.port, is_master=is_host, timeout=_STORE_TIMEOUT,
                wait_for_workers=False, multi_tenant=True,
            ),
        )  # fmt: skip
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        if "EADDRINUSE" in str(error):
            reason = "the port is in use; take another one, on all nodes"
        raise DeviceError(f"--rendezvous {nodes.rendezvous}: {reason}") from error


def _cluster(
    store: Store, nodes: Nodes, team: Team, names: Sequence[str], sizes: Sequence[int]
) -> Cluster:
    hosts = tuple(name for name, size in zip(names, sizes, strict=True) for _rank in range(size))
    first = sum(sizes[: nodes.rank])
    peers = Peers(store, nodes.rank, names)
    peers.exchange.begin()
    return Cluster(team, sum(sizes), first, hosts, nodes, peers)


def _hello(route: Route) -> Hello:
    import torch

    return Hello(
        os.uname().nodename, route.address, route.interface, __version__, str(torch.__version__)
    )


def _written(value: object) -> str:
    return json.dumps(plain_data(value))


def _read(store: Store, key: str, kind: Any) -> Any:
    return decode(kind, json.loads(store.get(key)))


def other_settings(named: str, order: StartTraining) -> list[str]:
    """Return what a node's own command line would have set otherwise than node 0 has it.

    Args:
        named: the preset as named here, as TOML; empty: it names none.
        order: of node 0.
    """
    from tuitrain.config.changes import differences

    if not named:
        return []
    here, there = (parse_preset(text, "preset") for text in (named, order.config))
    return [str(change) for change in differences(here, there)]
