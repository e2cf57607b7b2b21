"""All rules on training together, the gravest first."""

from collections.abc import Callable, Mapping

from tuitrain.analysis.diagnosis.classes import dead_outputs, imbalance
from tuitrain.analysis.diagnosis.diagnosis import Diagnosis, Kind
from tuitrain.analysis.diagnosis.history import TrainingHistory
from tuitrain.analysis.diagnosis.learning_rate import rate_too_high, rate_too_low
from tuitrain.analysis.diagnosis.overfitting import overfitting
from tuitrain.analysis.diagnosis.underfitting import underfitting
from tuitrain.analysis.diagnosis.validation import noisy_validation

RULES: tuple[Callable[[TrainingHistory], Diagnosis | None], ...] = (
    rate_too_high,
    rate_too_low,
    underfitting,
    overfitting,
    dead_outputs,
    imbalance,
    noisy_validation,
)


_EXPLAINED_BY: Mapping[Kind, frozenset[Kind]] = {
    "rate too low": frozenset({"rate too high"}),
    "underfitting": frozenset({"imbalance"}),
    "dead outputs": frozenset({"imbalance", "underfitting"}),
}
"""What is left out beside another diagnosis: it says the same with less."""


def diagnose_training(history: TrainingHistory) -> tuple[Diagnosis, ...]:
    """Return what the curves show, the gravest first; nothing where nothing is sure."""
    found = [diagnosis for rule in RULES if (diagnosis := rule(history)) is not None]
    kinds = {diagnosis.kind for diagnosis in found}
    return tuple(each for each in found if not kinds & _EXPLAINED_BY.get(each.kind, frozenset()))
