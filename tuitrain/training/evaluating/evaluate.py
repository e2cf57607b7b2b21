"""Evaluates a checkpoint's model once, and writes what it made of each sample into a file.

What is computed from that is computed elsewhere, without torch.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tuitrain.components.data import Facts
from tuitrain.errors import TrainingError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.build import Data
from tuitrain.training.data.evaluation import evaluation_batches
from tuitrain.training.data.sources import count
from tuitrain.training.data.targets import all_targets, known_targets
from tuitrain.training.evaluating.collect import SampleCollector, family_of
from tuitrain.training.evaluating.fingerprint import fingerprint
from tuitrain.training.evaluating.other_data import with_other_place, with_other_settings
from tuitrain.training.evaluating.restore import restored
from tuitrain.training.evaluating.slices import slices_of
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.memory.oom_report import OutOfMemory, is_out_of_memory
from tuitrain.training.metrics.evaluation import Evaluation, Evaluator, evaluation_size

_TELL_S = 1.0
_GPU_BATCH = 1024
"""Samples at a time on a GPU, halved until they fit."""


def evaluate_run(
    inspected: Inspected,
    *,
    checkpoint: str,
    averaged: bool,
    arrays: str,
    by: str | None,
    place: str | None,
    config: str | None,
) -> dict[str, Any]:
    """Return metrics, counts and what the samples are; arrays of the samples go to a file.

    Args:
        inspected: the run's preset.
        checkpoint: the file of the weights.
        averaged: evaluate the weights that a hook averaged.
        arrays: the file to write, in numpy's npz format.
        by: which column of the samples to tell as well; None: none.
        place: evaluate on the samples of this file or folder.
        config: evaluate on the validation part that this preset's data set has.

    Raises:
        TuitrainError: the checkpoint, the data or what is asked for do not go together.
    """
    own = place is None and config is None
    with (
        restored(inspected, Path(checkpoint), averaged, needs_data=own) as model,
        torch.no_grad(),
    ):
        parts = model.components
        if config is not None:
            parts.data = with_other_settings(parts, config, inspected)
        if place is not None:
            parts.data = with_other_place(parts, place)
        data = parts.data
        facts = data.facts() if data.facts is not None else None
        groups = _groups(by, facts)
        evaluation, kept = _evaluated(parts, inspected.report)
        baseline = _baseline(parts, inspected.report)
        np.savez(arrays, allow_pickle=False, **(kept | baseline))
        names = list(facts.names) if facts is not None else None
        files = names if facts is not None and facts.are_files else None
        return {
            "task": parts.task.name,
            "family": family_of(parts.task),
            "step": model.step,
            "weights": model.weights,
            "samples": count(data.validation),
            "device": str(parts.device),
            "duration_s": evaluation.duration_s,
            "metrics": evaluation.metrics,
            "classes": list(data.classes),
            "counts": asdict(evaluation.counts) if evaluation.counts else None,
            "fingerprint": fingerprint(data, known_targets(data.validation), files),
            "names": names,
            "groups": groups,
        }


def _groups(by: str | None, facts: Facts | None) -> list[str] | None:
    if by is None or by == "class":
        return None
    return slices_of(by, facts.columns if facts is not None else {})


def _evaluated(
    parts: TrainingComponents, report: Callable[[str], None]
) -> tuple[Evaluation, dict[str, np.ndarray]]:
    """Evaluate in as large batches as there is memory for."""
    size = evaluation_size(parts)
    if parts.device.type == "cuda":
        size = max(size, min(_GPU_BATCH, size * 4))
    while True:
        samples = count(parts.data.validation)
        collector = SampleCollector(parts, samples, _Counter(samples, report).tell)
        try:
            return Evaluator(parts).run(size, collector.add), collector.arrays()
        except OutOfMemory as error:
            if size == 1 or not is_out_of_memory(error):
                raise
            text = f"batches of {size} samples do not fit into memory: half of it is tried"
        report(text)
        torch.cuda.empty_cache()
        size //= 2


class _Counter:
    """Tells of samples as they are evaluated, once a second."""

    def __init__(self, samples: int, report: Callable[[str], None]) -> None:
        self._samples = samples
        self._report = report
        self._last = time.monotonic()

    def tell(self, number: int) -> None:
        """Say how many were evaluated."""
        now = time.monotonic()
        if now - self._last >= _TELL_S:
            self._last = now
            self._report(f"evaluated {number:,} of {self._samples:,} samples")


def _baseline(parts: TrainingComponents, report: Callable[[str], None]) -> dict[str, np.ndarray]:
    """Return what a prediction without looking can be made of: from the training targets."""
    family = family_of(parts.task)
    if parts.data.stands_in and family != "tensors":
        kept = parts.description.targets
        names = {"counts": "train_counts", "means": "train_mean"}
        return {names[key]: np.array(values) for key, values in kept.items()}
    if family == "numbers":
        targets = all_targets(parts.data.train, report)
        wide = targets.reshape(len(targets), -1).cpu().double()
        return {"train_mean": wide.mean(0).numpy()}
    if family == "classes":
        known = known_targets(parts.data.train)
        if known is None:
            # Every image would have to be decoded for it.
            return {}
        if known.is_floating_point():
            known = (known.reshape(len(known)) > 0.5).long()
        classes = max(2, parts.data.spec.outputs)
        return {"train_counts": torch.bincount(known.cpu(), minlength=classes).numpy()}
    if family == "tensors":
        return {"spread": _spread(parts)}
    return {}


def _spread(parts: TrainingComponents) -> np.ndarray:
    """Return the mean square of each sample's distance to the mean of all targets [n]."""
    total: torch.Tensor | None = None
    for _inputs, targets in _validation(parts.data, parts):
        part = targets.cpu().double().sum(0)
        total = part if total is None else total + part
    if total is None:
        raise TrainingError("the validation part is empty")
    mean = total / count(parts.data.validation)
    each = [
        (targets.cpu().double() - mean).square().flatten(1).mean(1)
        for _inputs, targets in _validation(parts.data, parts)
    ]
    return torch.cat(each).numpy()


def _validation(data: Data, parts: TrainingComponents) -> Any:
    return evaluation_batches(
        data.validation,
        data.preparation,
        batch_size=evaluation_size(parts),
        workers=parts.preset.data.workers,
        device=parts.device,
    )
