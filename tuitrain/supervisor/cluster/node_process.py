"""A machine other than node 0: starts its agent, shows what it says, and ends as the run does.

There is no record here: node 0's supervisor has it.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tuitrain.errors import EXIT_FAILED, EXIT_TERMINATED
from tuitrain.messages import Nodes
from tuitrain.ranks import RankFailure
from tuitrain.supervisor.cluster.node_child import begin_node
from tuitrain.supervisor.cluster.words import cause_words
from tuitrain.supervisor.signals import Signals
from tuitrain.supervisor.worker_process import describe_exit, interrupts_held, kill_group

_LOOK_S = 0.1


class NodeProcess:
    """The agent of this machine, for as long as the run lasts."""

    def __init__(
        self,
        nodes: Nodes,
        data_directory: Path,
        code_folders: Sequence[str],
        named: str,
        say: Callable[[str], None],
        signals: Signals,
    ) -> None:
        """Prepare to take part in a run.

        Args:
            nodes: which one this is, and where they meet.
            data_directory: where data sets are kept on this machine.
            code_folders: put first on the import path, for own code.
            named: the preset that the command line names, as TOML; empty: none.
            say: shows a line.
            signals: of this process; passed on.
        """
        self._say = say
        self._signals = signals
        context = multiprocessing.get_context("spawn")
        self._answers, there = context.Pipe(duplex=False)
        self._process = context.Process(
            target=begin_node,
            args=(nodes, str(data_directory), tuple(code_folders), named, there),
            name="tuitrain-node",
        )
        self._there: Connection | None = there
        self._stops = 0

    def run(self) -> int:
        """Take part until the run has ended; return the exit code."""
        self._signals.catch()
        with interrupts_held():
            self._process.start()
        assert self._there is not None
        # The pipe ends with the child only where this process does not hold its other end.
        self._there.close()
        self._there = None
        try:
            while True:
                self._pass_on()
                if not self._answers.poll(_LOOK_S):
                    continue
                with contextlib.suppress(EOFError, OSError):
                    answer = self._answers.recv()
                    if answer[0] == "say":
                        self._say(str(answer[1]))
                        continue
                    return self._conclude(*answer[1:])
                return self._unannounced_end()
        finally:
            self._end()

    def _pass_on(self) -> None:
        for number in self._signals.take():
            self._stops += number != signal.SIGUSR1
            if self._stops > 1:
                self._end()
                return
            passed = signal.SIGUSR1 if number == signal.SIGUSR1 else signal.SIGTERM
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid or 0, passed)

    def _conclude(self, exit_code: int, text: str, failure: dict[str, Any] | None) -> int:
        if failure is not None:
            cause = RankFailure(**failure)
            text = f"failed: {cause_words(cause)}"
        if text:
            self._say(text)
        return exit_code

    def _unannounced_end(self) -> int:
        self._process.join()
        if self._stops > 1:
            self._say("stopped twice: ended at once")
            return EXIT_TERMINATED
        self._say(f"the agent of this machine {describe_exit(self._process.exitcode)}")
        return EXIT_FAILED

    def _end(self) -> None:
        """Leave nothing of the agent and its ranks behind."""
        kill_group(self._process.pid or 0)
        self._process.join()
