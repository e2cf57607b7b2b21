"""The rules on classes: outputs that are never used, and classes drowned by a frequent one.

Knows counts by class, not what the classes are.
"""

import math

from tuitrain.analysis.diagnosis.diagnosis import Advice, Diagnosis, Evidence
from tuitrain.analysis.diagnosis.history import ClassCounts, TrainingHistory

_LEAST_EVALUATIONS = 5
_IN_A_ROW = 3
"""Evaluations in which a class must not have been predicted."""
_LEAST_SUPPORT = 3
_LEAST_PROGRESS = 0.25
_NAMED = 5
"""Classes that a sentence names."""
_UNEQUAL = 4.0
"""Times as many samples as the rarest class that the most frequent one must have."""
_LEAST_COMPARED = 10
"""Samples of a class whose recall says anything."""
_RECALL_GAP = 0.2
_ERRORS = 3.0


def dead_outputs(history: TrainingHistory) -> Diagnosis | None:
    """Name the classes that are there and are never predicted."""
    recent = _recent(history)
    if not recent:
        return None
    last = recent[-1]
    dead = [
        number
        for number, support in enumerate(last.counts.support)
        if support >= _LEAST_SUPPORT and not any(each.counts.predicted[number] for each in recent)
    ]
    if not dead:
        return None
    named = [f"{last.name(n)} ({last.counts.support[n]:,})" for n in dead[:_NAMED]]
    more = f" and {len(dead) - _NAMED} more" if len(dead) > _NAMED else ""
    what = "a class is" if len(dead) == 1 else f"{len(dead)} classes are"
    text = (
        f"{what} never predicted in the last {len(recent)} evaluations: {', '.join(named)}{more} "
        f"of {last.samples:,} validation {history.unit}"
    )
    evidence = tuple(
        Evidence(f"predicted as {last.name(n)}", each.step, each.counts.predicted[n])
        for n in dead[:_NAMED]
        for each in recent[-1:]
    )
    return Diagnosis(
        "dead outputs", "warning", text, history.step, evidence, _look_and_weigh(history)
    )


def imbalance(history: TrainingHistory) -> Diagnosis | None:
    """Say that a frequent class is known far better than a rare one."""
    recent = _recent(history)
    if not recent:
        return None
    last = recent[-1]
    support, largest = last.counts.support, last.largest
    compared = [n for n, s in enumerate(support) if s >= _LEAST_COMPARED and n != largest]
    if not compared:
        return None
    worst = min(compared, key=last.recall)
    if support[largest] < _UNEQUAL * support[worst] or not _is_gap(recent, largest, worst):
        return None
    share = support[largest] / last.samples
    text = (
        f"imbalanced classes: {last.name(largest)} is {share:.0%} of the validation "
        f"{history.unit} with "
        f"recall {last.recall(largest):.2f}, {last.name(worst)} is "
        f"{support[worst] / last.samples:.1%} with recall {last.recall(worst):.2f}"
    )
    evidence = (
        Evidence(f"recall of {last.name(largest)}", last.step, last.recall(largest)),
        Evidence(f"recall of {last.name(worst)}", last.step, last.recall(worst)),
    )
    return Diagnosis("imbalance", "warning", text, history.step, evidence, _look_and_weigh(history))


def _recent(history: TrainingHistory) -> tuple[ClassCounts, ...]:
    """Return the last evaluations; none where it is too early to say anything."""
    if history.evaluations < _LEAST_EVALUATIONS or history.progress < _LEAST_PROGRESS:
        return ()
    recent = history.counts[-_IN_A_ROW:]
    sizes = {len(each.counts.support) for each in recent}
    return recent if len(recent) == _IN_A_ROW and len(sizes) == 1 else ()


def _is_gap(recent: tuple[ClassCounts, ...], largest: int, worst: int) -> bool:
    """Say whether recall differs by more than chance, in each of the evaluations."""
    for each in recent:
        high, low = each.recall(largest), each.recall(worst)
        spread = high * (1 - high) / each.counts.support[largest]
        spread += max(low * (1 - low), 0.05) / each.counts.support[worst]
        if high - low < max(_RECALL_GAP, _ERRORS * math.sqrt(spread)):
            return False
    return True


def _look_and_weigh(history: TrainingHistory) -> tuple[Advice, ...]:
    name = history.preset
    look = Advice("see precision and recall a class, and what is taken for what", "",
                  f"tuitrain report {history.run}")  # fmt: skip
    judge = Advice(
        "judge by a metric that counts each class alike", "",
        f"tuitrain run {name} --set 'metrics=[\"balanced_accuracy\", \"f1_macro\"]'",
    )  # fmt: skip
    if history.setting("loss", "class_weights") is not None:
        return (look, judge)
    if history.setting("loss", "name") not in ("cross_entropy", "nll"):
        return (look, judge)
    weigh = Advice(
        "let each class weigh the same in the loss: loss.class_weights", "",
        f"tuitrain run {name} --set loss.class_weights=balanced",
    )  # fmt: skip
    return (weigh, look, judge)
