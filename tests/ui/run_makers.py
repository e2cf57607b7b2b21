"""Runs with everything that the run screen shows, and a supervisor played by the test itself."""

import math
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ui.makers import NOW, new_run
from tuitrain import messages as m
from tuitrain.runs.commands import give_command
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import CommandRow
from tuitrain.runs.writer import RunWriter

START = NOW - 590.0
STEPS, TOTAL, STEPS_PER_EPOCH, STEP_S = 160, 400, 20, 0.1
GPU = {
    "gpu0/memory_used_bytes": 19.5e9,
    "gpu0/memory_total_bytes": 151.4e9,
    "gpu0/utilization_percent": 93.0,
    "gpu0/power_w": 512.0,
    "gpu0/temperature_c": 61.0,
    "gpu0/worker_bytes": 15.1e9,
    "gpu0/others_bytes": 4.4e9,
    "torch/allocated_bytes": 9.8e9,
    "torch/reserved_bytes": 14.5e9,
}
HOST = {
    "host/memory_used_bytes": 25.0e9,
    "host/memory_total_bytes": 137.4e9,
    "host/worker_rss_bytes": 2.1e9,
    "host/main_rss_bytes": 1.5e9,
    "host/loaders_rss_bytes": 0.6e9,
    "host/loaders": 2.0,
    "host/worker_cpu_percent": 98.0,
    "host/cpu_percent": 12.0,
}
"""Readings of one moment."""
PROCESSES = [
    {"pid": 77, "user": "eve", "command": "python train.py", "bytes": 15_100_000_000,
     "is_worker": True},
    {"pid": 4021, "user": "alice", "command": "python3 serve.py", "bytes": 4_400_000_000,
     "is_worker": False},
]  # fmt: skip
DEVICES = {
    "driver": "580.65",
    "trouble": "",
    "gpus": [
        {"index": 0, "name": "NVIDIA H200", "uuid": "GPU-1", "pci": "00000000:19:00.0",
         "mig": None, "throttle": [], "processes": PROCESSES, "errors": []},
    ],
    "host": {"cores": 16, "folder": "/runs"},
}  # fmt: skip
"""What is known of the devices beside them."""


def write(directory: RunDirectory, *events: m.Event, sequence: int = 1, attempt: int = 1) -> None:
    """Record events as those of a worker, numbered from `sequence`."""
    with RunWriter(directory) as writer:
        writer.record([m.Numbered(attempt, sequence + i, event) for i, event in enumerate(events)])


def begin(directory: RunDirectory, total_steps: int = TOTAL) -> None:
    """Start a run's first worker; its next event has the number 3."""
    with RunWriter(directory) as writer:
        writer.set_meta(monitor="val/accuracy", mode="max")
        writer.begin_attempt(START)
    write(
        directory,
        m.WorkerStarted(START, 77),
        m.TrainingPrepared(
            START + 1, 0, total_steps, STEPS_PER_EPOCH, 12_345, "cuda:0", m.Environment()
        ),
    )


def steps(
    first: int, values: Mapping[str, Sequence[float]], *, step_s: float = STEP_S
) -> m.StepsTaken:
    """Return steps from `first` on, a value each of every metric."""
    last = first + len(next(iter(values.values()))) - 1
    points = tuple(m.MetricPoints(name, first, tuple(each)) for name, each in values.items())
    time = START + 1 + last * step_s
    return m.StepsTaken(time, first, last, last / STEPS_PER_EPOCH, last * step_s, points)


def one_metric(root: Path, name: str, losses: Sequence[float], **options: Any) -> RunDirectory:
    """Make a run that has taken a step for each loss, and is still on its way."""
    run = new_run(root, name, **options)
    begin(run)
    if losses:
        write(run, steps(1, {"train/loss": losses}), sequence=3)
    return run


def training(root: Path, name: str = "demo") -> RunDirectory:
    """Make a run in the middle of training: all of its metrics, marks, alerts, checkpoints."""
    run = new_run(root, name)
    begin(run)
    write(run, *_history(), sequence=3)
    with RunWriter(run) as writer:
        writer.add_samples(START + 18, {**GPU, **HOST})
        writer.set_devices(START + 18, DEVICES)
    return run


def _history() -> list[m.Event]:
    events: list[m.Event] = []
    for first in range(1, STEPS + 1, STEPS_PER_EPOCH):
        last = first + STEPS_PER_EPOCH - 1
        events += [steps(first, _values(range(first, last + 1))), *_end_of_epoch(last)]
        if last == 60:
            events += [
                m.TrainingPaused(_at(last), last, "asked for"),
                m.TrainingContinued(_at(last), last),
            ]
        if last == 120:
            events.append(m.SettingChanged(_at(last), last, "optimizer.lr", 1e-3, 3e-4))
        if last == 140:
            events.append(
                m.AlertRaised(_at(last), 131, "spike", "loss spike at step 131: 0.19 -> 1.9")
            )
    return events


def _values(numbers: range) -> dict[str, list[float]]:
    losses = [2.3 * math.exp(-n / 60) + 0.1 * math.sin(n) ** 2 for n in numbers]
    return {
        "train/loss": [1.9 if n == 131 else loss for n, loss in zip(numbers, losses, strict=True)],
        "train/accuracy": [1 - loss / 2.6 for loss in losses],
        "lr": [1e-3 if n <= 120 else 3e-4 for n in numbers],
        "grad_norm": [1 + 0.5 * math.cos(n / 7) for n in numbers],
        "samples_per_s": [640.0 + n % 5 for n in numbers],
    }


def _end_of_epoch(step: int) -> list[m.Event]:
    metrics = {"val/loss": 2.3 * math.exp(-step / 70), "val/accuracy": 1 - math.exp(-step / 70)}
    evaluated = m.Evaluated(_at(step), step, step / STEPS_PER_EPOCH, 0.1, metrics, None)
    if step % 40:
        return [evaluated]
    saved = m.CheckpointSaved(
        _at(step), step, f"checkpoints/step-{step:08}.pt", ("best", "last"), f"{step:064x}",
        1_000_000, 0.01, 0.1, metrics,
    )  # fmt: skip
    return [evaluated, saved]


def _at(step: int) -> float:
    return START + 1 + step * STEP_S


def end(run: RunDirectory, state: Any, reason: str, step: int = STEPS, sequence: int = 500) -> None:
    """Let a run's worker say its last word."""
    write(run, m.TrainingEnded(_at(step), step, state, reason), sequence=sequence)


@contextmanager
def supervising(run: RunDirectory) -> Any:
    """Take a live run's commands in the test's own process, as its supervisor does."""
    with RunWriter(run) as writer:
        yield writer


def ask(run: RunDirectory, request: m.Request) -> int:
    """Give a command that nobody takes yet."""
    return give_command(run, request, now=_at(STEPS))


def answer(writer: RunWriter, command: CommandRow, text: str) -> None:
    """Say that a command was obeyed."""
    writer.commands.finish(command.id, _at(STEPS), "done", text)


def overfitting(root: Path, epochs: int = 40) -> RunDirectory:
    """Make a live run whose validation loss has turned at step 200 while training goes on."""
    run = new_run(root, "demo")
    begin(run, 1000)
    for epoch in range(epochs):
        write(run, *overfitting_epoch(epoch), sequence=3 + 2 * epoch)
    return run


def overfitting_epoch(epoch: int) -> list[m.Event]:
    """Return the steps of an epoch and its evaluation."""
    first = epoch * STEPS_PER_EPOCH
    numbers = range(first + 1, first + STEPS_PER_EPOCH + 1)
    losses = [0.005 + 2.3 * math.exp(-n / 130) * (1 + 0.1 * math.sin(n)) for n in numbers]
    validation = 2.3 * math.exp(-epoch / 3) + 0.1 + 0.008 * max(0, epoch - 10)
    step = numbers[-1]
    metrics = {"val/loss": validation, "val/accuracy": min(0.9, (epoch + 1) / 10)}
    evaluated = m.Evaluated(_at(step), step, step / STEPS_PER_EPOCH, 0.1, metrics, None)
    return [steps(first + 1, {"train/loss": losses}), evaluated]
