"""The worker as agent: starts its machine's ranks by torch elastic, and says why they ended.

It trains nothing and uses no device. Restarts are the supervisor's, which are on record.
"""

import contextlib
import gc
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import fields
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from tuitrain.messages import (
    AlertRaised,
    Command,
    Numbered,
    PreparationReported,
    StartTraining,
    Stop,
)
from tuitrain.ranks import (
    CAUSE,
    FOLDER,
    Board,
    Phase,
    RankFailure,
    board_path,
    choose_cause,
    read_failures,
    write_failure,
    write_hosts,
)
from tuitrain.training.channel import WorkerChannel, end_process_group
from tuitrain.training.distributed.cluster import Cluster
from tuitrain.training.distributed.inquest import Inquest
from tuitrain.training.distributed.meeting import Waiting
from tuitrain.training.distributed.rank import DEVICE, GRACE_S, rank_main, shared_environ
from tuitrain.training.runtime.fork_server import end_fork_server, start_method
from tuitrain.training.runtime.work_folder import make_work_folder

_LOOK_S = 0.1
_OVERDUE_S = 8.0
"""After one rank has gone the others are gone by then, or killed: elastic waits for 30 s."""
_ENDING_S = 30.0
_PARTING_S = 3.0


def waiting_on(link: WorkerChannel) -> Waiting:
    """Return what waits for other nodes and tells of it on the worker's channel."""

    def stopped() -> bool:
        arrived: list[Command] = []
        while (command := link.next_command()) is not None:
            arrived.append(command)
        # The others are for rank 0.
        for each in arrived:
            link.put_command(each)
        return link.orphaned or any(isinstance(each, Stop) for each in arrived)

    return Waiting(
        lambda text: link.send(PreparationReported(time.time(), text)),
        lambda text: link.send(AlertRaised(time.time(), 0, "hang", text)),
        stopped,
    )


def lead(
    order: StartTraining,
    link: WorkerChannel,
    events: "Queue[Numbered]",
    commands: "Queue[Command]",
    cluster: Cluster,
) -> None:
    """Train with several ranks; return when all of them have ended.

    Rank 0 tells how the run ended; what no rank could tell is left in the run's folder.
    """
    directory = Path(order.run_directory)
    board = begin_folder(directory, cluster)
    if cluster.nodes is None:
        link.send(PreparationReported(time.time(), f"starting {cluster.size} ranks"))
    link.enter_training()
    orphaned, tell_orphaned = get_context("spawn").Pipe(duplex=False)
    launch = Launch(order, cluster, (order, events, commands, link.hand_over(), orphaned))

    deadline = OrphanDeadline(board)

    def pass_on() -> None:
        if link.orphaned and not tell_orphaned.closed:
            tell_orphaned.send(True)
            tell_orphaned.close()
        if deadline.is_over(orphaned=link.orphaned):
            launch.clear()
            end_process_group()

    cause = run_ranks(directory, launch, board, cluster, pass_on)
    if cause is not None:
        write_failure(directory, cause, CAUSE)
    else:
        shutil.rmtree(directory / FOLDER, ignore_errors=True)
    launch.clear()


def begin_folder(directory: Path, cluster: Cluster) -> Board:
    """Make what ranks leave for others to read, afresh; return their board."""
    shutil.rmtree(directory / FOLDER, ignore_errors=True)
    board = Board.create(board_path(directory), cluster.size)
    if cluster.hosts:
        write_hosts(directory, cluster.hosts)
    return board


def run_ranks(
    directory: Path,
    launch: "Launch",
    board: Board,
    cluster: Cluster,
    look: Callable[[], None] = lambda: None,
) -> RankFailure | None:
    """Start this machine's ranks and return once they have ended; what ended them, if they failed.

    Args:
        directory: where they leave what others read.
        launch: starts them.
        board: where they are.
        cluster: all ranks.
        look: what else there is to be done meanwhile.
    """
    signals = _PassedOn(board, cluster.first)
    os.environ[DEVICE] = cluster.team.device
    launch.begin()
    watch = _Watch(board, cluster.own)
    inquest = Inquest(directory, board, cluster)
    cause = None
    # Until elastic has noticed that none is left, or has had the time to.
    while cause is None and not watch.all_ended():
        if cluster.nodes is None and (not launch.lasts or watch.end_overdue()):
            break
        time.sleep(_LOOK_S)
        signals.pass_on()
        look()
        cause = inquest.poll(launch.exits, lasts=launch.lasts, living=watch.living)
    if watch.all_ended():
        launch.wait(_ENDING_S)
    else:
        watch.kill()
    if cause is None and (launch.failed or not watch.all_ended()):
        cause = choose_cause(read_failures(directory), launch.exits)
    inquest.close(cause, _PARTING_S)
    return cause


class _PassedOn:
    """Signals that this process gets: a rank hears them as soon as it can, and they are agreed on.

    On node 0 that is rank 0, which decides for all.
    """

    def __init__(self, board: Board, rank: int) -> None:
        self._board = board
        self._rank = rank
        self._numbers: list[int] = []
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, lambda number, _frame: self._numbers.append(number))

    def pass_on(self) -> None:
        """Pass on what has come, once the rank listens."""
        pid = self._board.standings()[self._rank].pid
        while pid and self._numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, self._numbers.pop(0))


class _Watch:
    """Looks which ranks live, and ends those that outlive another one for too long."""

    def __init__(
        self, board: Board, own: range, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._board = board
        self._own = own
        self._clock = clock
        self._since: float | None = None
        """When the first of them was gone."""

    def all_ended(self) -> bool:
        """Return whether all ranks have done what there was to do."""
        standings = self._board.standings()
        return all(standings[rank].phase == "ended" for rank in self._own)

    @property
    def _started(self) -> list[int]:
        standings = self._board.standings()
        return [standings[rank].pid for rank in self._own if standings[rank].pid]

    def living(self) -> list[int]:
        """Return the processes that run."""
        return [pid for pid in self._started if _lives(pid)]

    def end_overdue(self) -> bool:
        """Kill the ranks that are left where one has been gone for long; return whether all are."""
        living = self.living()
        if len(living) == len(self._started):
            return False
        now = self._clock()
        self._since = self._since or now
        if now - self._since > _OVERDUE_S:
            self.kill()
        return not living and now - self._since > _OVERDUE_S

    def kill(self) -> None:
        """Kill the ranks that are left."""
        for pid in self.living():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class OrphanDeadline:
    """Says when ranks whose supervisor is gone have stood still for too long to save any more.

    All of them save at a step that they agree on, which one that is stuck never comes to.
    """

    STUCK_S = 5.0
    """So long, or twice the longest of the last steps, no rank may get any further."""
    _STEPS = 2.0

    def __init__(self, board: Board, clock: Callable[[], float] = time.monotonic) -> None:
        """Watch ranks.

        Args:
            board: where they are.
            clock: seconds.
        """
        self._board = board
        self._clock = clock
        self._seen: list[tuple[int, Phase]] = []
        """Step and phase of each."""
        self._moved_at = clock()
        self._still_s: deque[float] = deque(maxlen=16)
        """How long steps stood still of late; each begins and ends in one."""
        self._orphaned_at: float | None = None

    def is_over(self, *, orphaned: bool) -> bool:
        """Look where the ranks are; return whether they are to be ended."""
        now = self._clock()
        seen = [(each.step, each.phase) for each in self._board.standings()]
        if seen != self._seen:
            if self._phases <= {"step", "beat"}:
                self._still_s.append(now - self._moved_at)
            self._seen, self._moved_at = seen, now
        if not orphaned:
            return False
        if self._orphaned_at is None:
            self._orphaned_at = now
        whole_s, still_s = now - self._orphaned_at, now - self._moved_at
        return whole_s > GRACE_S or min(whole_s, still_s) > self._limit_s()

    def _limit_s(self) -> float:
        if self._phases <= {"starting"}:
            # There is nothing to save.
            return 0.0
        if self._phases & {"checkpoint", "evaluation"}:
            return GRACE_S
        return max(self.STUCK_S, self._STEPS * max(self._still_s, default=0.0))

    @property
    def _phases(self) -> set[Phase]:
        return {phase for _step, phase in self._seen} or {"starting"}


def _lives(pid: int) -> bool:
    """Return whether a process runs; one that waits to be collected does not."""
    import psutil

    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


class Launch:
    """Torch elastic's launch of the ranks, in a thread: signals stay this program's own."""

    def __init__(self, order: StartTraining, cluster: Cluster, arguments: tuple[Any, ...]) -> None:
        self.failed = False
        self.exits: dict[int, int] = {}
        """Exit code of the rank that was the first to fail."""
        # The same on all machines, whose folders have names of their own.
        run = "nodes" if cluster.nodes else Path(order.run_directory).name
        self._run_id = f"{run}-{order.attempt}"
        self._cluster = cluster
        self._arguments = arguments
        self._logs = make_work_folder("tuitrain-ranks-")
        self._thread = threading.Thread(target=self._run, name="elastic", daemon=True)

    def begin(self) -> None:
        """Start the ranks."""
        self._thread.start()

    @property
    def lasts(self) -> bool:
        """Whether there are ranks, or elastic has not noticed that there are none."""
        return self._thread.is_alive()

    def wait(self, timeout_s: float) -> None:
        """Wait until all ranks are gone."""
        self._thread.join(timeout_s)

    def clear(self) -> None:
        """Let go of what the launch has left, semaphores too."""
        shutil.rmtree(self._logs, ignore_errors=True)
        end_fork_server()
        self._arguments = ()
        gc.collect()

    def _run(self) -> None:
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.launcher.api import elastic_launch

        # What it has to say of a rank that fails the rank has said already, or the agent does.
        for name in ("torch.distributed.elastic", "torch.multiprocessing"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            elastic_launch(self._config(), rank_main)(shared_environ(), *self._arguments)
        except ChildFailedError as error:
            self.failed = True
            rank, failure = error.get_first_failure()
            self.exits = {rank: failure.exitcode}
        except BaseException as error:
            self.failed = True
            sys.stderr.write(f"torch elastic failed: {type(error).__name__}: {error}\n")

    def _config(self) -> Any:
        from torch.distributed.elastic.multiprocessing.api import DefaultLogsSpecs
        from torch.distributed.launcher.api import LaunchConfig

        given: dict[str, Any] = {
            "nproc_per_node": self._cluster.team.size,
            "run_id": self._run_id,
            **self._rendezvous(),
            "max_restarts": 0,
            "monitor_interval": _LOOK_S,
            "start_method": start_method(),
            "signals_to_handle": "SIGTERM",
            "shutdown_timeout": 5,
            "logs_specs": DefaultLogsSpecs(log_dir=str(self._logs)),
        }
        known = {field.name for field in fields(LaunchConfig)}
        return LaunchConfig(**{key: value for key, value in given.items() if key in known})

    def _rendezvous(self) -> dict[str, Any]:
        nodes = self._cluster.nodes
        if nodes is None:
            return {
                "min_nodes": 1, "max_nodes": 1, "rdzv_backend": "c10d",
                "rdzv_endpoint": "localhost:0", "local_addr": "localhost",
            }  # fmt: skip
        # The static one numbers nodes as they are told: the first ranks are those of node 0.
        return {
            "min_nodes": nodes.number, "max_nodes": nodes.number, "rdzv_backend": "static",
            "rdzv_endpoint": nodes.rendezvous, "rdzv_configs": {"rank": nodes.rank},
        }  # fmt: skip
