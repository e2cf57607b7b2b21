"""The observers of a run, as its preset and the user's file want them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tuitrain.config.schema import Preset
from tuitrain.config.user import NotifySection, load_user_config
from tuitrain.errors import UsageError
from tuitrain.messages import AlertRaised
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.supervisor.launch import Launch
from tuitrain.supervisor.observers.alert_monitor import AlertMonitor
from tuitrain.supervisor.observers.hang_monitor import HangMonitor
from tuitrain.supervisor.observers.observer import Observer
from tuitrain.supervisor.observers.services import form_of
from tuitrain.supervisor.observers.textfile import TextfileWriter
from tuitrain.supervisor.observers.trackers import Trackers
from tuitrain.supervisor.observers.webhook import WebhookNotifier


def alert_observers(
    spec: Launch, environ: Mapping[str, str], clock: Callable[[], float]
) -> list[Observer]:
    """Return the observers of a run's alerts, those that raise them after those that pass them on.

    A user's configuration at fault is told as an alert, and nobody else is told then: a run that
    was started before the fault must go on.
    """
    directory = spec.directory
    observers: list[Observer] = []
    try:
        notify = load_user_config(environ).notify
        form = form_of(notify, environ)
    except UsageError as error:
        notify, form = NotifySection(), None
        faults = "; ".join(str(error).splitlines())
        observers.append(Fault(f"nobody else is told of alerts: {faults}", clock))
    if form is not None:
        observers.append(WebhookNotifier(directory.id, form, notify.kinds, clock))
    rules = spec.rules()
    observers.append(AlertMonitor(directory, rules, clock))
    if rules.hang is not None:
        observers.append(HangMonitor(rules.hang, directory.stacks_path, clock))
    return observers


def log_observers(
    directory: RunDirectory, preset: Preset, clock: Callable[[], float]
) -> list[Observer]:
    """Return what hands a run's record on to the trackers and the file that its preset names."""
    observers: list[Observer] = []
    if preset.log.to:
        observers.append(Trackers(directory, preset.log.to, clock))
    if preset.log.textfile is not None:
        with RunReader(directory) as reader:
            name = str(reader.meta()["name"])
        folder = Path(preset.log.textfile)
        observers.append(TextfileWriter(directory, name, preset.name, folder, clock))
    return observers


class Fault(Observer):
    """Tells of a fault in the user's configuration, once."""

    name = "the user's configuration"

    def __init__(self, text: str, clock: Callable[[], float]) -> None:
        self._text = text
        self._clock = clock

    def begun(self) -> Iterator[AlertRaised]:
        """Tell of it."""
        yield AlertRaised(self._clock(), 0, "webhook", self._text)
