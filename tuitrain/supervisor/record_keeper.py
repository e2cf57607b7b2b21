"""Puts what comes in on record, and lets training wait while the disk is full.

Knows the record, and the worker as somebody who takes commands.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable

from tuitrain.errors import DiskFullError, HeldRecordError
from tuitrain.messages import (
    Acknowledge,
    AlertRaised,
    Command,
    Event,
    HoldForRecord,
    Numbered,
    RecordWritable,
    TrainingEnded,
    left_out_alert,
)
from tuitrain.runs.rows import CommandRow
from tuitrain.runs.writer import RunWriter

_RETRY_S = 2.0


class RecordKeeper:
    """Keeps one run's record; what a full disk or a held database does not take waits here.

    Every method raises RecordError when the record can't be written for another reason.

    Attributes:
        holding: nothing can be recorded just now, and training was told to wait.
    """

    def __init__(
        self,
        writer: RunWriter,
        send: Callable[[Command], None],
        clock: Callable[[], float] = time.time,
        while_held: str = "Training holds.",
    ) -> None:
        """Keep a record.

        Args:
            writer: of the record.
            send: gives the worker a command; never waits.
            clock: seconds since the epoch.
            while_held: what becomes of training while nothing can be recorded.
        """
        self.holding = False
        self._while_held = while_held
        self._writer = writer
        self._send = send
        self._clock = clock
        self._unrecorded: deque[Numbered] = deque()
        self._alerts: deque[AlertRaised] = deque()
        self._news: list[AlertRaised] = []
        self._retry_at = 0.0
        self._why = ""

    # --- what the worker says -------------------------------------------------------------------

    def record(self, events: Iterable[Numbered] = (), *, at_once: bool = False) -> list[Event]:
        """Record events after those that wait; return what is on record by that, in order.

        Args:
            events: the newest.
            at_once: try, even if it could not be a moment ago.
        """
        self._unrecorded.extend(events)
        if not self._unrecorded or (self.holding and not at_once and not self._retry_is_due):
            return []
        if self.holding:
            # Before what had to wait: whoever sees that on record finds the reason there too.
            self._record_alerts()
        batch = list(self._unrecorded)
        try:
            sequence = self._writer.record(batch)
        except HeldRecordError as error:
            self._hold(error)
            return []
        self._unrecorded.clear()
        self._send(Acknowledge(sequence))
        self._release()
        return [item.event for item in batch]

    def add_end(self, ended: TrainingEnded) -> None:
        """Record an end that no worker told."""
        self._writer.change_state(
            ended.time,
            ended.state,
            ended.reason,
            at_rest=True,
            detail=ended.traceback,
            step=ended.step,
        )

    def require_all(self, run_id: str) -> None:
        """Make sure that nothing of what the worker said is lacking.

        Raises:
            HeldRecordError: it still can't be written.
        """
        if self._unrecorded:
            raise HeldRecordError(
                f"{run_id}: how this went on could not be recorded: {self._why} Then `tuitrain "
                f"resume {run_id}`"
            )

    # --- what may wait, or be done without --------------------------------------------------------

    def add_alert(self, alert: AlertRaised) -> None:
        """Record an alert, now or once it can be."""
        self._alerts.append(alert)
        self._record_alerts()

    def retry(self, *, at_once: bool = False) -> None:
        """Record the alerts that wait, if it is time to try again, or at once."""
        if self._alerts and (at_once or self._retry_is_due):
            self._record_alerts()

    def take_alerts(self, step: int) -> list[AlertRaised]:
        """Return the alerts that recording itself gives rise to, once each.

        Args:
            step: the run's last one.
        """
        news, self._news = self._news, []
        if left_out := self._writer.take_left_out():
            news.append(left_out_alert(self._clock(), step, left_out))
        return news

    def store(self, write: Callable[[RunWriter], None]) -> None:
        """Record something that can be done without when the record can't be written."""
        try:
            write(self._writer)
        except HeldRecordError:
            self._put_off()

    def _record_alerts(self) -> None:
        try:
            while self._alerts:
                alert = self._alerts[0]
                self._writer.add_alert(alert.time, alert.kind, alert.text, alert.step, alert.detail)
                self._alerts.popleft()
        except HeldRecordError:
            self._put_off()

    # --- what people want -----------------------------------------------------------------------

    def take_commands(self) -> list[CommandRow]:
        """Return the commands that came since the last call; none while training holds."""
        if self.holding:
            return []
        try:
            return self._writer.commands.take(self._clock())
        except HeldRecordError as error:
            self._hold(error)
            return []

    def answer(self, command_id: int, outcome: str, text: str) -> None:
        """Record what became of a command."""
        self.store(lambda writer: writer.commands.finish(command_id, self._clock(), outcome, text))

    # --- a record that can't be written -----------------------------------------------------------

    @property
    def _retry_is_due(self) -> bool:
        return time.monotonic() >= self._retry_at

    def _put_off(self) -> None:
        self._retry_at = time.monotonic() + _RETRY_S

    def _hold(self, error: HeldRecordError) -> None:
        """Let training wait: what it does now could not be recorded."""
        self._put_off()
        self._why = str(error)
        if not self.holding:
            self.holding = True
            reason = f"the record can't be written: {error}"
            kind = "disk" if isinstance(error, DiskFullError) else "record"
            self._news.append(AlertRaised(self._clock(), 0, kind, f"{reason} {self._while_held}"))
            self._send(HoldForRecord(reason))

    def _release(self) -> None:
        """Let training go on, with what it waited for on record."""
        if self.holding:
            self.holding = False
            self._send(RecordWritable())
