"""From what a model made of each sample to a report: figures with intervals, baselines, mistakes.

Knows arrays and names; nothing of runs, checkpoints or how a report is shown.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tuitrain.analysis.statistics.calibration import calibrate, cross_entropies, softmax
from tuitrain.analysis.statistics.classification import class_figures
from tuitrain.analysis.statistics.resampling import (
    Figure,
    cells_figure,
    mean_figure,
    quantile_figure,
    ratio_figure,
    share_figure,
)
from tuitrain.messages import PerClassCounts

Arrays = Mapping[str, np.ndarray]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
WORST = 10
_TOP = 5
_RANGE = re.compile(r"-?[0-9.]+(e[-+]?[0-9]+)? to ")
_MOST_CELLS = 1 << 20
"""Of a confusion table that is drawn again: of more classes only what is a mean over samples has
an interval."""
_AGREES = 1e-3
"""How far the mean of the samples' losses may be from the loss, relative, to be an interval of it:
in 16 bits and in other batches it is not the same to the last digit."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What one evaluation gave."""

    family: str
    """What the targets are: `classes`, `numbers`, `tokens`, `pixels`, `tensors` or `other`."""
    metrics: Mapping[str, float]
    """As training measures them, by full name."""
    classes: tuple[str, ...]
    counts: PerClassCounts | None
    arrays: Arrays
    """Of each sample."""
    names: Sequence[str] | None
    """Of the samples, where they have names."""

    def name(self, number: int) -> str | None:
        """Return what a sample is called."""
        return self.names[number] if self.names is not None else None


def make_report(found: Evaluated) -> dict[str, Any]:
    """Return the report as JSON data; every kind of targets has the same keys, empty ones too."""
    report: dict[str, Any] = {
        "metrics": {}, "baseline": {}, "classes": [], "averages": [], "confusion": None,
        "calibration": None, "residuals": [], "worst": [],
    }  # fmt: skip
    intervals = {"loss": _loss(found), **_INTERVALS[found.family](found)}
    metrics = {
        name.removeprefix("val/"): Figure(value) for name, value in found.metrics.items()
    } | {name: figure for name, figure in intervals.items() if figure is not None}
    report["metrics"] = {name: asdict(figure) for name, figure in metrics.items()}
    if found.counts is not None:
        figures = [asdict(row) for row in class_figures(found.counts)]
        report |= {"classes": figures[:-2], "averages": figures[-2:]}
        report["confusion"] = found.counts.confusion
    return report | _DETAILS[found.family](found)


def _loss(found: Evaluated) -> Figure | None:
    """Return the loss with its interval, where it is a mean over the samples."""
    value = found.metrics["val/loss"]
    figure = mean_figure(found.arrays["loss"], found.arrays["weight"])
    if abs(figure.value - value) > _AGREES * max(abs(value), 1e-6):
        return None
    return Figure(value, figure.low, figure.high)


# --- classes ------------------------------------------------------------------------------------


def confusion_of(found: Evaluated) -> np.ndarray:
    """Return how many samples [true, predicted] there are."""
    scores, targets = found.arrays["scores"], found.arrays["targets"]
    classes = scores.shape[1]
    flat = np.bincount(targets * classes + scores.argmax(1), minlength=classes * classes)
    return flat.reshape(classes, classes)


def macro_f1(tables: np.ndarray) -> np.ndarray:
    """Return the mean F1 of the classes in each confusion table; 0 where a class is nowhere."""
    right = np.diagonal(tables, axis1=1, axis2=2)
    both = tables.sum(1) + tables.sum(2)
    each = np.divide(2 * right, both, out=np.zeros_like(right, dtype=float), where=both > 0)
    means: np.ndarray = each.mean(1)
    return means


def _class_intervals(found: Evaluated) -> dict[str, Figure | None]:
    scores, targets = found.arrays["scores"], found.arrays["targets"]
    figures: dict[str, Figure | None] = {
        "accuracy": share_figure(scores.argmax(1) == targets),
        "cross_entropy": mean_figure(cross_entropies(scores, targets)),
    }
    if scores.shape[1] ** 2 <= _MOST_CELLS:
        figures["macro_f1"] = cells_figure(confusion_of(found), macro_f1)
    if scores.shape[1] > _TOP:
        best = np.argpartition(-scores, _TOP - 1, axis=1)[:, :_TOP]
        figures["top_5"] = share_figure((best == targets[:, None]).any(1))
    return figures | _areas(softmax(scores), targets)


def _areas(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, Figure | None]:
    """Return the areas under ROC and precision-recall curves: of several classes their mean."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    classes = probabilities.shape[1]
    looked_at = [1] if classes == 2 else range(classes)
    pairs = [(targets == number, probabilities[:, number]) for number in looked_at]
    both = [(true, sure) for true, sure in pairs if 0 < true.sum() < len(true)]
    if not both:
        return {}
    return {
        "roc_auc": Figure(float(np.mean([roc_auc_score(*pair) for pair in both]))),
        "average_precision": Figure(
            float(np.mean([average_precision_score(*pair) for pair in both]))
        ),
    }


def _class_details(found: Evaluated) -> dict[str, Any]:
    scores, targets = found.arrays["scores"], found.arrays["targets"]
    known = "train_counts" in found.arrays
    counts = found.arrays["train_counts"] if known else np.bincount(targets)
    most, part = int(counts.argmax()), "the training part" if known else "these samples"
    return {
        "baseline": {
            "what": f"always {_class(found, most)}, the most frequent class of {part}",
            "accuracy": float((targets == most).mean()),
        },
        "calibration": asdict(calibrate(scores, targets)),
        "worst": _worst_classes(found),
    }


def _worst_classes(found: Evaluated) -> list[dict[str, Any]]:
    """Return the wrong samples that the model was surest of."""
    scores, targets = found.arrays["scores"], found.arrays["targets"]
    probabilities = softmax(scores)
    predicted = probabilities.argmax(1)
    wrong = np.flatnonzero(predicted != targets)
    order = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:WORST]
    return [
        {
            "sample": int(number),
            "name": found.name(number),
            "true": _class(found, int(targets[number])),
            "predicted": _class(found, int(predicted[number])),
            "probability": float(probabilities[number, predicted[number]]),
            "probability_of_true": float(probabilities[number, targets[number]]),
        }
        for number in order
    ]


def _class(found: Evaluated, number: int) -> str:
    return found.classes[number] if number < len(found.classes) else str(number)


# --- numbers ------------------------------------------------------------------------------------


def _errors(found: Evaluated) -> np.ndarray:
    errors: np.ndarray = found.arrays["outputs"] - found.arrays["targets"]
    return errors


def _number_intervals(found: Evaluated) -> dict[str, Figure | None]:
    errors, targets = _errors(found), found.arrays["targets"]
    squares = np.stack(
        [errors**2, (targets - targets.mean(0)), (targets - targets.mean(0)) ** 2], 1
    )
    ones = np.ones((len(errors), 1, errors.shape[1]))
    return {
        "mae": mean_figure(np.abs(errors).mean(1)),
        "rmse": ratio_figure(np.concatenate([squares, ones], 1), _rmse),
        "r2": ratio_figure(np.concatenate([squares, ones], 1), _r2),
    }


def _rmse(sums: np.ndarray) -> np.ndarray:
    """Return the mean of the outputs' RMSE from sums [resamples, 4, outputs]."""
    roots: np.ndarray = np.sqrt(sums[:, 0] / sums[:, 3]).mean(1)
    return roots


def _r2(sums: np.ndarray) -> np.ndarray:
    """Return the mean of the outputs' R2; where targets do not vary, there is none."""
    spread = sums[:, 2] - sums[:, 1] ** 2 / sums[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        each: np.ndarray = np.where(spread > 0, 1 - sums[:, 0] / spread, np.nan).mean(1)
    return each


def _number_baseline(found: Evaluated) -> dict[str, Any]:
    if "train_mean" not in found.arrays:
        return {}
    apart = found.arrays["targets"] - found.arrays["train_mean"]
    return {
        "what": "always the mean of the training targets",
        "mae": float(np.abs(apart).mean()),
        "rmse": float(np.sqrt((apart**2).mean(0)).mean()),
    }


def _number_details(found: Evaluated) -> dict[str, Any]:
    errors = _errors(found)
    return {
        "baseline": _number_baseline(found),
        "residuals": [
            {"output": output, "quantile": quantile, **asdict(figure)}
            for output in range(errors.shape[1])
            for quantile in QUANTILES
            for figure in [quantile_figure(errors[:, output], quantile)]
        ],
        "worst": _worst_numbers(found),
    }


def _worst_numbers(found: Evaluated) -> list[dict[str, Any]]:
    sizes = np.abs(_errors(found)).mean(1)
    return [
        {
            "sample": int(number),
            "name": found.name(number),
            "true": found.arrays["targets"][number].tolist(),
            "predicted": found.arrays["outputs"][number].tolist(),
            "error": float(sizes[number]),
        }
        for number in np.argsort(-sizes, kind="stable")[:WORST]
    ]


# --- tokens, pixels, tensors --------------------------------------------------------------------


def _token_intervals(found: Evaluated) -> dict[str, Figure | None]:
    counted = found.arrays["counted"].astype(float)
    nats = np.stack([found.arrays["nats"].astype(float), counted], 1)
    right = np.stack([found.arrays["right"].astype(float), counted], 1)
    return {
        "accuracy": ratio_figure(right, _share),
        "perplexity": ratio_figure(nats, lambda sums: np.exp(np.minimum(_share(sums), 700))),
        "bits_per_token": ratio_figure(nats, lambda sums: _share(sums) / np.log(2)),
    }


def _share(sums: np.ndarray) -> np.ndarray:
    shares: np.ndarray = sums[:, 0] / np.maximum(sums[:, 1], 1)
    return shares


def class_ious(sums: np.ndarray) -> np.ndarray:
    """Return intersection over union [resamples, classes] from sums of both, true and predicted.

    NaN where a class is neither there nor predicted.
    """
    union = sums[:, 1] + sums[:, 2] - sums[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(union > 0, sums[:, 0] / union, np.nan)


def _mean_iou(sums: np.ndarray) -> np.ndarray:
    each = class_ious(sums)
    known = ~np.isnan(each)
    means: np.ndarray = np.where(known, each, 0).sum(1) / np.maximum(known.sum(1), 1)
    return means


def _pixel_sums(found: Evaluated) -> np.ndarray:
    """Return [samples, 3, classes]: both, true, predicted."""
    parts = [found.arrays[name] for name in ("both", "true", "predicted")]
    return np.stack(parts, 1).astype(float)


def _pixel_intervals(found: Evaluated) -> dict[str, Figure | None]:
    sums = _pixel_sums(found)
    return {
        "accuracy": ratio_figure(sums[:, :2].sum(2), _share),
        "mean_iou": ratio_figure(sums, _mean_iou),
    }


def _pixel_details(found: Evaluated) -> dict[str, Any]:
    """Return intersection over union of each class, over all samples, each with its interval."""
    sums = _pixel_sums(found)

    def of(number: int) -> Callable[[np.ndarray], np.ndarray]:
        return lambda parts: class_ious(parts)[:, number]

    ious = [
        {"name": _class(found, number), **asdict(ratio_figure(sums, of(number)))}
        for number in range(sums.shape[2])
    ]
    return {"ious": ious, "worst": _worst_losses(found)}


def _tensor_intervals(found: Evaluated) -> dict[str, Figure | None]:
    squared, spread = (found.arrays[name].astype(float) for name in ("squared", "spread"))
    pair = np.stack([squared, spread], 1)
    return {
        "mse": mean_figure(squared),
        "variance_explained": ratio_figure(pair, _explained),
    }


def _explained(sums: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums[:, 1] > 0, 1 - sums[:, 0] / sums[:, 1], np.nan)


def _worst_losses(found: Evaluated) -> list[dict[str, Any]]:
    losses = found.arrays["loss"]
    return [
        {"sample": int(number), "name": found.name(number), "loss": float(losses[number])}
        for number in np.argsort(-losses, kind="stable")[:WORST]
    ]


def _only_worst(found: Evaluated) -> dict[str, Any]:
    return {"worst": _worst_losses(found)}


_INTERVALS: dict[str, Callable[[Evaluated], dict[str, Figure | None]]] = {
    "classes": _class_intervals,
    "numbers": _number_intervals,
    "tokens": _token_intervals,
    "pixels": _pixel_intervals,
    "tensors": _tensor_intervals,
    "other": lambda _found: {},
}
_DETAILS: dict[str, Callable[[Evaluated], dict[str, Any]]] = {
    "classes": _class_details,
    "numbers": _number_details,
    "tokens": _only_worst,
    "pixels": _pixel_details,
    "tensors": _only_worst,
    "other": _only_worst,
}


def main_values(found: Evaluated) -> tuple[str, np.ndarray]:
    """Return what a sample's part of the main figure is, and its name.

    Of classes whether it is right, of numbers the mean absolute error, of tokens and pixels the
    share that is right, of tensors the mean squared error, of anything else the loss.
    """
    arrays = found.arrays
    if found.family == "classes":
        return "accuracy", (arrays["scores"].argmax(1) == arrays["targets"]).astype(float)
    if found.family == "numbers":
        return "mae", np.abs(_errors(found)).mean(1)
    if found.family == "tokens":
        return "accuracy", arrays["right"] / np.maximum(arrays["counted"], 1)
    if found.family == "pixels":
        return "accuracy", arrays["both"].sum(1) / np.maximum(arrays["true"].sum(1), 1)
    if found.family == "tensors":
        return "mse", arrays["squared"].astype(float)
    return "loss", arrays["loss"].astype(float)


def by_group(found: Evaluated, groups: Sequence[str]) -> list[dict[str, Any]]:
    """Return main figure and loss of each group of samples: the largest first, ranges in order.

    Args:
        found: the evaluation.
        groups: what each sample belongs to.
    """
    name, values = main_values(found)
    labels = np.array(groups, dtype=object)
    known = sorted(set(groups), key=lambda label: (-int((labels == label).sum()), label))
    if all(_RANGE.match(label) for label in known):
        known.sort(key=lambda label: float(label.split()[0]))
    return [
        {
            "group": label,
            "samples": int(chosen.sum()),
            name: asdict(mean_figure(values[chosen])),
            "loss": asdict(
                mean_figure(found.arrays["loss"][chosen], found.arrays["weight"][chosen])
            ),
        }
        for label in known
        for chosen in [labels == label]
    ]
