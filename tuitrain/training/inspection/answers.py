"""Which question is answered by what: the border between JSON and the parts that look.

Knows what a question is made of; nothing of how an answer is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from tuitrain.config.load import parse_preset
from tuitrain.config.schema import Preset
from tuitrain.training.runtime.randomness import seed_everything

_INSPECTION = "tuitrain.training.inspection"
_EVALUATING = "tuitrain.training.evaluating"
_EXPORTING = "tuitrain.training.exporting"
_ANSWERS = {
    "model": f"{_INSPECTION}.model:describe_model",
    "data": f"{_INSPECTION}.data:describe_data",
    "learning_rate": f"{_INSPECTION}.learning_rate:find_learning_rate",
    "batch_size": f"{_INSPECTION}.batch_size:find_batch_size",
    "evaluation": f"{_EVALUATING}.evaluate:evaluate_run",
    "prediction": f"{_EVALUATING}.predict:predict",
    "explanation": "tuitrain.training.explaining.explain:explain",
    "demonstration": "tuitrain.training.demonstrating.demonstrate:demonstrate",
    "export_model": f"{_EXPORTING}.export:export_model",
    "samples": f"{_EVALUATING}.samples:validation_samples",
}
"""Which function answers questions of a kind."""


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
    inspected = inspected_of(question, report)
    return _find(question["kind"])(inspected, **question["options"])


def inspected_of(question: dict[str, Any], report: Callable[[str], None]) -> Inspected:
    """Return what a question is about, with threads and seed as its preset has them.

    Raises:
        PresetError: its preset is none.
    """
    preset = parse_preset(question["config"], "the preset")
    if preset.train.threads:
        torch.set_num_threads(preset.train.threads)
    seed_everything(preset.train.seed)
    return Inspected(preset, Path(question["data_directory"]), report)


def _find(kind: str) -> Callable[..., dict[str, Any]]:
    """Return the function that answers; its module is imported for it alone."""
    module, _, name = _ANSWERS[kind].partition(":")
    found: Callable[..., dict[str, Any]] = getattr(import_module(module), name)
    return found
