"""The task that a preset names."""

from tuitrain.components import registry
from tuitrain.components.task import Task
from tuitrain.config.schema import Preset
from tuitrain.errors import TrainingError

SEEN_LATER = ("val/aux/", "val/loss_")
"""Beginnings of what only evaluations show: what a model logs, and terms that a loss returns."""


def find_task(name: str) -> Task:
    """Return the task of a preset, or the user's own at `package.module:Name`.

    Raises:
        TrainingError: there is no such task, or it is none.
    """
    found = registry.task.find(name)()
    if not isinstance(found, Task):
        raise TrainingError(
            f"task = {name} returned {type(found).__name__}, not a tuitrain.components.Task"
        )
    if not found.train_metric:
        raise TrainingError(f"task = {name} does not say which train_metric it measures")
    found.name = name
    return found


def check_monitors(preset: Preset, task: Task) -> None:
    """Hold what a preset watches against what the task gives: of the user's own only it knows.

    Raises:
        TrainingError: a metric is neither the task's nor one of those that the preset adds.
    """
    known = ["val/loss", *(f"val/{name}" for name in task.metrics)]
    known += [f"val/{section.shown}" for section in preset.metrics]
    known += ["train/loss", f"train/{task.train_metric}"]
    for section, metric in (
        ("checkpoint", preset.checkpoint.monitor), ("stop", preset.stop.monitor),
    ):  # fmt: skip
        if metric is not None and metric not in known and not metric.startswith(SEEN_LATER):
            raise TrainingError(
                f"{section}.monitor = {metric}: a {task.name} run gives {', '.join(known)}"
            )
