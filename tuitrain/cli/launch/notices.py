"""The bell and the desktop notices of `tuitrain run`, for whoever sits at its terminal.

Knows alerts and a terminal's sequences; what the line on stdout shows is somebody else's.
"""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from tuitrain.messages import AlertRaised, Event
from tuitrain.supervisor.observers.observer import Alerts, Observer
from tuitrain.view.osc import BELL, notice_sequence

if TYPE_CHECKING:
    from tuitrain.config.user import NotifySection


class DesktopNotifier(Observer):
    """Tells the terminal of those alerts that the user chose."""

    name = "the desktop notices"

    def __init__(
        self,
        run: str,
        notify: "NotifySection",
        stream: TextIO = sys.stderr,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Tell the terminal behind `stream`, if it is one.

        Args:
            run: what the notices are about.
            notify: what the user chose.
            stream: where the sequences go.
            environ: tells what the terminal is.
        """
        self._run = run
        self._notify = notify
        self._stream = stream
        self._environ = environ
        self._heard = stream.isatty()

    def recorded(self, event: Event) -> Alerts:
        """Tell of an alert of the worker."""
        if isinstance(event, AlertRaised):
            self.told(event)
        return ()

    def told(self, alert: AlertRaised) -> None:
        """Tell of the alert, if it is one of those."""
        if alert.kind in self._notify.kinds and self._heard:
            self._tell(alert)

    def _tell(self, alert: AlertRaised) -> None:
        notify = self._notify
        notice = notice_sequence(self._run, alert.text, notify.desktop, self._environ)
        try:
            self._stream.write((BELL if notify.bell else "") + notice)
            self._stream.flush()
        except (OSError, UnicodeEncodeError):
            # The terminal is gone, or can't take the text; the run goes on, the record has it.
            self._heard = False
