"""Schedules of several phases."""

from math import cos, pi, sqrt
from typing import Annotated, Literal

from pydantic import Field

from tuitrain.components.registry import schedule
from tuitrain.config.schema import Fraction, Share


@schedule("one_cycle")
def one_cycle(
    step: int,
    total: int,
    *,
    rise: Fraction = 0.3,
    start_divisor: Annotated[float, Field(ge=1)] = 25.0,
    end_divisor: Annotated[float, Field(ge=1)] = 1e4,
) -> float:
    """Up to the base rate over the share `rise` of the run, then far down (Smith 2018).

    Half cosines from base / `start_divisor` up and on to base / (`start_divisor` * `end_divisor`),
    at the steps at which torch's OneCycleLR has them; of the rate alone, not of the momentum.
    """
    low = 1 / start_divisor
    top, last = rise * total - 1, total - 1
    if step <= top:
        return _cosine(low, 1.0, step / top if top > 0 else 1.0)
    return _cosine(1.0, low / end_divisor, min(1.0, (step - top) / (last - top)))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + cos(pi * share))


@schedule("wsd")
def wsd(
    step: int,
    total: int,
    *,
    decay: Share = 0.2,
    shape: Literal["sqrt", "linear", "cosine"] = "sqrt",
    final_factor: Fraction = 0.0,
) -> float:
    """Warm-up (`warmup_steps`), stable, decay: the base rate, falling over the last share `decay`.

    `sqrt` falls as 1 - sqrt(share of the decay), found the best of its kind by Haegele 2024.
    """
    done = 1 - (total - step) / (decay * total)
    if done <= 0:
        return 1.0
    match shape:
        case "sqrt":
            left = 1 - sqrt(min(1.0, done))
        case "linear":
            left = 1 - done
        case "cosine":
            left = _cosine(1.0, 0.0, done)
    return final_factor + (1 - final_factor) * max(0.0, left)
