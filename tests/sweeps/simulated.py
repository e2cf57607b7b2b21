"""Runs that are simulated, and a driver that can be killed at any of its calls.

The study is Optuna's own with its journal on disk; what outlives a driver is what would.
"""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuitrain.errors import TuitrainError
from tuitrain.sweeps.directory import Control
from tuitrain.sweeps.driver import Driver
from tuitrain.sweeps.runs import TrialRun
from tuitrain.sweeps.settings import Sweep, parse_sweep, with_seeds
from tuitrain.sweeps.space import value_text
from tuitrain.sweeps.study import Asked, Study

METRIC = "val/loss"


class Killed(BaseException):
    """The driver's process is no more."""


@dataclass
class Simulated:
    """One run: it evaluates once a look, as a detached one goes on by itself."""

    id: str
    point: Mapping[str, Any]
    epochs: int
    state: str = "running"
    done: int = 0

    @property
    def live(self) -> bool:
        return self.state == "running"

    def values(self) -> tuple[tuple[float, float], ...]:
        return tuple((float(n), loss(self.point, n)) for n in range(1, self.done + 1))


def loss(point: Mapping[str, Any], epoch: int) -> float:
    """Return what training at a point gives: best near a rate of 0.01, worse with other words."""
    rate = float(point.get("optimizer.lr", 0.01))
    seed = int(point.get("train.seed", 0))
    if rate > 1:
        return 50.0 + rate + epoch
    return (math.log10(rate) + 2) ** 2 + 1 / epoch + 0.01 * seed + len(str(point.get("model", "")))


@dataclass
class SimulatedRuns:
    """The runs on disk and the processes that train them, which no driver takes along."""

    epochs: int = 3
    there: dict[int, Simulated] = field(default_factory=dict)
    started: Counter[str] = field(default_factory=Counter)
    stops: list[int] = field(default_factory=list)
    resumes: int = 0
    broken: str = ""
    """Why no run can be started."""
    most_live: int = 0

    def look(self, number: int) -> TrialRun | None:
        run = self.there.get(number)
        if run is None:
            return None
        if run.live and run.done < run.epochs:
            run.done += 1
        elif run.live:
            run.state = "finished"
        return TrialRun(run.id, run.state, run.live, "", float(run.done), run.values())

    def start(self, number: int, point: Mapping[str, Any]) -> None:
        if self.broken:
            raise TuitrainError(self.broken)
        self.started[value_text(dict(point))] += 1
        self.there[number] = Simulated(f"run-{number}", dict(point), self.epochs)
        self.most_live = max(self.most_live, sum(run.live for run in self.there.values()))

    def resume(self, number: int) -> None:
        if number not in self.there:
            raise TuitrainError("gone")
        self.resumes += 1
        self.there[number].state = "running"

    def forget(self, number: int) -> None:
        assert number in self.there or self.broken

    def stop(self, number: int) -> None:
        self.stops.append(number)
        if number in self.there and self.there[number].live:
            self.there[number].state = "stopped"


class Mortal:
    """Passes calls on, and dies before or after one of them."""

    def __init__(self, inner: Any, chance: random.Random, odds: float) -> None:
        self._inner, self._chance, self._odds = inner, chance, odds

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if self._chance.random() < self._odds:
                raise Killed
            found = method(*arguments, **options)
            if self._chance.random() < self._odds:
                raise Killed
            return found

        return call


def sweep_of(text: str, seed: int | None = None) -> Sweep:
    return with_seeds(parse_sweep(text, "s.toml", "s"), seed)


def finish(
    journal: Path,
    sweep: Sweep,
    runs: SimulatedRuns,
    *,
    chance: random.Random | None = None,
    odds: float = 0.0,
    parallel: int = 1,
    lose: float = 0.0,
) -> tuple[list[Asked], int]:
    """Drive a sweep to its end, by as many drivers as it takes; return its trials, and how many.

    Args:
        journal: Optuna's file.
        sweep: what to do.
        runs: outlive each driver.
        chance: decides when a driver or a run dies.
        odds: of a driver's death at each call.
        parallel: trials at a time.
        lose: odds of a run's death at each look.
    """
    chance = chance or random.Random(0)
    for drivers in range(1, 500):
        study: Any = Study(journal, sweep, "min")
        mortal = Mortal(study, chance, odds), Mortal(runs, chance, odds)
        try:
            driver = Driver(sweep, METRIC, "min", mortal[0], mortal[1])
            while not driver.look(Control(), parallel):
                for run in runs.there.values():
                    if run.live and chance.random() < lose:
                        run.state = "lost"
        except Killed:
            continue
        return study.trials(), drivers
    raise AssertionError("it never ends")


def told(trials: Sequence[Asked]) -> dict[str, float | None]:
    """Return the value of each complete point."""
    return {value_text(dict(t.point)): t.value for t in trials if t.state == "complete"}
