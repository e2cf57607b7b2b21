"""What a rank's process does: join the others, train, and say why where it can't go on.

Rank 0 has taken over the worker's channel; the agent, its parent, only watches.
"""

import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import parent_process
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, cast

from tuitrain.components.registry import import_components
from tuitrain.config.catalogue import read_catalogue
from tuitrain.messages import Command, Numbered, StartTraining
from tuitrain.ranks import (
    Board,
    RankFailure,
    RanksEnded,
    board_path,
    read_failures,
    read_hosts,
    write_end,
    write_failure,
)
from tuitrain.training.channel import HandedOver, WorkerChannel, stop_on_signals
from tuitrain.training.distributed.channel import QuietChannel
from tuitrain.training.runtime.fork_server import begin_fork_server, die_with_parent
from tuitrain.training.runtime.stacks import write_stacks_at_signal
from tuitrain.training.worker import write_to

GRACE_S = 60.0
"""How long a rank may take to save once the supervisor is gone."""
_TIMEOUT = timedelta(hours=24)
"""A full disk is waited for in the middle of an exchange. Who dies is noticed at once: its
connections are closed."""
_DRAIN_S = 30.0
_LAST_WORDS_S = 2.0
_PEER_S = 10.0
"""A rank that has lost another one leaves it to the agent to see which one that is."""
_STUCK_S = 3.0
"""A rank that is told to end as another one has failed may be in an exchange for good."""
_LOOK_S = 0.1


def prepare_ranks() -> None:
    """Have ranks forked from a copy of this process, the agent, with all that each would import.

    Called by the main thread, before anything is computed.
    """
    from tuitrain.training.runtime.lazy_dynamo import put_off_dynamo

    put_off_dynamo()
    for module in ("tuitrain.training.session", "torch.distributed.launcher.api"):
        importlib.import_module(module)
    if importlib.import_module("torch").cuda.is_initialized():
        # A copy of a process that has a context can't use the device.
        return
    import_components()
    read_catalogue()
    begin_fork_server()


def rank_main(
    environ: Mapping[str, str],
    order: StartTraining,
    events: "Queue[Numbered] | None",
    commands: "Queue[Command] | None",
    handed: HandedOver | None,
    orphaned: Connection | None,
) -> int:
    """Train as one of several ranks; return its number once the run is over.

    Args:
        environ: of the agent, what is for its ranks.
        order: of the run.
        events: rank 0 tells; None on a machine that has no supervisor, as the three below.
        commands: rank 0 hears.
        handed: what the agent's channel had.
        orphaned: becomes readable when the supervisor is gone.
    """
    os.environ.update(environ)
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    directory = Path(order.run_directory)
    _end_with_parent()
    if events:
        # The agent may have been copied before it knew the run.
        write_to(directory / "worker.log")
    channel: WorkerChannel = QuietChannel()
    if events and commands and handed and orphaned and rank == 0:
        channel = WorkerChannel(events, commands, GRACE_S)
        channel.take_over(order.attempt, handed)
        channel.listen()
        _run_aside(partial(_await_orphaned, orphaned, channel))
    _set_up_process(rank, order, channel)
    board = Board(board_path(directory), size)
    board.put(rank, 0, "starting")
    try:
        world = _join(order, rank, size, board)
        _train(order, channel, world)
        board.put(rank, 0, "ended")
    except BaseException as error:
        # The border of the process: whatever went wrong is left for the agent to tell.
        _fail(directory, channel, rank, error)
    return rank


def _set_up_process(rank: int, order: StartTraining, channel: WorkerChannel) -> None:
    import torch

    from tuitrain.training.runtime.lazy_dynamo import put_off_dynamo

    directory = Path(order.run_directory)
    put_off_dynamo()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    torch.multiprocessing._set_thread_name(f"rank {rank}")
    stop_on_signals(channel, usr1_stops=order.usr1_stops)
    stop = signal.getsignal(signal.SIGTERM)

    def note(number: int, frame: Any) -> None:
        if callable(stop):
            stop(number, frame)
        _run_aside(lambda: _end_if_others_failed(directory))

    signal.signal(signal.SIGTERM, note)
    write_stacks_at_signal(directory / "stacks.txt")


def _join(order: StartTraining, rank: int, size: int, board: Board) -> Any:
    """Meet the other ranks, on the device's library and on gloo."""
    import torch
    import torch.distributed as dist

    from tuitrain.training.distributed.flight import record_flight
    from tuitrain.training.distributed.world import Place, World

    record_flight(Path(order.run_directory), rank)
    sys.path[:0] = order.code_folders
    if sys.platform == "linux":
        # All are on this machine: no name of it has to lead anywhere.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    if os.environ[DEVICE] == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", timeout=_TIMEOUT, device_id=device)
    else:
        dist.init_process_group("gloo", timeout=_TIMEOUT)
    group = dist.new_group(backend="gloo", timeout=_TIMEOUT, group_desc="beat")
    hosts = read_hosts(Path(order.run_directory))
    place = Place(int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"]), hosts)
    return World(rank, size, cast(dist.ProcessGroup, group), board, place)


DEVICE = "TUITRAIN_RANK_DEVICE"
"""In the environment: the kind of device that ranks train on."""
_SHARED = (DEVICE, "GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")


def shared_environ() -> dict[str, str]:
    """Return what a rank needs of the agent's environment that may not have been there at first."""
    return {name: os.environ[name] for name in _SHARED if name in os.environ}


def _train(order: StartTraining, channel: WorkerChannel, world: Any) -> None:
    from tuitrain.training.session import Session

    device = os.environ[DEVICE]
    if device == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
    ended = Session(order, channel, world, device).run()
    if world.leads:
        sys.stderr.write(ended.traceback)
        channel.send(ended)
        channel.drain(_DRAIN_S)
    # None is gone before all is on record.
    end = world.first(RanksEnded(ended.state, ended.reason))
    if world.is_spread and not world.place.rank:
        write_end(Path(order.run_directory), end)


# --- the end of another ---------------------------------------------------------------------------


def _run_aside(task: Callable[[], None]) -> None:
    threading.Thread(target=task, daemon=True).start()


def _end_with_parent() -> None:
    """End at once when the agent does: there is nobody left to begin again."""
    parent = parent_process()
    if parent is None:
        return
    die_with_parent()
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    _run_aside(watch)


def _await_orphaned(orphaned: Connection, channel: WorkerChannel) -> None:
    with suppress(EOFError, OSError):
        orphaned.recv()
        channel.orphan()


def _end_if_others_failed(directory: Path) -> None:
    """End soon where SIGTERM came as another rank has failed: this one may wait for it for good."""
    deadline = time.monotonic() + _STUCK_S
    while time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    pids = [each.pid for each in Board(board_path(directory), _size()).standings()]
    if read_failures(directory) or not all(_lives(pid) for pid in pids if pid > 0):
        os._exit(1)


def _size() -> int:
    return int(os.environ["WORLD_SIZE"])


def _lives(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


# --- the end of this one --------------------------------------------------------------------------


def _fail(directory: Path, channel: WorkerChannel, rank: int, error: BaseException) -> None:
    """Leave why this rank ends, and end it."""
    lost_peer = _is_lost_peer(error)
    if lost_peer:
        # What there is to look into is another rank's.
        sys.stderr.write(f"rank {rank} lost another rank and ends\n")
    else:
        traceback.print_exception(error)
    reason, trace, common = _words(error)
    # A file that lacks, say, may lack on one machine only.
    common = common and not read_hosts(directory)
    write_failure(
        directory,
        RankFailure(rank, time.time(), reason, trace, lost_peer=lost_peer, common=common),
    )
    if rank == 0:
        channel.drain(_LAST_WORDS_S)
    if lost_peer:
        # SIGTERM comes as soon as the agent has seen who is gone.
        channel.wait_for_command(_PEER_S)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _words(error: BaseException) -> tuple[str, str, bool]:
    """Return an error as a reason and a traceback, and whether each rank comes to it."""
    from tuitrain.errors import TuitrainError
    from tuitrain.training.endings import RunEndedError
    from tuitrain.training.worker import explain_failure

    if isinstance(error, RunEndedError):
        return error.ended.reason, error.ended.traceback, False
    ended = explain_failure(error)
    return ended.reason, ended.traceback, isinstance(error, TuitrainError)


def _is_lost_peer(error: BaseException) -> bool:
    """Return whether an error only says that another rank can't be reached."""
    import torch.distributed as dist

    text = str(error)
    closed = any(words in text for words in ("Connection closed", "Connection reset", "gloo"))
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and closed)
