"""Runs as the rules see them: events and readings made up for the tests, nothing else."""

from collections.abc import Iterable, Sequence
from typing import Any

from tuitrain import messages as m
from tuitrain.alerts.rules import Rules
from tuitrain.config.load import parse_preset

PRESET = """
name = "fed"
task = "classification"
[data]
name = "digits"
[model]
name = "mlp"
[loss]
name = "cross_entropy"
"""
START = 1_000_000.0


class Feed:
    """Feeds one run's rules; times go by as the test says."""

    def __init__(self, *overrides: str) -> None:
        self.rules = Rules(parse_preset(PRESET, "fed.toml", overrides))
        self.time = START
        self.step = 0
        self.train_s = 0.0
        self.alerts: list[m.AlertRaised] = []
        self.event(m.TrainingPrepared(self.time, 0, 100_000, 100, 10, "cpu", m.Environment()))

    @property
    def kinds(self) -> list[str]:
        return [alert.kind for alert in self.alerts]

    @property
    def texts(self) -> list[str]:
        return [alert.text for alert in self.alerts]

    def event(self, event: m.Event) -> None:
        self.alerts += self.rules.take(event, self.time)

    def read(self, **readings: float) -> None:
        """Take readings; `gpu0__throttled` is gpu0/throttled."""
        plain = {name.replace("__", "/"): value for name, value in readings.items()}
        self.alerts += self.rules.read(self.time, plain)

    def steps(self, losses: Sequence[float], step_s: float = 0.01) -> None:
        """Take one step for each loss."""
        first, self.step = self.step + 1, self.step + len(losses)
        self.time += len(losses) * step_s
        self.train_s += len(losses) * step_s
        points = (m.MetricPoints("train/loss", first, tuple(losses)),)
        self.event(m.StepsTaken(self.time, first, self.step, self.step / 100, self.train_s, points))

    def evaluate(self, **metrics: float) -> None:
        named = {f"val/{name}": value for name, value in metrics.items()}
        self.event(m.Evaluated(self.time, self.step, self.step / 100, 0.1, named, None))

    def memory(self, values: Iterable[float], steps_per_s: int = 10, **more: Any) -> None:
        """Take a reading of the worker's memory a second, and steps in between."""
        for value in values:
            self.steps([1.0] * steps_per_s, 1 / steps_per_s)
            self.read(host__worker_rss_bytes=value, **{**HOST, **more})


GIB = 1024.0**3
MIB = 1024.0**2
HOST = {"host__memory_used_bytes": 20 * GIB, "host__memory_total_bytes": 64 * GIB}
