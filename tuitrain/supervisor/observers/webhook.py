"""Posts a run's alerts to a web address of the user's.

Knows alerts and addresses; nothing of how alerts come about.
"""

import json
import socket
import time
from collections.abc import Callable, Collection

from tuitrain import __version__
from tuitrain.alerts.catalogue import severity
from tuitrain.alerts.rule import RunStatus
from tuitrain.errors import TuitrainError
from tuitrain.messages import AlertRaised, Event
from tuitrain.supervisor.observers.delivery import DeliveryQueue
from tuitrain.supervisor.observers.observer import Alerts, Observer
from tuitrain.supervisor.observers.services import Form, Message, Post

TIMEOUT_S = 5.0
"""How long the other end may take for each of connecting and answering."""
_KIND = "webhook"
"""Of the alert that says that alerts can't be posted."""


class PostError(TuitrainError):
    """A message could not be posted; the text says why."""


class WebhookNotifier(Observer):
    """Posts alerts of the kinds that the user chose, wherever they come from."""

    name = "the webhook"

    def __init__(
        self,
        run_id: str,
        form: Form,
        kinds: Collection[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._run_id = run_id
        self._kinds = frozenset(kinds)
        self._clock = clock
        self._status = RunStatus()
        self._queue = webhook_queue(form)

    def arrived(self, event: Event) -> Alerts:
        """Post an alert of the worker."""
        self._status.take(event)
        if isinstance(event, AlertRaised):
            self.told(event)
        return ()

    def told(self, alert: AlertRaised) -> None:
        """Post an alert; that posting fails is not itself posted."""
        if alert.kind in self._kinds and alert.kind != _KIND:
            self._queue.put(self._message(alert))

    def poll(self, worker_pid: int) -> Alerts:
        """Say once that posting fails."""
        del worker_pid
        return self._failure()

    def ended(self) -> Alerts:
        """Wait a moment for what is still to be posted."""
        self._queue.wait()
        return self._failure()

    def _failure(self) -> Alerts:
        if failure := self._queue.take_failure():
            text = f"the webhook does not take alerts: {failure}"
            yield AlertRaised(self._clock(), self._status.step, _KIND, text)

    def _message(self, alert: AlertRaised) -> Message:
        return message_of(self._run_id, alert)


def message_of(run_id: str, alert: AlertRaised) -> Message:
    """Return an alert as those elsewhere need it."""
    return {
        "run": run_id,
        "kind": alert.kind,
        "severity": severity(alert.kind),
        "text": alert.text,
        "step": alert.step,
        "time": alert.time,
        "host": socket.gethostname(),
    }


def webhook_queue(form: Form, timeout_s: float = TIMEOUT_S) -> DeliveryQueue[Message]:
    """Return a queue whose messages are posted in the form that a service takes."""
    return DeliveryQueue(lambda message: post(form(message), timeout_s), "webhook")


def post(posted: Post, timeout_s: float = TIMEOUT_S) -> None:
    """Post one message as JSON.

    Raises:
        PostError: it was not taken.
    """
    # Imported here: most runs have no webhook, and it brings http and ssl with it.
    import http.client
    import urllib.error
    import urllib.request

    own = {"Content-Type": "application/json", "User-Agent": f"tuitrain/{__version__}"}
    try:
        body = json.dumps(posted.body).encode()
        headers = {**own, **posted.headers}
        request = urllib.request.Request(posted.address, body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            answer.read(1)
    except urllib.error.HTTPError as error:
        error.close()
        raise PostError(f"it answered {error.code} {error.reason}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise PostError(str(error) or type(error).__name__) from error
