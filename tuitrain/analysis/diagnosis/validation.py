"""The rule on validation sets that are too small to tell what is better.

Knows counts and settings, not where they come from.
"""

import math

from tuitrain.analysis.diagnosis.diagnosis import Advice, Diagnosis, Evidence
from tuitrain.analysis.diagnosis.history import TrainingHistory

_LEAST_EVALUATIONS = 8
_WIDE = 0.1
"""An interval of so many points leaves open what is good."""
_Z = 1.96


def noisy_validation(history: TrainingHistory) -> Diagnosis | None:
    """Say that accuracies of late differ by less than so few samples can tell."""
    curve = history.values_at("val/accuracy")
    if history.evaluations < _LEAST_EVALUATIONS or not history.counts or not len(curve):
        return None
    last = history.counts[-1]
    low, high = _interval(sum(last.counts.correct), last.samples)
    later = curve.last(max(3, len(curve) // 2))
    best = max(range(len(later)), key=later.values.__getitem__)
    spread = later.values[best] - min(later.values)
    if high - low < _WIDE or not 0 < spread < high - low:
        return None
    text = (
        f"{last.samples:,} validation samples are few: val/accuracy {last.accuracy:.3g} may be "
        f"{low:.2f} to {high:.2f} (95 %), and differences of the later half, "
        f"{spread * last.samples:.0f} samples at the most, say little"
    )
    evidence = (
        Evidence("val/accuracy", later.steps[best], later.values[best]),
        Evidence("val/accuracy", last.step, last.accuracy),
    )
    name = history.preset
    advice = (
        Advice("measure on all samples in turn: folds", "", f"tuitrain run {name} --fold 1/5"),
        Advice("see the figures with their intervals", "", f"tuitrain evaluate {history.run}"),
    )
    return Diagnosis("noisy validation", "info", text, history.step, evidence, advice)


def _interval(right: int, samples: int) -> tuple[float, float]:
    """Return the interval of a share after Wilson (1927)."""
    if not samples:
        return 0.0, 1.0
    share, spread = right / samples, _Z * _Z / samples
    middle = (share + spread / 2) / (1 + spread)
    reach = _Z / (1 + spread) * math.sqrt(share * (1 - share) / samples + spread / (4 * samples))
    return middle - reach, middle + reach
