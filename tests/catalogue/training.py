"""Trains a shipped preset in this process, with nothing changed but the number of threads."""

from collections.abc import Sequence
from pathlib import Path

import torch

from tests.catalogue.table import Figure
from tests.training.test_loop import Course
from tuitrain.config.load import load_preset, to_toml
from tuitrain.messages import Evaluated


def train(folder: Path, figure: Figure, overrides: Sequence[str] = ()) -> list[float]:
    """Train a preset and return the stated metric of every evaluation."""
    before = torch.get_num_threads()
    torch.set_num_threads(figure.cores)
    try:
        settings = (f"train.threads={figure.cores}", *overrides)
        course = Course(folder, to_toml(load_preset(figure.path, settings)))
    finally:
        torch.set_num_threads(before)
    if course.ended.state != "finished":
        raise RuntimeError(f"{figure.preset} {course.ended.state}: {course.ended.reason}")
    found = [event.metrics for event in course.events if isinstance(event, Evaluated)]
    return [metrics[figure.metric] for metrics in found]


def best(folder: Path, figure: Figure, overrides: Sequence[str] = ()) -> float:
    """Train a preset and return the best value of its stated metric."""
    values = train(folder, figure, overrides)
    return max(values) if figure.larger_is_better else min(values)
