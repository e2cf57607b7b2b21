"""Watches over one run: feeds the rules, records what they raise, tells who wants to know.

Used by the supervisor between two looks at the worker; it never waits for anybody but the worker's
processes when they are asked for their stacks, and that for seconds at the most.
"""

import os
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from tuitrain.alerts.catalogue import severity
from tuitrain.alerts.rules import Rules
from tuitrain.config.user import NotifySection, load_user_config
from tuitrain.errors import DiskFullError, UsageError
from tuitrain.messages import AlertRaised, Event, Gate, TrainingResumed
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.launch import LaunchSpec
from tuitrain.supervisor.past import past_events
from tuitrain.supervisor.sparing import Sparing
from tuitrain.supervisor.stacks import Asked, as_text, collect_stacks
from tuitrain.supervisor.webhook import Webhook

_RETRY_S = 2.0
_MOST_UNRECORDED = 100
_LOST = "the run was lost: its supervisor was killed, or the machine went down; now it is resumed"

Observer = Callable[[Event], None]
"""Is told of each alert that the monitor raises."""


class AlertMonitor:
    """The alerts of one run, for as long as one supervisor owns it."""

    def __init__(
        self,
        directory: RunDirectory,
        writer: RunWriter,
        observe: Observer,
        rules: Rules,
        notify: NotifySection,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin to watch a run.

        Args:
            directory: the run.
            writer: of its record.
            observe: is told of each alert, once it is on record or can't be.
            rules: what to watch for.
            notify: who else is told.
            clock: seconds since the epoch.
        """
        self.spare = Sparing(self._tell_failed)
        """Calls what the run can do without."""
        self._directory = directory
        self._writer = writer
        self._observe = observe
        self._clock = clock
        self._gate = Gate(clock)
        self._rules = rules
        self._kinds = frozenset(notify.kinds)
        self._webhook = Webhook(notify.webhook) if notify.webhook else None
        self._unrecorded: deque[AlertRaised] = deque(maxlen=_MOST_UNRECORDED)
        self._retry_at = 0.0

    def note_loss(self) -> None:
        """Tell of a supervisor that ended without a word, as nobody else could."""
        with RunReader(self._directory) as reader:
            lost = reader.attempts() and not reader.meta().get("at_rest")
        if lost and self._rules.wants("ended"):
            self.tell(self._rules.alert("ended", _LOST, self._clock()))

    # --- what comes in --------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """Take in an event of the worker, or the end that the supervisor concludes."""
        if isinstance(event, AlertRaised):
            self.notify(event)
        now = self._clock()
        for alert in self._rules.take(event, now):
            self.tell(alert)
        if isinstance(event, TrainingResumed):
            with RunReader(self._directory) as reader:
                self._rules.recall(past_events(reader, event, self._rules.monitor))
        hang = self._rules.hang
        if hang is not None and (text := hang.take(event, time.monotonic())):
            self.tell(self._rules.alert("hang", text, now))

    def read(self, time_s: float, readings: Mapping[str, float]) -> None:
        """Take in readings."""
        for alert in self._rules.read(time_s, readings):
            self.tell(alert)

    def expect_command(self) -> None:
        """Note that the worker was sent a command."""
        if self._rules.hang is not None:
            self._rules.hang.expect_command()

    def look(self, worker_pid: int) -> None:
        """Look whether the run hangs, and see to what could not be done before."""
        hang = self._rules.hang
        if hang is not None and (text := hang.look(time.monotonic())):
            self._tell_stacks("hang", text, worker_pid)
        self._see_to_webhook()
        if self._unrecorded and time.monotonic() >= self._retry_at:
            self._record()

    # --- stacks ---------------------------------------------------------------------------------

    def take_stacks(self, worker_pid: int) -> str:
        """Record the stacks of the worker's processes; return what was found in a few words."""
        asked = self._tell_stacks("stacks", "stacks, by command", worker_pid)
        given = sum(bool(each.stacks) for each in asked)
        return f"stacks of {given} of {len(asked)} processes are recorded with the alerts"

    def _tell_stacks(self, kind: str, text: str, worker_pid: int) -> list[Asked]:
        asked = collect_stacks(worker_pid, self._directory.stacks_path)
        self.tell(AlertRaised(self._clock(), self._rules.step, kind, text, as_text(asked)))
        return asked

    # --- what goes out --------------------------------------------------------------------------

    def notify(self, alert: AlertRaised) -> None:
        """Tell whoever the user wants told of an alert that is recorded elsewhere."""
        if self._webhook is not None and alert.kind in self._kinds:
            self._webhook.post(self._message(alert))

    def _message(self, alert: AlertRaised) -> dict[str, Any]:
        return {
            "run": self._directory.id,
            "kind": alert.kind,
            "severity": severity(alert.kind),
            "text": alert.text,
            "step": alert.step,
            "time": alert.time,
            "host": socket.gethostname(),
        }

    def tell(self, alert: AlertRaised) -> None:
        """Record an alert, show it, and tell whoever the user wants told."""
        admitted, _left_out = self._gate.admit(alert)
        alert = admitted if isinstance(admitted, AlertRaised) else alert
        self._unrecorded.append(alert)
        self._record()
        self.show(alert)
        self.notify(alert)

    def show(self, event: Event) -> None:
        """Tell whoever shows the run of an event."""
        self.spare("what shows the run", lambda: self._observe(event), None)

    def _tell_failed(self, text: str, trace: str) -> None:
        self.tell(AlertRaised(self._clock(), self._rules.step, "record", text, trace))

    def _record(self) -> None:
        """Record what is not yet; a full disk only means that it is tried again."""
        try:
            while self._unrecorded:
                alert = self._unrecorded[0]
                self._writer.add_alert(alert.time, alert.kind, alert.text, alert.step, alert.detail)
                self._unrecorded.popleft()
        except DiskFullError:
            self._retry_at = time.monotonic() + _RETRY_S

    def _see_to_webhook(self) -> None:
        """Say once that the webhook fails; that itself is not posted."""
        if self._webhook is not None and (failure := self._webhook.take_failure()):
            text = f"the webhook does not take alerts: {failure}"
            alert = AlertRaised(self._clock(), self._rules.step, "webhook", text)
            self._unrecorded.append(alert)
            self._record()
            self.show(alert)

    def settle(self) -> None:
        """At the end of the run: wait a moment for what is still to be posted."""
        if self._webhook is not None:
            self._webhook.wait()
        self._see_to_webhook()
        self._record()


def open_alert_monitor(
    spec: LaunchSpec,
    writer: RunWriter,
    observe: Observer,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.time,
) -> AlertMonitor:
    """Return the monitor that a run's preset and the user's configuration ask for.

    A user's configuration at fault is told as an alert, and nobody else is told then: a run that
    was started before the fault must go on.
    """
    trouble = ""
    try:
        notify = load_user_config(environ).notify
    except UsageError as error:
        notify, trouble = NotifySection(), f"nobody else is told of alerts: {error}"
    monitor = AlertMonitor(spec.directory, writer, observe, Rules(spec.preset), notify, clock)
    if trouble:
        monitor.tell(AlertRaised(clock(), 0, "webhook", trouble))
    monitor.note_loss()
    return monitor
