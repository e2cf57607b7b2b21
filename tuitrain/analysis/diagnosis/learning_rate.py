"""The rules on the learning rate: too high where the loss jumps or swings, too low where it creeps.

Knows curves and settings, not where they come from.
"""

import math
import statistics
from itertools import pairwise

from tuitrain.analysis.diagnosis.diagnosis import Advice, Diagnosis, Evidence
from tuitrain.analysis.diagnosis.history import BEGINNING_STEPS, Curve, TrainingHistory

_TRAIN = "train/loss"
_BURST = 3.5
"""Times the first loss, and the median of the first steps, that one of them must reach: before an
update has done anything batches differ by less, and a first one that was low by chance is told by
the steps after it. Of rates times 100 on presets the least was 3.7, and 4.5 times the median."""
_BEYOND_SCATTER = 1.5
"""Times the largest losses of the later half: losses of very small batches scatter as far."""
_COLLAPSE = 0.3
"""Share of all that the training loss had come down that it must have lost again."""
_LEAST_STRETCHES = 20
_ERRORS = 6.0
"""Standard errors that a collapse must be."""
_FALL_ERRORS = 3.5
"""The same for a loss that hardly falls."""
_SWING = 0.25
"""Share of the validation loss that it must swing by from one evaluation to the next,"""
_SWING_OF_DESCENT = 0.05
"""and share of all that it had come down."""
_ANTICORRELATION = -0.4
_LEAST_SWINGS = 12
_LEAST_PROGRESS = 0.3
_LEAST_STEPS = 100
_LITTLE = 0.15
"""Share of its first value that a loss has lost at most where it hardly moves."""
_SAME_RATE = 0.1
"""Share that the largest rate may differ from the preset's by: means of stretches are lower."""
_LINEAR = 0.5
"""Share of the descent of its first quarters that the last ones must have, rate for rate."""


def rate_too_high(history: TrainingHistory) -> Diagnosis | None:
    """Say that the rate is too high: the loss bursts, collapses or swings."""
    found = _collapse(history.train) or _burst(history.beginning, history.train) or _swings(history)
    if found is None:
        return None
    text, evidence = found
    rate = _rate_words(history)
    return Diagnosis(
        "rate too high", "warning", f"learning rate{rate} looks too high: {text}", history.step,
        evidence, _lower(history),
    )  # fmt: skip


_Found = tuple[str, tuple[Evidence, ...]]


def _burst(beginning: Curve, train: Curve) -> _Found | None:
    """Find a loss that shoots up in the first steps, further than it scatters later."""
    if len(train) < 2 * BEGINNING_STEPS or not len(beginning) or beginning.values[0] <= 0:
        return None
    first = beginning.values[0]
    place = max(range(len(beginning)), key=beginning.values.__getitem__)
    worst = beginning.values[place]
    later = sorted(train.last(len(train) // 2).highs)
    usual = max(first, beginning.level)
    if worst < _BURST * usual or worst < _BEYOND_SCATTER * later[int(0.9 * len(later))]:
        return None
    step = beginning.steps[place]
    text = f"{_TRAIN} rose from {first:.3g} at step {beginning.steps[0]} to {worst:.3g} at step "
    return f"{text}{step}", (
        Evidence(_TRAIN, beginning.steps[0], first),
        Evidence(_TRAIN, step, worst),
    )


def _collapse(train: Curve) -> _Found | None:
    """Find a loss that had come down and lies far above its best now."""
    window = max(3, len(train) // 20)
    if len(train) < max(_LEAST_STRETCHES, 3 * window):
        return None
    levels = [train.around(place, window).level for place in range(len(train))]
    place = min(range(len(levels)), key=levels.__getitem__)
    best, now, start = levels[place], train.last(2 * window).level, levels[0]
    rise, error = now - best, train.noise * math.sqrt(2 / window)
    if rise <= max(_ERRORS * error, _COLLAPSE * (start - best), 0.05 * abs(best)):
        return None
    if train.steps[-1] == train.steps[place]:
        return None
    at, last = train.steps[place], train.steps[-1]
    text = f"{_TRAIN} had come down to {best:.3g} at step {at:,} and is at {now:.3g} now"
    return text, (Evidence(_TRAIN, at, best), Evidence(_TRAIN, last, now))


def _swings(history: TrainingHistory) -> _Found | None:
    """Find a validation loss that goes up and down from evaluation to evaluation."""
    curve = history.values_at("val/loss")
    later = curve.last(max(_LEAST_SWINGS, len(curve) // 2))
    if len(later) < _LEAST_SWINGS or later.level <= 0:
        return None
    steps = [after - before for before, after in pairwise(later.values)]
    trend = statistics.median(steps)
    size = statistics.median(abs(step - trend) for step in steps)
    turns = sum(a * b < 0 for a, b in pairwise(steps))
    descent = curve.values[0] - later.level
    if size < max(_SWING * later.level, _SWING_OF_DESCENT * descent):
        return None
    if _lag_one(later.values) > _ANTICORRELATION:
        return None
    text = f"val/loss swings by {size:.3g} about {later.level:.3g} from one evaluation to the next"
    last = tuple(
        Evidence("val/loss", step, value)
        for step, value in zip(later.steps[-3:], later.values[-3:], strict=True)
    )
    return f"{text}, {turns} turns in {len(steps)}", last


def _lag_one(values: tuple[float, ...]) -> float:
    """Return the correlation of each value with the next one, about their line in time."""
    middle = (len(values) - 1) / 2
    mean = statistics.fmean(values)
    squares = sum((place - middle) ** 2 for place in range(len(values)))
    slope = sum((place - middle) * v for place, v in enumerate(values)) / squares
    rest = [v - mean - slope * (place - middle) for place, v in enumerate(values)]
    whole = sum(r * r for r in rest)
    return sum(a * b for a, b in pairwise(rest)) / whole if whole else 0.0


def _rate(history: TrainingHistory) -> float | None:
    """Return the rate of the preset, or the largest there was where it was changed since."""
    preset = history.setting("optimizer", "lr")
    base = float(preset) if isinstance(preset, (int, float)) else None
    largest = max(history.rate.values, default=None)
    if base is None or largest is None or abs(largest - base) <= _SAME_RATE * base:
        return largest if base is None else base
    return largest


def _rate_words(history: TrainingHistory) -> str:
    rate = _rate(history)
    return "" if rate is None else f" {rate:.3g}"


def _times(rate: float | None, factor: float, unknown: str) -> str:
    return unknown if rate is None else f"{rate * factor:.3g}"


def _lower(history: TrainingHistory) -> tuple[Advice, ...]:
    lower = _times(_rate(history), 0.1, "LOWER")
    name = history.preset
    clip = history.setting("train", "clip_norm") or 0
    find = Advice("measure which rates train at all", "", f"tuitrain find-lr {name}")
    calm = f"raise it slowly and bound the steps: schedule.warmup_steps, train.clip_norm ({clip:g} "
    soft = Advice(f"{calm}now)", "", f"tuitrain run {name} --set train.clip_norm=1")
    if history.live:
        words = "lower it from the next step on; what was learned may be gone, then start again"
        return (
            Advice(words, "l", f"tuitrain set {history.run} optimizer.lr={lower}"), find, soft,
        )  # fmt: skip
    words = "train again with a lower one"
    return (Advice(words, "", f"tuitrain run {name} --set optimizer.lr={lower}"), find, soft)


# --- too low ------------------------------------------------------------------------------------


def rate_too_low(history: TrainingHistory) -> Diagnosis | None:
    """Say that the rate is too low: the loss has hardly moved and falls as evenly as at first."""
    train = history.train
    if history.progress < _LEAST_PROGRESS or history.step < _LEAST_STEPS:
        return None
    if len(train) < 4 * _LEAST_STRETCHES or history.setting("train", "weights_from"):
        return None
    parts = _quarters(train, history.rate)
    if not all(parts):
        return None
    levels = [statistics.fmean(part) for part in parts]
    error = train.noise * math.sqrt(1 / len(parts[0]) + 1 / len(parts[3]))
    total = levels[0] - levels[3]
    if total <= _FALL_ERRORS * error or total > _LITTLE * abs(levels[0]):
        return None
    if levels[2] - levels[3] < _LINEAR * (levels[0] - levels[1]):
        return None
    first, last = train.steps[len(parts[0]) - 1], train.steps[-1]
    text = (
        f"learning rate{_rate_words(history)} looks too low: {_TRAIN} came down from "
        f"{levels[0]:.4g} to {levels[3]:.4g} in {history.step:,} steps, as evenly at the end as "
        "at first"
    )
    evidence = (Evidence(_TRAIN, first, levels[0]), Evidence(_TRAIN, last, levels[3]))
    return Diagnosis("rate too low", "warning", text, history.step, evidence, _raise(history))


def _quarters(train: Curve, rate: Curve) -> list[list[float]]:
    """Return the training loss in four parts, each with a quarter of the sum of all rates.

    So a schedule that ends in small steps is no sign that all is learned. A part is empty where
    the rate was that uneven.
    """
    rates = [1.0] * len(train)
    if len(rate):
        places = [min(len(rate) - 1, n * len(rate) // len(train)) for n in range(len(train))]
        rates = [rate.values[place] for place in places]
    whole, travelled = sum(rates) or 1.0, 0.0
    parts: list[list[float]] = [[], [], [], []]
    for value, each in zip(train.values, rates, strict=True):
        travelled += each
        parts[min(3, int(4 * (travelled - each / 2) / whole))].append(value)
    return parts


def _raise(history: TrainingHistory) -> tuple[Advice, ...]:
    higher = _times(_rate(history), 10.0, "HIGHER")
    name = history.preset
    find = Advice("measure which rate is worth taking", "", f"tuitrain find-lr {name}")
    if history.live:
        return (
            Advice("raise it from the next step on", "l",
                   f"tuitrain set {history.run} optimizer.lr={higher}"), find,
        )  # fmt: skip
    again = f"tuitrain run {name} --set optimizer.lr={higher}"
    return (Advice("train with a higher one", "", again), find)
