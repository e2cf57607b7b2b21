"""All rules of one run together: what is to be told of an event or a reading, as alerts.

Built from a preset; knows neither clocks nor processes nor the record.
"""

import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from tuitrain.alerts.creep import Creep
from tuitrain.alerts.devices import Disk, Hot, SharedMemory, Throttled
from tuitrain.alerts.endings import Ended, Loaders
from tuitrain.alerts.hang import Hang
from tuitrain.alerts.loss import Divergence, Plateau
from tuitrain.alerts.rule import Rule, RunStatus
from tuitrain.alerts.speed import Slowdown
from tuitrain.config.schema import AlertsSection, StopSection, TrainSection
from tuitrain.messages import AlertRaised, Event


class _Loaded(Protocol):
    @property
    def workers(self) -> int: ...


class Settings(Protocol):
    """What the rules ask of a preset, or of whatever stands for one."""

    @property
    def alerts(self) -> AlertsSection:
        """Which rules are wanted, and their limits."""
        ...

    @property
    def stop(self) -> StopSection:
        """What is looked at beside the loss."""
        ...

    @property
    def train(self) -> TrainSection:
        """When evaluations come."""
        ...

    @property
    def data(self) -> _Loaded:
        """How many loaders there are."""
        ...


class Rules:
    """The rules that a preset wants."""

    def __init__(self, preset: Settings) -> None:
        settings: AlertsSection = preset.alerts
        self._status = status = RunStatus()
        rules: dict[str, Rule] = {
            "divergence": Divergence(settings),
            "plateau": Plateau(settings, preset.stop),
            "creep": Creep(settings, status),
            "slowdown": Slowdown(settings),
            "throttled": Throttled(settings),
            "hot": Hot(settings),
            "disk": Disk(settings),
            "shm": SharedMemory(settings),
            "loaders": Loaders(preset.data.workers, status),
            "ended": Ended(),
        }
        self._rules = {kind: rule for kind, rule in rules.items() if kind not in settings.off}
        self.hang = None if "hang" in settings.off else Hang(settings, preset.train)
        """Asked again and again by whoever can collect stacks."""
        self.monitor = preset.stop.monitor or ""
        """What is looked at beside the loss."""

    @property
    def step(self) -> int:
        """The run's last step."""
        return self._status.step

    def wants(self, kind: str) -> bool:
        """Say whether one of the rules raises alerts of this kind."""
        return kind in self._rules

    def take(self, event: Event, time_s: float) -> Iterator[AlertRaised]:
        """Yield the alerts that an event, taken in at `time_s`, gives rise to."""
        self._status.take(event)
        yield from self._ask(lambda rule: rule.take(event), time_s)

    def recall(self, past: Iterable[Event]) -> None:
        """Let rules on learning know what a resumed run had learned; what is over raises nothing.

        Call after `take` of the resume.
        """
        learning = [rule for rule in self._rules.values() if rule.on_learning]
        for event in past:
            for rule in learning:
                # A rule may look at an event only as its answer is read.
                deque(rule.take(event), maxlen=0)

    def read(self, time_s: float, readings: Mapping[str, float]) -> Iterator[AlertRaised]:
        """Yield the alerts that readings give rise to."""
        yield from self._ask(lambda rule: rule.read(time_s, readings), time_s)

    def _ask(self, ask: Callable[[Rule], Iterable[str]], time_s: float) -> Iterator[AlertRaised]:
        """Yield what each rule answers; one that fails is told, and not asked again."""
        for kind, rule in list(self._rules.items()):
            try:
                texts = list(ask(rule))
            except Exception as error:  # a rule must not end the run that it watches
                del self._rules[kind]
                said = f"the alert rule {kind} failed and is off: {type(error).__name__}: {error}"
                yield self.alert("record", said, time_s, traceback.format_exc())
                continue
            for text in texts:
                yield self.alert(kind, text, time_s)

    def alert(self, kind: str, text: str, time_s: float, detail: str = "") -> AlertRaised:
        """Return an alert at the run's last step."""
        return AlertRaised(time_s, self._status.step, kind, text, detail)
