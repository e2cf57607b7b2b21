"""What the agents of several machines hear of one another."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.training.worlds import ThreadWorld, on_ranks, worlds
from tuitrain.config.load import load_found, to_toml
from tuitrain.config.presets import find_preset
from tuitrain.errors import DeviceError
from tuitrain.messages import Nodes, StartTraining
from tuitrain.ranks import RankFailure, Standing, flight_path, flight_wanted, want_flights
from tuitrain.training.distributed.cluster import Cluster, team_of
from tuitrain.training.distributed.exchange import GONE_S, LOST_S
from tuitrain.training.distributed.flight import FlightExchange
from tuitrain.training.distributed.meeting import (
    Waiting,
    host_meeting,
    join_meeting,
    other_settings,
)
from tuitrain.training.distributed.network import find_route, is_own
from tuitrain.training.distributed.peers import Peers
from tuitrain.training.distributed.sending import at_hand, is_seen_by_all
from tuitrain.training.distributed.world import Place


class FakeStore:
    """A store in memory, that can be closed as if its host had gone."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.closed = False

    def set(self, key: str, value: str) -> None:
        self.values[key] = value

    def get(self, key: str) -> bytes:
        return self.values[key].encode()

    def check(self, keys: list[str]) -> bool:
        if self.closed:
            raise RuntimeError("connection reset by peer")
        return all(key in self.values for key in keys)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nodes_hear_where_ranks_are_what_failed_and_who_is_silent() -> None:
    store, now = FakeStore(), [0.0]
    names = ("alpha", "beta")
    zero, one = (Peers(store, node, names, lambda: now[0]) for node in (0, 1))
    one.tell_standings([Standing(1, 77, 12, "step", time.monotonic())])
    one.tell_failures([RankFailure(1, 5.0, "ValueError: planted", host="beta")])
    for each in (zero, one):
        each.exchange.begin()
    until(lambda: zero.failures() and zero.standings())
    assert zero.failures()[0].reason == "ValueError: planted"
    assert (zero.standings()[0].rank, zero.standings()[0].step) == (1, 12)
    zero.tell_over(RankFailure(1, 5.0, "ValueError: planted", host="beta"))
    until(one.over)
    one.exchange.part(60)
    zero.exchange.part(60)
    assert zero.exchange.silent(GONE_S) is None
    now[0] += GONE_S + 1
    assert zero.exchange.silent(GONE_S) == 1 and zero.exchange.silent(LOST_S) is None


def test_node_0_gets_what_the_recorders_of_other_machines_hold(tmp_path: Path) -> None:
    store, now, names = FakeStore(), [0.0], ("alpha", "beta", "gamma")
    agents = []
    for node, name in enumerate(names):
        (tmp_path / name / "ranks").mkdir(parents=True)
        peers = Peers(store, node, names)
        peers.exchange.begin()
        own = (node, node + 3)
        agents.append(FlightExchange(tmp_path / name, peers, node, own, lambda: now[0]))

    def asked(name: str) -> bool:
        for agent in agents:
            agent.poll()
        return flight_wanted(tmp_path / name) >= flight_wanted(tmp_path / "alpha")

    def brought(rank: int, data: bytes) -> bool:
        path = flight_path(tmp_path / "alpha", rank)
        return asked("alpha") and path.exists() and path.read_bytes() == data

    for number in range(2):
        data = {rank: bytes([number, rank]) * 1000 for rank in range(6)}
        want_flights(tmp_path / "alpha")
        for name, ranks in (("beta", (1, 4)), ("gamma", (2,))):
            until(partial(asked, name))
            for rank in ranks:
                flight_path(tmp_path / name, rank).write_bytes(data[rank])
        for rank in (1, 4):
            until(partial(brought, rank, data[rank]))
        # One rank of gamma leaves nothing: the other's is sent without it in the end.
        assert not brought(2, data[2])
        now[0] += 60.0
        until(partial(brought, 2, data[2]))
        assert not flight_path(tmp_path / "alpha", 5).exists()


def test_a_node_sees_that_node_0_is_gone() -> None:
    store = FakeStore()
    one = Peers(store, 1, ("alpha", "beta"))
    one.exchange.begin()
    store.closed = True
    until(lambda: one.exchange.is_deserted)


def order() -> StartTraining:
    config = to_toml(load_found(find_preset("digits-mlp"), ["train.device=cpu"], {}))
    return StartTraining(
        run_directory="/alpha/run", config=config, attempt=3, data_directory="/alpha/data",
        code_folders=(), resume=True, had_checkpoint=True, settings=((5, "optimizer.lr", 0.1),),
    )  # fmt: skip


def test_nodes_meet_and_the_order_travels_after_word_of_who_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        monkeypatch.setenv(name, "lo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nodes = [Nodes(2, rank, "127.0.0.1", port) for rank in (0, 1)]
    given, late, said = replace(order(), nodes=nodes[0]), iter((0.0, 99.0)), []
    missed = threading.Event()

    def warn(text: str) -> None:
        said.append(text)
        missed.set()

    host = Waiting(said.append, warn, lambda: False, lambda: next(late, 99.0))
    guest = Waiting(said.append, said.append, lambda: False)

    def join() -> tuple[StartTraining, Cluster]:
        assert missed.wait(60)
        return join_meeting(nodes[1], lambda found: replace(found, data_directory="/beta"), guest)

    with ThreadPoolExecutor(2) as pool:
        hosted = pool.submit(host_meeting, given, team_of(given), host)
        found, joined = pool.submit(join).result()
        met = hosted.result()
    assert (met.size, list(met.own), list(joined.own)) == (2, [0], [1])
    assert len(set(met.hosts)) == 2 and met.hosts == joined.hosts
    assert found == replace(given, nodes=nodes[1], data_directory="/beta")
    named = to_toml(
        load_found(find_preset("digits-mlp"), ["train.device=cpu", "train.epochs=3"], {})
    )
    assert other_settings(named, found) == ["train.epochs 3 -> 20"]
    assert said[0].endswith(f"waits for node 1 at 127.0.0.1:{port}")
    assert "node 1 of 2 has not come within 60 s: is `tuitrain run" in said[1]
    for each in (joined, met):
        assert each.peers is not None
        each.peers.exchange.part(10)


def test_a_meeting_that_can_not_be_is_told_in_a_sentence() -> None:
    waiting = Waiting(lambda _text: None, lambda _text: None, lambda: True)
    for host, said in (
        ("192.0.2.7", "no address of this machine"),
        ("no.such.host", "no address is"),
    ):
        given = replace(order(), nodes=Nodes(2, 0, host, 29500))
        with pytest.raises(DeviceError, match=said):
            host_meeting(given, team_of(given), waiting)


def test_the_way_to_a_host_names_the_interface_that_gloo_is_to_use() -> None:
    route = find_route("127.0.0.1", 29500)
    assert (route.address, route.interface.startswith("lo")) == ("127.0.0.1", True)
    assert is_own("127.0.0.1") and not is_own("192.0.2.7")


def test_all_ranks_know_whether_they_see_the_folder_of_rank_0(tmp_path: Path) -> None:
    class Hidden(type(tmp_path)):  # type: ignore[misc]
        """A path to where another machine has nothing."""

        def is_file(self, **_more: bool) -> bool:
            return False

    class Elsewhere(ThreadWorld):
        """Where that path leads to nothing."""

        def first(self, value: Any) -> Any:
            return Hidden(super().first(value))

    barrier, held = threading.Barrier(2), [None] * 2
    for kind, seen in ((ThreadWorld, True), (Elsewhere, False)):
        ranks = [ThreadWorld(0, 2, barrier, held), kind(1, 2, barrier, held)]
        asked = [partial(is_seen_by_all, rank, tmp_path) for rank in ranks]
        assert on_ranks(asked) == [seen, seen]
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seen", [True, False])
def test_a_checkpoint_reaches_machines_that_do_not_see_it(tmp_path: Path, seen: bool) -> None:
    """Two machines of two ranks; of the second one a rank takes the file for both."""
    source, folder = tmp_path / "step-00000001.pt", tmp_path / "beta"
    source.write_bytes(bytes(range(256)) * 5)
    ranks = worlds(4)
    for world in ranks:
        world.place = Place(world.rank % 2, 2, ("alpha", "alpha", "beta", "beta"))

    def read(rank: int) -> bytes:
        path = source if seen or rank < 2 else tmp_path / "elsewhere" / source.name
        with at_hand(ranks[rank], path, folder) as found:
            return found.read_bytes()

    found = on_ranks([lambda rank=rank: read(rank) for rank in range(4)])  # type: ignore[misc]
    assert found == [source.read_bytes()] * 4
    assert not folder.exists() or not list(folder.iterdir())
