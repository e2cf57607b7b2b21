"""A log on another machine, read by place as one that is here.

Knows bytes, not what is in them.
"""

import base64

from tuitrain.errors import TuitrainError
from tuitrain.remote.reader import RemoteDirectory
from tuitrain.runs.log import LogFile


class RemoteLogFile(LogFile):
    """Reads a run's log over its host's connection; OSError where that does not answer.

    Attributes:
        alive: the run or its worker lived when it was last asked.
    """

    def __init__(self, directory: RemoteDirectory) -> None:
        super().__init__(directory.log_path)
        self._directory = directory
        self.alive = False

    def size(self) -> int:
        """Return the length in bytes."""
        return self._read(0, 0)[1]

    def _read(self, place: int, most_bytes: int) -> tuple[bytes, int]:
        directory = self._directory
        try:
            answer = directory.connection.ask("log", place, most_bytes, run=directory.id)
        except TuitrainError as error:
            raise OSError(str(error)) from error
        self.alive = bool(answer["alive"])
        return base64.b64decode(answer["block"]), int(answer["size"])
