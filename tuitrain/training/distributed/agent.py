"""The worker as agent: starts the ranks by torch elastic, watches them, and says why they ended.

It trains nothing and uses no device. Restarts are the supervisor's, which are on record.
"""

import contextlib
import gc
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from tuitrain.config.load import parse_preset
from tuitrain.errors import DeviceError
from tuitrain.messages import Command, Numbered, PreparationReported, StartTraining
from tuitrain.ranks import (
    CAUSE,
    FOLDER,
    Board,
    board_path,
    choose_cause,
    read_failures,
    write_failure,
)
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.distributed.rank import DEVICE, rank_main

_LOOK_S = 0.1
_OVERDUE_S = 8.0
"""After one rank has gone the others are gone by then, or killed: elastic waits for 30 s."""
_ENDING_S = 30.0


@dataclass(frozen=True, slots=True)
class Team:
    """How many ranks, and on what."""

    size: int
    device: str
    """cuda or cpu."""


def team_of(order: StartTraining) -> Team:
    """Return the ranks that an order is for.

    Raises:
        DeviceError: there are not as many GPUs.
    """
    train = parse_preset(order.config, "config.toml").train
    if train.ranks == 1:
        return Team(1, "")
    import torch

    # Counted by the driver's library: the agent makes no CUDA context.
    gpus = torch.cuda.device_count()
    device = train.device.partition(":")[0]
    if device == "auto":
        device = "cuda" if gpus else "cpu"
    size = (max(1, gpus) if device == "cuda" else 1) if train.ranks == "auto" else train.ranks
    if device == "cuda" and size > gpus:
        raise DeviceError(
            f"train.ranks = {size}: each rank needs a GPU of its own, and this machine has {gpus} "
            'that torch can use; take fewer, "auto", or train.device = cpu'
        )
    return Team(size, device)


def lead(
    order: StartTraining,
    link: WorkerChannel,
    events: "Queue[Numbered]",
    commands: "Queue[Command]",
    team: Team,
) -> None:
    """Train with several ranks; return when all of them have ended.

    Rank 0 tells how the run ended; what no rank could tell is left in the run's folder.
    """
    directory = Path(order.run_directory)
    shutil.rmtree(directory / FOLDER, ignore_errors=True)
    board = Board.create(board_path(directory), team.size)
    link.send(PreparationReported(time.time(), f"starting {team.size} ranks"))
    link.enter_training()
    orphaned, tell_orphaned = get_context("spawn").Pipe(duplex=False)
    handed = link.hand_over()
    os.environ[DEVICE] = team.device
    launch = _Launch(order, team, (order, events, commands, handed, orphaned))
    signals = _PassedOn(board)
    launch.begin()
    watch = _Watch(board)
    # Until elastic has noticed that none is left, or has had the time to.
    while launch.lasts and not watch.all_ended() and not watch.end_overdue():
        time.sleep(_LOOK_S)
        signals.pass_on()
        if link.orphaned and not tell_orphaned.closed:
            tell_orphaned.send(True)
            tell_orphaned.close()
    if watch.all_ended():
        launch.wait(_ENDING_S)
    if launch.failed or not watch.all_ended():
        cause = choose_cause(read_failures(directory), launch.exits)
        write_failure(directory, cause, CAUSE)
    else:
        shutil.rmtree(directory / FOLDER, ignore_errors=True)
    launch.clear()


class _PassedOn:
    """Signals that this process gets: rank 0 decides for all, and hears them as soon as it can."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._numbers: list[int] = []
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, lambda number, _frame: self._numbers.append(number))

    def pass_on(self) -> None:
        """Pass on what has come, once rank 0 listens."""
        pid = self._board.standings()[0].pid
        while pid and self._numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, self._numbers.pop(0))


class _Watch:
    """Looks which ranks live, and ends those that outlive another one for too long."""

    def __init__(self, board: Board, clock: Callable[[], float] = time.monotonic) -> None:
        self._board = board
        self._clock = clock
        self._since: float | None = None
        """When the first of them was gone."""

    def all_ended(self) -> bool:
        """Return whether all ranks have done what there was to do."""
        return all(each.phase == "ended" for each in self._board.standings())

    def end_overdue(self) -> bool:
        """Kill the ranks that are left where one has been gone for long; return whether all are."""
        pids = [each.pid for each in self._board.standings() if each.pid]
        living = [pid for pid in pids if _lives(pid)]
        if len(living) == len(pids):
            return False
        now = self._clock()
        self._since = self._since or now
        if now - self._since > _OVERDUE_S:
            for pid in living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return not living and now - self._since > _OVERDUE_S


def _lives(pid: int) -> bool:
    """Return whether a process runs; one that waits to be collected does not."""
    import psutil

    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


class _Launch:
    """Torch elastic's launch of the ranks, in a thread: signals stay this program's own."""

    def __init__(self, order: StartTraining, team: Team, arguments: tuple[Any, ...]) -> None:
        self.failed = False
        self.exits: dict[int, int] = {}
        """Exit code of the rank that was the first to fail."""
        self._run_id = f"{Path(order.run_directory).name}-{order.attempt}"
        self._team = team
        self._arguments = arguments
        self._logs = tempfile.mkdtemp(prefix="tuitrain-ranks-")
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
        self._arguments = ()
        gc.collect()

    def _run(self) -> None:
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.launcher.api import elastic_launch

        # What it has to say of a rank that fails the rank has said already, or the agent does.
        for name in ("torch.distributed.elastic", "torch.multiprocessing"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            elastic_launch(self._config(), rank_main)(*self._arguments)
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
            "min_nodes": 1,
            "max_nodes": 1,
            "nproc_per_node": self._team.size,
            "run_id": self._run_id,
            "rdzv_backend": "c10d",
            "rdzv_endpoint": "localhost:0",
            "local_addr": "localhost",
            "max_restarts": 0,
            "monitor_interval": _LOOK_S,
            "start_method": "spawn",
            "signals_to_handle": "SIGTERM",
            "shutdown_timeout": 5,
            "logs_specs": DefaultLogsSpecs(log_dir=self._logs),
        }
        known = {field.name for field in fields(LaunchConfig)}
        return LaunchConfig(**{key: value for key, value in given.items() if key in known})
