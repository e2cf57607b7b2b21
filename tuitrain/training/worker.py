"""The worker process: connects, trains, and says how it ended.

Importing this module does not import torch; that is left until the link is up, so that a
supervisor that dies meanwhile is noticed.
"""

import importlib
import os
import re
import sys
import time
import traceback
from contextlib import suppress
from multiprocessing.queues import Queue
from pathlib import Path
from typing import NoReturn

from tuitrain.config.several_ranks import has_several_ranks, is_for_ranks
from tuitrain.errors import TuitrainError
from tuitrain.file_lock import FileLock
from tuitrain.messages import (
    Command,
    EstimateCost,
    Numbered,
    StartTraining,
    TrainingEnded,
    WorkerStarted,
)
from tuitrain.training.channel import WorkerChannel, end_process_group, stop_on_signals
from tuitrain.training.runtime.fork_server import end_fork_server
from tuitrain.training.runtime.stacks import write_stacks_at_signal

ORPHAN_GRACE_S = 60.0
"""How long an orphaned worker may take to save before it ends itself."""
_DRAIN_S = 30.0
_LOOK_S = 1.0
_CAUGHT = re.compile(r"Caught \w+ in (DataLoader worker process \d+)\.")


def main(events: "Queue[Numbered]", commands: "Queue[Command]") -> NoReturn:
    """Wait for an order and carry it out; every ending is told as `TrainingEnded`."""
    # Read when torch is imported: else Kineto tells of each profile's begin and end on stderr.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    link = WorkerChannel(events, commands, ORPHAN_GRACE_S)
    link.start()
    _import_torch()
    order = _await_order(link)
    sys.path[:0] = order.code_folders
    link.begin(order.attempt)
    stop_on_signals(link, usr1_stops=order.usr1_stops)
    write_stacks_at_signal(Path(order.run_directory) / "stacks.txt")
    link.send(WorkerStarted(time.time(), os.getpid()))
    with FileLock(Path(order.run_directory) / "worker.lock"):
        ended = _train(order, link) if _is_for_one(order) else _lead(order, link, events, commands)
        if ended is not None:
            link.send(ended)
            link.drain(_DRAIN_S)
    # Everything is on record. Taking torch down takes a second and fills the log with words about
    # what its libraries did not free; the system frees it at once.
    sys.stdout.flush()
    sys.stderr.flush()
    if link.orphaned:
        # No supervisor is left to end a loader that hangs.
        end_process_group()
    os._exit(0)


def _import_torch() -> None:
    """Import what every order needs, while whoever gives it still reads its settings.

    What fails here fails again where the order needs it, and is told there.
    """
    with suppress(Exception):
        importlib.import_module("tuitrain.training.runtime.lazy_dynamo").put_off_dynamo()
        importlib.import_module("tuitrain.training.session")


def _prepare_ranks() -> None:
    """Let ranks begin with all that this process has imported; else they import it themselves."""
    with suppress(Exception):
        importlib.import_module("tuitrain.training.distributed.rank").prepare_ranks()


def _await_order(link: WorkerChannel) -> StartTraining:
    """Return the order; until it comes, warm up and say what presets would take.

    An order goes before the questions that came with it, and of several questions only the last
    is still asked.
    """
    warm = False
    question: EstimateCost | None = None
    while True:
        for command in _arrived(link):
            if isinstance(command, StartTraining):
                write_to(Path(command.run_directory) / "worker.log")
                if warm:
                    from tuitrain.training.estimate import forget_components

                    forget_components()
                elif not _is_for_one(command):
                    _prepare_ranks()
                return command
            if isinstance(command, EstimateCost):
                question = command
        if question is None:
            link.wait_for_command(_LOOK_S)
            continue
        from tuitrain.training.estimate import estimate_cost, warm_up, warm_up_apart

        if warm:
            link.send(estimate_cost(question))
            question = None
        else:
            # Whatever is computed from here on keeps this process from being copied.
            for_ranks = is_for_ranks(question.config)
            if for_ranks:
                _prepare_ranks()
            warm = True
            link.send(warm_up_apart() if for_ranks else warm_up())


def _arrived(link: WorkerChannel) -> list[Command]:
    commands: list[Command] = []
    while (command := link.next_command()) is not None:
        commands.append(command)
    return commands


def write_to(log_path: Path) -> None:
    """Let everything this process writes from now on land in the run's log."""
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _is_for_one(order: StartTraining) -> bool:
    """Return whether an order is for one rank, which is this process."""
    return order.nodes is None and not has_several_ranks(order.config)


def _lead(
    order: StartTraining,
    link: WorkerChannel,
    events: "Queue[Numbered]",
    commands: "Queue[Command]",
) -> TrainingEnded | None:
    """Train an order for several ranks as their agent; rank 0 tells how it ended.

    Returns:
        The end of a run that no rank could begin, or that turns out to be for one.
    """
    from tuitrain.training.distributed.agent import lead, waiting_on
    from tuitrain.training.distributed.cluster import Cluster, team_of
    from tuitrain.training.distributed.meeting import MeetingEndedError, host_meeting

    try:
        team = team_of(order)
        cluster = Cluster(team, team.size)
        if order.nodes is not None:
            cluster = host_meeting(order, team, waiting_on(link))
    except MeetingEndedError:
        return TrainingEnded(time.time(), 0, "stopped", "stopped while it waited for other nodes")
    except TuitrainError as error:
        traceback.print_exc()
        return explain_failure(error)
    if cluster.size == 1:
        return _train(order, link)
    lead(order, link, events, commands, cluster)
    return None


def _train(order: StartTraining, link: WorkerChannel) -> TrainingEnded:
    end_fork_server()
    try:
        from tuitrain.training.session import Session

        ended = Session(order, link).run()
        sys.stderr.write(ended.traceback)
        return ended
    except BaseException as error:
        # The border of the process: whatever went wrong in training is told, not lost. A part of
        # the user's may raise SystemExit or KeyboardInterrupt too.
        traceback.print_exc()
        return explain_failure(error)


def explain_failure(error: BaseException) -> TrainingEnded:
    """Return the end of a run that an error ends; called while it is handled."""
    if isinstance(error, TuitrainError):
        return _failed(_with_notes(str(error), error), error.detail)
    return _failed(_with_notes(_explain(error), error), traceback.format_exc())


def _failed(reason: str, trace: str = "") -> TrainingEnded:
    return TrainingEnded(time.time(), 0, "failed", reason, trace)


def _explain(error: BaseException) -> str:
    text = _text_of(error).strip()
    if caught := _CAUGHT.match(text):
        # torch hands on a loader's error as one text that ends in what was raised.
        return f"{text.splitlines()[-1]} (in {caught[1]})"
    text = _first_line(text)
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return said if text and isinstance(error, Exception) else f"{said} ({_place(error)})"


def _place(error: BaseException) -> str:
    """Return the line that raised an error which says little by itself."""
    [*_, last] = traceback.extract_tb(error.__traceback__)
    return f"raised in {last.name}, {Path(last.filename).name} line {last.lineno}"


def _with_notes(reason: str, error: BaseException) -> str:
    """Return a reason with what became of the run's last step."""
    notes = [_first_line(note) for note in getattr(error, "__notes__", ())]
    return "; ".join([reason.rstrip(".") if notes else reason, *notes])


def _text_of(error: BaseException) -> str:
    """Return what an error says; a user's own class may fail at that."""
    try:
        return str(error)
    except Exception as second:
        return f"its text can't be had ({type(second).__name__})"


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0]
