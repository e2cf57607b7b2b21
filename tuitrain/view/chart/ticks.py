"""Where an axis has ticks and what stands beside them: round numbers, short, never overlapping.

Knows ranges and cells; nothing of lines or of drawing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tuitrain.units import DAY_S, HOUR_S, MINUTE_S, SI_PREFIXES
from tuitrain.view.chart.figure import AxisKind

LONGEST_LABEL = 8
_NARROW = 1e-4
"""Below this share of its size a range is labelled by differences: 1.250, +2e-6, +4e-6."""
_LOG_PARTS = ((1, 2, 5), (1, 3), (1,))
_LOG_STRIDES = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
"""Powers of ten between two ticks."""
_LOG_SLACK = 1e-9
_POWER_CELLS = 10
"""Of an axis of powers of ten, for each tick."""
_ROUND = (1.0, 2.0, 5.0, 10.0)
_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, from 0 at its start to 1 at its end, and what stands there."""

    share: float
    label: str


def value_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Return at least two ticks of a linear axis, and at most `most` where round ones allow it."""
    step = _round_step((high - low) / (most + 2))
    values = _multiples(low, high, step)
    while len(values) > max(2, most):
        step = _round_step(step * 1.5)
        values = _multiples(low, high, step)
    if len(values) < 2:
        values, step = [low, high], (high - low) / 10
    labels = number_labels(values, step)
    return [
        Tick((value - low) / (high - low), label)
        for value, label in zip(values, labels, strict=True)
    ]


def log_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Return the ticks of an axis whose ends are the powers 10**low and 10**high.

    Powers are walked only where few enough lie in the range: any two numbers may be asked for.
    """
    for parts in _LOG_PARTS:
        if (high - low - 1) * len(parts) <= most + 1:
            ticks = _powers(low, high, parts, 1)
            if 2 <= len(ticks) <= most + 1:
                return ticks
    if math.floor(high) <= math.ceil(low):
        return _log_ticks_within(low, high, most)
    ticks = _spread_powers(low, high, max(2, most))
    return ticks if len(ticks) > 1 else _log_ends(low, high)


def axis_ticks(kind: AxisKind, first: float, last: float, columns: int) -> list[Tick]:
    """Return the ticks of a horizontal axis of so many cells, with at least one.

    Labels are so far apart that each keeps its place: twice its own width and two cells more.
    """
    if kind == "power":
        return log_ticks(first, last, max(2, columns // _POWER_CELLS))
    for step in _axis_steps(kind, first, last, columns):
        values = _multiples(first, last, step)
        labels = axis_labels(kind, values, step)
        widest = max(map(len, labels), default=0)
        if len(values) < 2 or step / (last - first) * (columns - 1) >= 2 * widest + 2:
            break
    if not values:
        values, labels = [first], axis_labels(kind, [first], last - first)
    return [
        Tick((value - first) / (last - first), label)
        for value, label in zip(values, labels, strict=True)
    ]


def axis_labels(kind: AxisKind, values: Sequence[float], step: float) -> list[str]:
    """Return what stands beside places on a horizontal axis that are `step` apart."""
    if kind == "power":
        return [short_number(10**value) for value in values]
    if kind != "time":
        return number_labels(values, step)
    longest = max((abs(value) for value in values), default=0.0)
    return [_clock(value, step, longest) for value in values]


def number_labels(values: Sequence[float], step: float) -> list[str]:
    """Return numbers with just the digits that tell values `step` apart from each other."""
    if not values:
        return []
    largest = max(abs(value) for value in values)
    candidates = [_scaled(values, step)] if 1e4 <= largest < 1e15 else []
    candidates += [_plain(values, step)] if 1e-4 <= largest < 1e7 else []
    if largest < 1e-2 or largest >= 1e15:
        candidates.append(_scientific(values, step))
    best = min(candidates or [_plain(values, step)], key=_longest)
    if _longest(best) > LONGEST_LABEL and step < largest * _NARROW:
        return _differences(values, step)
    return best


def short_number(value: float) -> str:
    """Return one number in three significant digits: 0.184, 12.3k, 1e-4."""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    step = 10.0 ** max(-307, _power_of(value) - 2)
    (label,) = number_labels([round(value / step) * step], step)
    return label if "e" in label or label[-1].isalpha() else _trim(label)


def _plain(values: Sequence[float], step: float) -> list[str]:
    digits = _decimals(step)
    return [_signless_zero(f"{value:.{digits}f}") for value in values]


def _scaled(values: Sequence[float], step: float) -> list[str]:
    labels = []
    for value in values:
        # Compared with what rounding would make of it: 999,999.99 is 1M.
        fits = (part for part in SI_PREFIXES if abs(value) >= part[0] * (1 - 1e-9))
        size, unit = next(fits, (1.0, ""))
        labels.append(_trim(f"{value / size:.{_decimals(step / size)}f}") + unit)
    return labels


def _scientific(values: Sequence[float], step: float) -> list[str]:
    labels = []
    for value in values:
        if abs(value) < step * 1e-6:
            labels.append("0")
            continue
        digits = _decimals(step / 10.0 ** _power_of(value))
        mantissa, _, power = f"{value:.{digits}e}".partition("e")
        labels.append(f"{_trim(mantissa)}e{int(power)}")
    return labels


def _power_of(value: float) -> int:
    """Return the power of ten of a number, as far as a float can hold that power itself."""
    return max(-307, math.floor(math.log10(abs(value))))


def _trim(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _differences(values: Sequence[float], step: float) -> list[str]:
    base = values[0]
    behind = number_labels([value - base for value in values[1:]], step)
    return [f"{base:.4g}", *(f"+{label}" for label in behind)]


def _clock(value_s: float, step_s: float, longest_s: float) -> str:
    if step_s < 1:
        return f"{value_s:.{_decimals(step_s)}f}s"
    whole = round(value_s)
    if step_s >= DAY_S:
        return f"{whole // DAY_S}d"
    if step_s >= HOUR_S:
        return f"{whole // HOUR_S}h"
    hours, minutes, seconds = whole // 3600, whole % 3600 // 60, whole % 60
    if step_s >= MINUTE_S:
        return f"{whole // 60}m" if longest_s < HOUR_S else f"{hours}:{minutes:02}h"
    if longest_s < MINUTE_S:
        return f"{whole}s"
    if longest_s < HOUR_S:
        return f"{whole // 60}:{seconds:02}"
    return f"{hours}:{minutes:02}:{seconds:02}"


def _axis_steps(kind: AxisKind, first: float, last: float, columns: int) -> list[float]:
    """Return distances between ticks from the smallest worth trying to one wider than all."""
    smallest = (last - first) / max(1, columns // 4)
    if kind == "step":
        smallest = max(1.0, smallest)
    if kind == "time" and smallest >= 1:
        steps = [float(step) for step in _TIME_STEPS_S if step >= smallest]
        return [*steps, *_ladder(max(DAY_S, smallest), last - first, unit=DAY_S)]
    return _ladder(smallest, last - first)


def _ladder(smallest: float, widest: float, unit: float = 1.0) -> list[float]:
    steps = [_round_step(smallest / unit) * unit]
    while steps[-1] <= widest:
        steps.append(_round_step(steps[-1] / unit * 1.5) * unit)
    return steps


def _log_ticks_within(low: float, high: float, most: int) -> list[Tick]:
    """Return round numbers where the axis holds less than two powers of ten."""
    # Within one power the numbers themselves are ordinary; the power is put back at the end.
    power = math.floor(low)
    bottom, top = 10 ** (low - power), 10 ** (high - power)
    values = [
        bottom + tick.share * (top - bottom) for tick in value_ticks(bottom, top, max(2, most))
    ]
    step = min(later - earlier for earlier, later in pairwise(values))
    labels = _labels_with_power(values, step, power)
    return [
        Tick((math.log10(value) + power - low) / (high - low), label)
        for value, label in zip(values, labels, strict=True)
    ]


def _labels_with_power(values: Sequence[float], step: float, power: int) -> list[str]:
    if -300 < power < 300:
        scale = 10.0**power
        return number_labels([value * scale for value in values], step * scale)
    digits = _decimals(step)
    return [f"{value:.{digits}f}e{power}" for value in values]


def _powers(low: float, high: float, parts: Sequence[int], stride: int) -> list[Tick]:
    """Return the ticks at these parts of every so many powers of ten."""
    first = math.floor(low) if stride == 1 else math.ceil(low / stride) * stride
    places = [
        (power + math.log10(part), part, power)
        for power in range(first, math.floor(high + _LOG_SLACK) + 1, stride)
        for part in parts
    ]
    return [
        Tick((place - low) / (high - low), _power(part, power))
        for place, part, power in places
        if low - _LOG_SLACK <= place <= high + _LOG_SLACK
    ]


def _spread_powers(low: float, high: float, most: int) -> list[Tick]:
    """Return at most `most` powers of ten; none where even the widest stride has more."""
    for stride in _LOG_STRIDES:
        if (high - low) / stride - 1 <= most:
            ticks = _powers(low, high, (1,), stride)
            if len(ticks) <= most:
                return ticks
    return []


def _log_ends(low: float, high: float) -> list[Tick]:
    first, last = math.ceil(low), math.floor(high)
    return [Tick((power - low) / (high - low), _power(1, power)) for power in (first, last)]


def _power(part: int, power: int) -> str:
    if -2 <= power <= 3:
        return f"{part * 10.0**power:g}"
    return f"{part}e{power}"


def _round_step(step: float) -> float:
    """Return the next larger number of the form 1, 2 or 5 times a power of ten."""
    scale = 10.0 ** _power_of(step)
    return next((part * scale for part in _ROUND if part * scale >= step * (1 - 1e-9)), 10 * scale)


def _multiples(low: float, high: float, step: float) -> list[float]:
    slack = step * 1e-6
    first, last = math.ceil((low - slack) / step), math.floor((high + slack) / step)
    return [number * step for number in range(first, last + 1)]


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0


def _signless_zero(label: str) -> str:
    return label.removeprefix("-") if not label.strip("-0.") else label


def _longest(labels: Sequence[str]) -> int:
    return max(map(len, labels))
