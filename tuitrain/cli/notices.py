"""The bell and the desktop notices of `tuitrain run`, for whoever sits at its terminal.

Knows alerts and a terminal's sequences; what the line on stdout shows is somebody else's.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from tuitrain.messages import AlertRaised, Event
from tuitrain.view.osc import BELL, notice_sequence

if TYPE_CHECKING:
    from tuitrain.config.user import NotifySection

Observer = Callable[[Event], None]


class DesktopNotifier:
    """Passes events on; for those alerts that the user chose, the terminal is told."""

    def __init__(
        self,
        inner: Observer,
        run: str,
        notify: "NotifySection",
        stream: TextIO = sys.stderr,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Tell the terminal behind `stream`, if it is one.

        Args:
            inner: is told every event first.
            run: what the notices are about.
            notify: what the user chose.
            stream: where the sequences go.
            environ: tells what the terminal is.
        """
        self._inner = inner
        self._run = run
        self._notify = notify
        self._stream = stream
        self._environ = environ
        self._heard = stream.isatty()

    def observe(self, event: Event) -> None:
        """Show the event, and tell of it where it is such an alert."""
        self._inner(event)
        if isinstance(event, AlertRaised) and event.kind in self._notify.kinds and self._heard:
            self._tell(event)

    def _tell(self, alert: AlertRaised) -> None:
        notify = self._notify
        notice = notice_sequence(self._run, alert.text, notify.desktop, self._environ)
        try:
            self._stream.write((BELL if notify.bell else "") + notice)
            self._stream.flush()
        except (OSError, UnicodeEncodeError):
            # The terminal is gone, or can't take the text; the run goes on, the record has it.
            self._heard = False
