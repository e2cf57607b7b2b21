"""Which question is answered by what: the border between JSON and the parts that look.

Knows what a question is made of; nothing of how an answer is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tuitrain.config.load import parse_preset
from tuitrain.config.schema import Preset
from tuitrain.training.runtime.randomness import seed_everything


@dataclass(frozen=True, slots=True)
class Inspected:
    """A preset that is looked at."""

    preset: Preset
    data_directory: Path
    report: Callable[[str], None]
    """Is told what takes long."""


def answer(question: dict[str, Any], report: Callable[[str], None]) -> dict[str, Any]:
    """Return the answer to a question, as JSON data.

    Raises:
        TuitrainError: the preset can't do what it asks for, or there is no such data set here.
    """
    preset = parse_preset(question["config"], "the preset")
    if preset.train.threads:
        torch.set_num_threads(preset.train.threads)
    seed_everything(preset.train.seed)
    inspected = Inspected(preset, Path(question["data_directory"]), report)
    return _find(question["kind"])(inspected, **question["options"])


def _find(kind: str) -> Callable[..., dict[str, Any]]:
    if kind == "model":
        from tuitrain.training.inspection.model import describe_model

        return describe_model
    if kind == "data":
        from tuitrain.training.inspection.data import describe_data

        return describe_data
    if kind == "learning_rate":
        from tuitrain.training.inspection.learning_rate import find_learning_rate

        return find_learning_rate
    if kind == "evaluation":
        from tuitrain.training.evaluating.evaluate import evaluate_run

        return evaluate_run
    if kind == "prediction":
        from tuitrain.training.evaluating.predict import predict

        return predict
    from tuitrain.training.inspection.batch_size import find_batch_size

    return find_batch_size
