"""The rule on underfitting: the model gets no better than an answer that looks at no input.

Knows counts, curves and settings, not where they come from.
"""

import math
import statistics

from tuitrain.analysis.diagnosis.diagnosis import Advice, Diagnosis, Evidence
from tuitrain.analysis.diagnosis.history import ClassCounts, TrainingHistory

_LEAST_EVALUATIONS = 5
_IN_A_ROW = 3
_LEAST_PROGRESS = 0.25
_LEAST_STEPS = 50
_LATE = 0.5
_ERRORS = 2.0
"""Standard errors above the baseline within which an accuracy is no better."""
_EVER = 3.0
"""The same for the best accuracy there ever was: of many the best is better by chance."""
_NEAR_GUESSING = 0.02
"""Share of ln(classes) within which a cross-entropy is that of guessing."""
_LEAST_R2 = 0.02
_STILL = 0.02
"""Share of its level that the training loss moved by at most where it stands still."""


def underfitting(history: TrainingHistory) -> Diagnosis | None:
    """Say that the model is no better than its baseline."""
    if history.evaluations < _LEAST_EVALUATIONS or history.step < _LEAST_STEPS:
        return None
    if history.progress < _LEAST_PROGRESS:
        return None
    return _as_the_largest_class(history) or _as_guessing(history) or _as_the_mean(history)


def _as_the_largest_class(history: TrainingHistory) -> Diagnosis | None:
    """Compare the accuracy with the share of the most frequent class."""
    recent = history.counts[-_IN_A_ROW:]
    if len(recent) < _IN_A_ROW or not all(_is_no_better(each, each.accuracy) for each in recent):
        return None
    last = recent[-1]
    if not _is_no_better(last, max(history.values_at("val/accuracy").values, default=0.0), _EVER):
        return None
    share = last.counts.support[last.largest] / last.samples
    text = (
        f"no better than a constant answer: val/accuracy {last.accuracy:.3g} at step "
        f"{last.step:,}, always {last.name(last.largest)} would have {share:.3g} of "
        f"{last.samples:,} {history.unit}"
    )
    evidence = tuple(Evidence("val/accuracy", each.step, each.accuracy) for each in recent)
    return _diagnosis(history, text, evidence)


def _is_no_better(each: ClassCounts, accuracy: float, errors: float = _ERRORS) -> bool:
    if len(each.counts.support) < 2 or not each.samples:
        return False
    share = each.counts.support[each.largest] / each.samples
    error = math.sqrt(share * (1 - share) / each.samples)
    return accuracy < share + max(errors * error, 1 / each.samples)


def _as_guessing(history: TrainingHistory) -> Diagnosis | None:
    """Compare a plain cross-entropy with that of giving every class the same chance."""
    loss, classes = history.setting("loss", "name"), _classes(history)
    plain = not history.setting("loss", "label_smoothing")
    weighted = history.setting("loss", "class_weights") is not None
    if loss not in ("cross_entropy", "nll", "bce_with_logits") or weighted or not plain:
        return None
    if classes < 2 or len(history.train) < _IN_A_ROW:
        return None
    guessing = math.log(classes)
    recent = history.train.last(max(_IN_A_ROW, len(history.train) // 10))
    if abs(recent.level - guessing) > _NEAR_GUESSING * guessing:
        return None
    text = (
        f"no better than guessing: train/loss {recent.level:.4g} at step {history.step:,} is that "
        f"of the same chance for each of {classes} classes (ln {classes} = {guessing:.4g})"
    )
    return _diagnosis(history, text, (Evidence("train/loss", recent.steps[-1], recent.level),))


def _classes(history: TrainingHistory) -> int:
    return len(history.counts[-1].counts.support) if history.counts else 0


def _as_the_mean(history: TrainingHistory) -> Diagnosis | None:
    """Compare with always answering the mean, where the training loss does not move either."""
    curve, train = history.values_at("val/r2"), history.train
    recent, quarter = curve.last(_IN_A_ROW), len(train) // 4
    if history.progress < _LATE or quarter < 3 or len(recent) < _IN_A_ROW:
        return None
    if max(recent.values) > _LEAST_R2:
        return None
    before = statistics.fmean(train.values[-2 * quarter : -quarter])
    now = statistics.fmean(train.values[-quarter:])
    error = train.noise * math.sqrt(2 / quarter)
    if before - now > max(_STILL * abs(before), 2 * error):
        return None
    text = (
        f"no better than a constant answer: val/r2 {recent.values[-1]:.3g} at step "
        f"{recent.steps[-1]:,}, the mean of the targets has 0; train/loss stays at {now:.3g}"
    )
    evidence = (
        Evidence("val/r2", recent.steps[-1], recent.values[-1]),
        Evidence("train/loss", train.steps[-1], now),
    )
    return _diagnosis(history, text, evidence)


def _diagnosis(history: TrainingHistory, text: str, evidence: tuple[Evidence, ...]) -> Diagnosis:
    name = history.preset
    rate = history.setting("optimizer", "lr")
    rate_now = f" (optimizer.lr is {rate:g})" if isinstance(rate, (int, float)) else ""
    advice = (
        Advice("look whether inputs and targets belong together", "", f"tuitrain data {name}"),
        Advice(f"find a rate that trains{rate_now}", "l" if history.live else "",
               f"tuitrain find-lr {name}"),
        Advice("see whether the model is large enough and every layer is trained", "",
               f"tuitrain model {name}"),
    )  # fmt: skip
    return Diagnosis("underfitting", "warning", text, history.step, evidence, advice)
