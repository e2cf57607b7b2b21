"""How much worse a table's figure is with a column's values mixed up among the rows.

Breiman 2001; needs no gradients and no library.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import sqrt
from typing import Any

import torch
from torch import Tensor

from tuitrain.components.data import Samples
from tuitrain.errors import UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.sources import count, raw_samples, sample_shape
from tuitrain.training.explaining.columns import Part, table_columns
from tuitrain.training.metrics.evaluation import Evaluator, evaluation_size


def permutation_importance(
    parts: TrainingComponents, repeats: int, report: Callable[[str], None]
) -> dict[str, Any]:
    """Return each column's importance for the figure that decides which checkpoint is best.

    Args:
        parts: of the run; its validation part is evaluated.
        repeats: how often each column is mixed up, each time in another way.
        report: is told how far it is.

    Raises:
        UsageError: the samples are no rows.
    """
    if len(sample_shape(parts.data.validation)) != 1 or parts.data.spec.kind == "tokens":
        raise UsageError(
            "name a file to explain; without one, or with --method permutation, the columns of a "
            f"table are weighed, and data.name = {parts.preset.data.name} is none"
        )
    whole, own = _held(parts), parts.data
    metric, is_largest_best, before = _figure(parts)
    worse = 1 if is_largest_best else -1
    columns = []
    named = table_columns(own)
    try:
        for number, part in enumerate(named, 1):
            changed = []
            for mixed in _mixed(whole, part, repeats, parts.preset.train.seed + number):
                parts.data = replace(own, validation=mixed)
                changed.append(worse * (before - _metrics(parts)[metric]))
            columns.append({"column": part.column.name, **_spread(changed)})
            report(f"mixed up {number:,} of {len(named):,} columns")
    finally:
        parts.data = own
    return {
        "metric": metric,
        "value": before,
        "larger_is_better": is_largest_best,
        "repeats": repeats,
        "samples": len(whole),
        "columns": sorted(columns, key=lambda column: -column["mean"]),
    }


def _held(parts: TrainingComponents) -> Samples:
    """Return the validation part in memory."""
    validation = parts.data.validation
    if isinstance(validation, Samples):
        return validation
    return Samples(*raw_samples(validation, range(count(validation))))


def _figure(parts: TrainingComponents) -> tuple[str, bool, float]:
    """Return the main figure's name, whether it should be large, and what it is."""
    metrics, checkpoint = _metrics(parts), parts.preset.checkpoint
    if checkpoint.monitor in metrics:
        name = str(checkpoint.monitor)
        return name, checkpoint.mode == "max", metrics[name]
    return "val/loss", False, metrics["val/loss"]


def _metrics(parts: TrainingComponents) -> dict[str, float]:
    return Evaluator(parts).run(evaluation_size(parts)).metrics


def _mixed(whole: Samples, part: Part, repeats: int, seed: int) -> Iterator[Samples]:
    """Yield the set with a column's features moved to other rows, all of a row's together."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(repeats):
        order = torch.randperm(len(whole), generator=generator)
        inputs: Tensor = whole.inputs.clone()
        inputs[:, part.features] = inputs[order.to(inputs.device)][:, part.features]
        yield Samples(inputs, whole.targets)


def _spread(values: list[float]) -> dict[str, Any]:
    """Return mean and standard deviation of repeats; of a single one there is no deviation."""
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    deviation = sqrt(squares / (len(values) - 1)) if len(values) > 1 else None
    return {"mean": mean, "deviation": deviation, "values": values}
