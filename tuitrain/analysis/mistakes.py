"""Which samples a model took for what: of classes, of one cell of the confusion, or the worst.

Knows arrays and names; nothing of how samples are shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tuitrain.analysis.evaluation import Evaluated
from tuitrain.analysis.statistics.calibration import softmax

MOST_ROWS = 200
"""Of samples in one list: nobody walks through more."""
_AT_ONCE = 1 << 14
"""Samples whose probabilities are held in float64 at a time."""


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One sample, and how far off the model was."""

    number: int
    """In the order of the evaluation."""
    name: str | None
    true: str
    """Empty: the task has no class and no number a sample."""
    predicted: str
    measure: str
    """What `value` is: `probability`, `error`, `iou` or `loss`."""
    value: float


@dataclass(frozen=True, slots=True)
class Judged:
    """What a model took each sample of an evaluation of classes for."""

    classes: tuple[str, ...]
    targets: np.ndarray
    """Class numbers [n]."""
    predicted: np.ndarray
    """Class numbers [n]."""
    probability: np.ndarray
    """Of the predicted class [n]."""

    @property
    def is_wrong(self) -> np.ndarray:
        """Which samples were taken for another class [n]."""
        wrong: np.ndarray = self.predicted != self.targets
        return wrong

    def confusion(self) -> np.ndarray:
        """Return how many samples [true, predicted] there are."""
        number = len(self.classes)
        flat = np.bincount(self.targets * number + self.predicted, minlength=number * number)
        return flat.reshape(number, number)

    def in_cell(self, true: int, predicted: int) -> np.ndarray:
        """Return the numbers of the samples of one cell, the worst first.

        Of wrong ones those that the model was surest of, of right ones those it was least sure of.
        """
        numbers = self._surest((self.targets == true) & (self.predicted == predicted))
        return numbers[::-1] if true == predicted else numbers

    def mistaken(self, number: int) -> np.ndarray:
        """Return the wrong samples that are of a class or were taken for it, the surest first."""
        of_it = (self.targets == number) | (self.predicted == number)
        return self._surest(of_it & self.is_wrong)

    def wrong(self) -> np.ndarray:
        """Return all wrong samples, the surest first."""
        return self._surest(self.is_wrong)

    def _surest(self, chosen: np.ndarray) -> np.ndarray:
        numbers = np.flatnonzero(chosen)
        return numbers[np.argsort(-self.probability[numbers], kind="stable")]


def judge(found: Evaluated) -> Judged | None:
    """Return what each sample was taken for; None: the task has no class a sample."""
    if found.family != "classes":
        return None
    scores, targets = found.arrays["scores"], found.arrays["targets"]
    predicted = scores.argmax(1)
    parts = [
        softmax(scores[first : first + _AT_ONCE]).max(1)
        for first in range(0, len(scores), _AT_ONCE)
    ]
    classes = tuple(
        found.classes[number] if number < len(found.classes) else str(number)
        for number in range(scores.shape[1])
    )
    probability = np.concatenate(parts) if parts else np.zeros(0)
    return Judged(classes, targets, predicted, probability)


def likeliest(found: Evaluated, number: int, most: int) -> list[tuple[int, float]]:
    """Return the likeliest classes of one sample, with their probabilities."""
    probabilities = softmax(found.arrays["scores"][number : number + 1])[0]
    order = np.argsort(-probabilities, kind="stable")[:most]
    return [(int(each), float(probabilities[each])) for each in order]


def class_rows(found: Evaluated, judged: Judged, numbers: Iterable[int]) -> list[SampleRow]:
    """Return samples of an evaluation of classes as rows, at most `MOST_ROWS`."""
    return [
        SampleRow(
            int(number),
            found.name(int(number)),
            judged.classes[judged.targets[number]],
            judged.classes[judged.predicted[number]],
            "probability",
            float(judged.probability[number]),
        )
        for number in list(numbers)[:MOST_ROWS]
    ]


def worst_rows(found: Evaluated, judged: Judged | None) -> list[SampleRow]:
    """Return the samples that the model did worst on, the worst first, at most `MOST_ROWS`.

    Of classes the wrong ones it was surest of, of numbers those with the largest mean absolute
    error, of anything else those with the largest loss.
    """
    if judged is not None:
        return class_rows(found, judged, judged.wrong().tolist())
    if found.family == "numbers":
        return _number_rows(found)
    losses = found.arrays["loss"]
    order = np.argsort(-losses, kind="stable")[:MOST_ROWS].tolist()
    return [SampleRow(n, found.name(n), "", "", "loss", float(losses[n])) for n in order]


def overlap_rows(found: Evaluated, number: int) -> list[SampleRow]:
    """Return the samples that have a class at some of their pixels, by its intersection over union.

    Args:
        found: an evaluation of pixels.
        number: of the class.
    """
    both, true, predicted = (
        found.arrays[name][:, number].astype(float) for name in ("both", "true", "predicted")
    )
    union = true + predicted - both
    chosen = np.flatnonzero(union > 0)
    overlap = both[chosen] / union[chosen]
    return [
        SampleRow(n, found.name(n), "", "", "iou", float(overlap[place]))
        for place in np.argsort(overlap, kind="stable")[:MOST_ROWS].tolist()
        for n in [int(chosen[place])]
    ]


def _number_rows(found: Evaluated) -> list[SampleRow]:
    outputs, targets = found.arrays["outputs"], found.arrays["targets"]
    sizes = np.abs(outputs - targets).mean(1)
    return [
        SampleRow(
            number,
            found.name(number),
            _numbers(targets[number]),
            _numbers(outputs[number]),
            "error",
            float(sizes[number]),
        )
        for number in np.argsort(-sizes, kind="stable")[:MOST_ROWS].tolist()
    ]


def _numbers(values: Sequence[float]) -> str:
    """Return a few numbers in four significant digits."""
    words = " ".join(f"{value:.4g}" for value in values[:4])
    return words if len(values) <= 4 else f"{words} ..."
