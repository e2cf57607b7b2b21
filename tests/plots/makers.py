"""Runs with points of the test's choice, and evaluations, for what draws them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tuitrain import messages as m
from tuitrain.analysis.evaluation import Evaluated
from tuitrain.analysis.statistics.calibration import softmax
from tuitrain.messages import MetricPoints, Numbered
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.listing import write_summary
from tuitrain.runs.writer import RunWriter
from tuitrain.trained.evaluation import Evaluation


def recorded_run(
    root: Path,
    name: str,
    points: Mapping[str, Sequence[float]],
    settings: str = "",
    preset: str = "demo",
    state: str = "finished",
    command_line: Sequence[str] = ("tuitrain", "run", "demo"),
) -> RunDirectory:
    """Return a run that has the values of each metric from step 1 on; a step takes 10 ms."""
    config = (
        f'name = "{preset}"\ntask = "classification"\n'
        f'checkpoint = {{ monitor = "val/accuracy", mode = "max" }}\n{settings}'
    )
    directory = create_run(root, preset, name, config, command_line=command_line)
    steps = max(map(len, points.values()), default=0)
    events: list[m.Event] = [m.TrainingPrepared(1.0, 0, steps, 4, 1234, "cpu", m.Environment())]
    if steps:
        told = tuple(MetricPoints(name, 1, tuple(values)) for name, values in points.items())
        events.append(m.StepsTaken(2.0, 1, steps, steps / 4, steps / 100, told))
    events.append(m.TrainingEnded(5.0, steps, state, ""))  # type: ignore[arg-type]
    with RunWriter(directory) as writer:
        writer.begin_attempt(1.0)
        writer.record([Numbered(1, place, event) for place, event in enumerate(events, start=1)])
    write_summary(directory)
    return directory


def classified(number: int = 120, classes: int = 3, seed: int = 0) -> Evaluated:
    random = np.random.default_rng(seed)
    true = random.integers(0, classes, number)
    scores = random.normal(size=(number, classes)) + 1.5 * np.eye(classes)[true]
    losses = -np.log(softmax(scores)[np.arange(number), true])
    arrays = {"scores": scores, "targets": true, "loss": losses, "weight": np.ones(number)}
    metrics = {"val/loss": float(losses.mean())}
    names = tuple(f"class {place}" for place in range(classes))
    return Evaluated("classes", metrics, names, None, arrays, None)


def measured(targets: np.ndarray, outputs: np.ndarray) -> Evaluated:
    losses = np.nan_to_num((outputs - targets) ** 2).mean(1)
    arrays = {
        "targets": targets, "outputs": outputs, "loss": losses, "weight": np.ones(len(targets)),
        "train_mean": targets.mean(0),
    }  # fmt: skip
    return Evaluated("numbers", {"val/loss": float(losses.mean())}, (), None, arrays, None)


def evaluation(found: Evaluated, task: str = "classification") -> Evaluation:
    about = {
        "run": "20260101-0000-demo-abc", "checkpoint": "best", "step": 4, "weights": "raw",
        "task": task, "file": "step-00000004.pt", "device": "cpu", "duration_s": 0.1,
        "data": {"name": "digits", "settings": [], "samples": len(found.arrays["loss"]),
                 "fingerprint": "0"},
    }  # fmt: skip
    return Evaluation(about, found, "", None)
