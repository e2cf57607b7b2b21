"""The rule on overfitting: the validation loss has turned while the training loss goes on falling.

Knows curves and settings, not where they come from.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tuitrain.analysis.diagnosis.diagnosis import Advice, Diagnosis, Evidence
from tuitrain.analysis.diagnosis.history import Curve, TrainingHistory
from tuitrain.config.wording import printable
from tuitrain.runs.metrics import metric_mode

_LOSS = "val/loss"
_LEAST_EVALUATIONS = 8
_AFTER_BEST = 4
"""Evaluations after the best one before a turn is believed."""
_NOISES = 4.0
"""Standard errors that the validation loss must have risen by."""
_LEAST_RISE = 0.15
"""And this share of its best value,"""
_SHARE_OF_DESCENT = 0.02
"""and this share of all that it had come down."""
_LASTING = 0.75
"""Share of the later half since the best that must lie above a third of the rise."""
_AROUND_BEST = 5
"""Evaluations around the best one that say what level it was."""
_LEAST_LOSS = 0.01
"""Share of its best value that an accuracy must have lost to count as lower."""
_TRAIN_FALL = 0.1
"""Share of the training loss at the best step that it must have lost since."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """How both losses went since the validation loss was best."""

    best_step: int
    best: float
    step: int
    now: float
    train_then: float
    train_now: float


def overfitting(history: TrainingHistory) -> Diagnosis | None:
    """Say that the run has been overfitting since its best validation loss."""
    turn = _find_turn(history.values_at(_LOSS), history.train)
    if turn is None:
        return None
    text = (
        f"overfits: {_LOSS} best {turn.best:.3g} at step {turn.best_step:,}, now {turn.now:.3g} "
        f"at step {turn.step:,}; train/loss still falls, {turn.train_then:.3g} -> "
        f"{turn.train_now:.3g}{_other_metric(history)}"
    )
    evidence = (
        Evidence(_LOSS, turn.best_step, turn.best),
        Evidence(_LOSS, turn.step, turn.now),
        Evidence("train/loss", turn.best_step, turn.train_then),
        Evidence("train/loss", turn.step, turn.train_now),
    )
    advice = (*_go_back(history, turn), _stop_early(history), *_regularise(history))
    return Diagnosis("overfitting", "warning", text, history.step, evidence, advice)


def _find_turn(validation: Curve, train: Curve) -> _Turn | None:
    if len(validation) < _LEAST_EVALUATIONS or not len(train):
        return None
    best = validation.lowest()
    recent = max(3, len(validation) // 10)
    # A single lucky evaluation is lower than the level around it.
    level = validation.around(best, min(recent, _AROUND_BEST)).level
    after = validation.since(validation.steps[best])
    if len(after) < max(_AFTER_BEST, recent):
        return None
    now = after.last(recent)
    rise = now.level - level
    if not _is_clear(rise, level, validation, recent) or not _lasts(after, level + rise / 3):
        return None
    before = train.until(validation.steps[best])
    before = before if len(before) else train.around(0, 1)
    stretches = max(3, len(train) * recent // len(validation))
    then, train_now = before.last(stretches).level, train.last(stretches).level
    if train_now > then - _TRAIN_FALL * abs(then) or train_now >= now.level:
        return None
    return _Turn(
        validation.steps[best], validation.values[best], now.steps[-1], now.values[-1], then,
        train_now,
    )  # fmt: skip


def _is_clear(rise: float, level: float, validation: Curve, recent: int) -> bool:
    """Say whether a rise is more than noise, and large beside the loss and its descent."""
    error = validation.noise * math.sqrt(1 / recent + 1 / min(recent, _AROUND_BEST))
    descent = validation.values[0] - level
    return rise > max(_NOISES * error, _LEAST_RISE * abs(level), _SHARE_OF_DESCENT * descent)


def _lasts(after: Curve, limit: float) -> bool:
    later = after.last(max(_AFTER_BEST, len(after) // 2))
    above = sum(value > limit for value in later.values)
    return above >= _LASTING * len(later)


def _other_metric(history: TrainingHistory) -> str:
    """Say where the metric that decides is as good as ever: then only certainty was overdone."""
    name = history.monitor
    curve = history.values_at(name)
    if name == _LOSS or metric_mode(name) != "max" or len(curve) < _LEAST_EVALUATIONS:
        return ""
    best, now = max(curve.values), curve.last(max(3, len(curve) // 10)).level
    if best - now > max(2 * curve.noise, _LEAST_LOSS * best):
        return f", and {name} went from {best:.3g} to {now:.3g}"
    return f"; {name} holds at {now:.3g}: it grows surer of its mistakes, not worse at its answers"


# --- what to do ---------------------------------------------------------------------------------


def _go_back(history: TrainingHistory, turn: _Turn) -> Iterator[Advice]:
    step = history.checkpoints.get("best")
    if step is None:
        return
    decided = f", best by {history.monitor}" if history.monitor else ""
    first = "stop it (s), then " if history.live else ""
    text = f"go back to checkpoint best (step {step:,}{decided}; {_LOSS} was best at step "
    text += f"{turn.best_step:,}): {first}C lists the checkpoints, R resumes from the chosen one; "
    text += "evaluate and predict take it by themselves"
    yield Advice(text, "C", f"tuitrain resume {history.run} --from best")


def _stop_early(history: TrainingHistory) -> Advice:
    patience = history.setting("stop", "patience") or 0
    if patience:
        text = f"end runs sooner: stop.patience is {patience}, watching "
        text += f"{history.setting('stop', 'monitor') or _LOSS}"
    else:
        text = "let the run end by itself once nothing gets better: stop.patience, 0 now"
    command = "--set stop.patience=5"
    if history.live:
        return Advice(text, "", f"tuitrain set {history.run} stop.patience=5")
    return Advice(text, "", f"tuitrain run {history.preset} {command}")


def _regularise(history: TrainingHistory) -> Iterator[Advice]:
    """Name the settings of this preset that hold a model back, with their values."""
    augment = history.setting("data", "augment")
    names = [printable(str(item.get("name"))) for item in augment or () if isinstance(item, dict)]
    parts = [f"more data.augment (now {', '.join(names) or 'none'})"]
    for section, key in (
        ("model", "dropout"),
        ("optimizer", "weight_decay"),
        ("loss", "label_smoothing"),
    ):
        value = history.setting(section, key)
        if isinstance(value, (int, float)):
            parts.append(f"a larger {section}.{key} (now {value:g})")
    yield Advice(f"hold the model back, or train on more data: {'; '.join(parts)}")
