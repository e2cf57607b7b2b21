"""The agent of a machine other than node 0: it has ranks, and neither a record nor a supervisor.

What it has to say goes to the process that started it, by a pipe.
"""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import parent_process
from pathlib import Path
from typing import Any, NoReturn

from tuitrain.errors import EXIT_FAILED, EXIT_FINISHED, EXIT_INTERRUPTED, EXIT_TERMINATED
from tuitrain.messages import Nodes, StartTraining
from tuitrain.ranks import RankFailure, RanksEnded, read_end
from tuitrain.training.channel import end_process_group
from tuitrain.training.distributed.agent import Launch, begin_folder, run_ranks
from tuitrain.training.distributed.meeting import (
    MeetingEndedError,
    Waiting,
    join_meeting,
    other_settings,
)
from tuitrain.training.distributed.rank import prepare_ranks
from tuitrain.training.runtime.work_folder import make_work_folder


def main(
    nodes: Nodes,
    data_directory: str,
    code_folders: Sequence[str],
    named: str,
    answers: Connection,
) -> NoReturn:
    """Join a run as one of its nodes, and say how it ended.

    Args:
        nodes: which one this is.
        data_directory: where data sets are kept on this machine.
        code_folders: put first on the import path, for own code.
        named: the preset as this machine's command line has it, as TOML; empty: it names none.
        answers: takes ("say", text), and at last ("end", exit code, text, failure).
    """
    _end_with_parent()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    prepare_ranks()
    work = make_work_folder("tuitrain-node-")
    try:
        end = _take_part(nodes, _Here(str(work), data_directory, code_folders, named, answers))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    answers.send(("end", *end))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


_End = tuple[int, str, dict[str, Any] | None]
"""Exit code, reason, and what ended the ranks where they failed."""


class _Here:
    """What this machine has in the place of node 0's folders."""

    def __init__(
        self, work: str, data: str, code: Sequence[str], named: str, answers: Connection
    ) -> None:
        self.work = work
        self._data = data
        self._code = tuple(code)
        self._named = named
        self._answers = answers
        self._stopped = False

    def say(self, text: str) -> None:
        """Show a line to whoever started this."""
        self._answers.send(("say", text))

    def waiting(self) -> Waiting:
        """Return what waits for the other nodes, until SIGTERM comes."""

        def stop(_number: int, _frame: Any) -> None:
            self._stopped = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        return Waiting(self.say, self.say, lambda: self._stopped)

    def order(self, order: StartTraining) -> StartTraining:
        """Return node 0's order with this machine's folders, and say what it sets otherwise."""
        if changes := other_settings(self._named, order):
            self.say(f"node 0's settings count, not those named here: {', '.join(changes)}")
        return replace(
            order,
            run_directory=self.work,
            data_directory=self._data,
            code_folders=self._code if order.code_folders else (),
        )


def _take_part(nodes: Nodes, here: _Here) -> _End:
    from tuitrain.errors import TuitrainError

    try:
        order, cluster = join_meeting(nodes, here.order, here.waiting())
    except MeetingEndedError:
        return EXIT_TERMINATED, "ended before the run began", None
    except TuitrainError as error:
        return EXIT_FAILED, str(error), None
    own = cluster.own
    ranks = f"ranks {own[0]} to {own[-1]}" if len(own) > 1 else f"rank {own[0]}"
    here.say(f"node {nodes.rank} has {ranks} of {cluster.size}")
    directory = Path(here.work)
    board = begin_folder(directory, cluster)
    launch = Launch(order, cluster, (order, None, None, None, None))
    cause = run_ranks(directory, launch, board, cluster)
    launch.clear()
    return _conclude(cause, read_end(directory))


def _conclude(cause: RankFailure | None, end: RanksEnded | None) -> _End:
    if cause is not None or end is None:
        return EXIT_FAILED, "", None if cause is None else asdict(cause)
    text = f"{end.state}: {end.reason}"
    if end.state == "failed":
        return EXIT_FAILED, text, None
    if end.state == "stopped":
        return EXIT_TERMINATED if end.is_terminated else EXIT_INTERRUPTED, text, None
    return EXIT_FINISHED, text, None


def _end_with_parent() -> None:
    """End with all ranks at once when whoever started this does."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        with suppress(OSError):
            wait([parent.sentinel])
        end_process_group()

    threading.Thread(target=watch, daemon=True).start()
