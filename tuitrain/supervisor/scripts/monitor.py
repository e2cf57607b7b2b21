"""Says which metric of a script tells best how its training goes, once there are any.

Knows names of metrics and the record; nothing of the script.
"""

from tuitrain.messages import Evaluated, Event, StepsTaken
from tuitrain.metric_names import is_split_metric
from tuitrain.runs.imported import monitor_among
from tuitrain.runs.metrics import metric_mode
from tuitrain.supervisor.observers.observer import Alerts, Observer
from tuitrain.supervisor.record_keeper import RecordKeeper


class MonitorChoice(Observer):
    """Lets lists show the metric whose name says that it counts."""

    name = "the choice of the metric that lists show"

    def __init__(self, record: RecordKeeper) -> None:
        self._record = record
        self._names: dict[str, None] = {}
        self._chosen = ""

    def recorded(self, event: Event) -> Alerts:
        """Choose again where a metric is new."""
        names: list[str] = []
        if isinstance(event, StepsTaken):
            names = [each.name for each in event.points if not is_split_metric(each.name)]
        elif isinstance(event, Evaluated):
            names = list(event.metrics)
        if any(name not in self._names for name in names):
            self._names.update(dict.fromkeys(names))
            self._choose()
        return ()

    def _choose(self) -> None:
        monitor = monitor_among(list(self._names))
        if monitor and monitor != self._chosen:
            self._chosen = monitor
            mode = metric_mode(monitor) or "min"
            self._record.store(lambda writer: writer.set_meta(monitor=monitor, mode=mode))
