"""What a script is told: passed on to what watches it from within, or answered in its place.

Knows pipes and the process; nothing of what the script says, but that it hears.
"""

import json
import queue
import time
from typing import Literal

from tuitrain.file_lock import is_held
from tuitrain.messages import (
    ChangeSetting,
    CommandDone,
    Continue,
    Evaluate,
    Numbered,
    Pause,
    Profile,
    SaveCheckpoint,
    Stop,
    to_plain,
)
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import NO_STEPS
from tuitrain.supervisor.intake import Unreadable
from tuitrain.supervisor.scripts.hearing import ScriptHearing
from tuitrain.supervisor.scripts.pipes import ScriptPipes
from tuitrain.supervisor.scripts.targets import AskingScript, Target

Asked = Pause | Continue | SaveCheckpoint | ChangeSetting | Evaluate | Profile
Inbox = queue.SimpleQueue[Numbered | Unreadable]


class ScriptOrders:
    """Gives a script its commands.

    Attributes:
        stopped: it was told to stop.
    """

    def __init__(
        self,
        directory: RunDirectory,
        target: Target,
        pipes: ScriptPipes,
        hearing: ScriptHearing,
        inbox: Inbox,
    ) -> None:
        """Give commands by these pipes.

        Args:
            directory: of the run.
            target: the script's process.
            pipes: to whatever watches it from within.
            hearing: knows what it can be asked, and numbers what is answered for it.
            inbox: takes that.
        """
        self.stopped = False
        self._directory, self._target, self._pipes = directory, target, pipes
        self._hearing, self._inbox = hearing, inbox

    def ask(self, command: Asked) -> None:
        """Pass on what is done at a step."""
        if not self._hears:
            self._answer(command.command_id, "refused", NO_STEPS)
        elif not self._pipes.write(json.dumps(to_plain(command))):
            self._answer(command.command_id, "refused", "too many commands wait already")

    def stop(self, stop: Stop) -> None:
        """Have it end: at its next step, or as by Ctrl-C where no step is seen."""
        self.stopped = True
        if self._hears and self._pipes.write(json.dumps(to_plain(stop))):
            return
        self._target.interrupt()
        self._answer(stop.command_id, "done", "no step is seen: interrupted, as by Ctrl-C")

    @property
    def _hears(self) -> bool:
        """Whether a process of the script takes commands at its steps."""
        if self._hearing.ability == "watched":
            return False
        return self._target.exit_code is None and (
            isinstance(self._target, AskingScript) or is_held(self._directory.script_lock_path)
        )

    def _answer(self, command_id: int, outcome: Literal["done", "refused"], text: str) -> None:
        if command_id:
            done = CommandDone(time.time(), command_id, outcome, text, self._hearing.last_step)
            self._inbox.put(self._hearing.number(done))
