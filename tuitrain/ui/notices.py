"""What is new among a run's alerts while somebody watches it, and how the terminal tells of it.

Knows alerts and the terminal's driver; nothing of screens.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tuitrain.alerts.catalogue import severity
from tuitrain.lang import said
from tuitrain.runs.rows import AlertRow
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.ui.terminal import write_to
from tuitrain.view.osc import notice_sequence

if TYPE_CHECKING:
    from tuitrain.config.user import NotifySection
    from tuitrain.ui.app import TuitrainApp

_TOASTS = {"info": "information", "warning": "warning", "critical": "error"}


class News:
    """Compares what is read of one run with what was read before: old alerts are no news."""

    def __init__(self) -> None:
        self._known: int | None = None
        self._state = ""

    def take(self, snapshot: RunSnapshot) -> list[AlertRow]:
        """Return the alerts that were raised since the last time; none the first time."""
        if snapshot.error or snapshot.state is None:
            return []
        before, self._known = self._known, len(snapshot.alerts)
        state, self._state = self._state, snapshot.state.state
        if before is None:
            return []
        new = list(snapshot.alerts[before:])
        if self._state == "lost" != state:
            # Nobody is left to raise an alert: the reader concludes it from the lock.
            at = snapshot.state
            new.append(AlertRow(at.step, at.time, "ended", f"the run is lost: {at.reason}"))
        return new


class DesktopNotifier:
    """Tells the user at the terminal, as far as wanted."""

    def __init__(
        self, notify: "NotifySection | None" = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        """Tell in the ways of `notify`.

        Args:
            notify: what the user chose; the defaults where None.
            environ: tells what the terminal is.
        """
        self._notify = notify
        self._environ = environ

    def tell(self, app: "TuitrainApp", run: str, alerts: list[AlertRow]) -> None:
        """Show new alerts for some seconds, ring, and let the desktop show them."""
        for row in alerts:
            # Who asked for stacks is told so by what became of the command.
            if row.kind != "stacks":
                app.tell(f"{row.kind}: {said(row.text)}", _TOASTS[severity(row.kind)])
        if not alerts:
            return
        notify = self._chosen()
        chosen = [row for row in alerts if row.kind in notify.kinds]
        if chosen and notify.bell:
            app.bell()
        for row in chosen:
            write_to(app._driver, notice_sequence(run, row.text, notify.desktop, self._environ))

    def _chosen(self) -> "NotifySection":
        if self._notify is None:
            from tuitrain.config.user import NotifySection

            self._notify = NotifySection()
        return self._notify
