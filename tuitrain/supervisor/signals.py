"""The signals that a supervisor hears, noted for its loop."""

import signal

_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Signals:
    """Signals in the order in which they came.

    Attributes:
        waiting: those that nobody took yet.
    """

    def __init__(self, *, usr1_stops: bool = False) -> None:
        """Hear nothing yet.

        Args:
            usr1_stops: take SIGUSR1 for SIGTERM, as a scheduler sends it before a job's end.
        """
        self.waiting: list[int] = []
        self._usr1_stops = usr1_stops

    def catch(self) -> None:
        """Note signals from now on; a hang-up of the terminal is none of the run's business."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in _HEARD:
            signal.signal(number, lambda number, _frame: self._note(number))

    def _note(self, number: int) -> None:
        stops = self._usr1_stops and number == signal.SIGUSR1
        self.waiting.append(signal.SIGTERM if stops else number)

    def take(self) -> list[int]:
        """Return those that came since the last call."""
        taken: list[int] = []
        while self.waiting:
            taken.append(self.waiting.pop(0))
        return taken

    def ignore_interrupts(self) -> None:
        """Let Ctrl-C do nothing any more."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
