"""Runs on disk, made by the real writer, for the screens to show."""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tuitrain import messages as m
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.lock import FileLock
from tuitrain.runs.writer import RunWriter

EndState = Literal["finished", "stopped", "failed", "paused"]

NOW = 1_795_000_000.0
"""The moment that tests take for the present."""

CONFIG = """
name = "{preset}"
task = "classification"
[data]
name = "digits"
[model]
name = "mlp"
[loss]
name = "cross_entropy"
[train]
epochs = 10
[checkpoint]
monitor = "val/accuracy"
mode = "max"
"""


def new_run(
    root: Path,
    name: str | None = None,
    *,
    preset: str = "demo",
    age_s: float = 600.0,
    seed: int = 1,
) -> RunDirectory:
    """Make a run that was created `age_s` before NOW."""
    return create_run(
        root,
        preset,
        name,
        CONFIG.format(preset=preset),
        now=NOW - age_s,
        rng=random.Random(f"{seed} {name} {preset}"),
    )


def train(
    directory: RunDirectory,
    losses: Sequence[float],
    *,
    total_steps: int = 100,
    steps_per_epoch: int = 10,
    age_s: float = 590.0,
    step_s: float = 0.1,
    accuracy: float | None = None,
    end: tuple[EndState, str] | None = ("finished", "all epochs"),
    attempt: int = 1,
    pid: int = 77,
) -> None:
    """Record a run of as many steps as there are losses.

    Args:
        directory: the run.
        losses: train/loss of each step.
        total_steps: how many there would be.
        steps_per_epoch: and in an epoch.
        age_s: when it started, before NOW.
        step_s: how long a step took.
        accuracy: val/accuracy after the last step.
        end: state and reason at the end; None: it goes on.
        attempt: which worker did so.
        pid: its process.
    """
    start, count = NOW - age_s, len(losses)
    at = start + 1 + count * step_s
    events: list[m.Event] = [
        m.WorkerStarted(start, pid),
        m.TrainingPrepared(
            start + 1, 0, total_steps, steps_per_epoch, 12_345, "cpu", m.Environment()
        ),
    ]
    if count:
        points = (m.MetricPoints("train/loss", 1, tuple(losses)),)
        events.append(m.StepsTaken(at, 1, count, count / steps_per_epoch, count * step_s, points))
    if accuracy is not None:
        metrics = {"val/accuracy": accuracy, "val/loss": losses[-1]}
        events.append(m.Evaluated(at, count, count / steps_per_epoch, 0.1, metrics, None))
    if end is not None:
        events.append(m.TrainingEnded(at, count, *end, ""))
    with RunWriter(directory) as writer:
        writer.set_meta(monitor="val/accuracy", mode="max")
        writer.begin_attempt(start)
        writer.record([m.Numbered(attempt, i, event) for i, event in enumerate(events, start=1)])


def falling(count: int, first: float = 2.3) -> list[float]:
    """Return losses that fall as they do."""
    return [first * math.exp(-3 * i / max(1, count)) + 0.05 for i in range(count)]


def keep_alive(directory: RunDirectory) -> FileLock:
    """Hold a run's lock as its supervisor does; release it to let the run be lost."""
    lock = FileLock(directory.lock_path)
    lock.acquire()
    return lock
