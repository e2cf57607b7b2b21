"""The range test of learning rates (Smith 2017): steps whose rate rises by the same ratio each.

What the losses say is worked out by who asked; this takes the steps and knows when to stop.
"""

import math
from typing import Any

from tuitrain.config.schema import Preset, ScheduleSection
from tuitrain.config.wording import MOST
from tuitrain.training.build import build_components
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.inspection.steps import Deadline, TrialSteps
from tuitrain.training.modules.frozen_body import keep_features

_SMOOTHING = 0.8
"""Share of the running mean that a step keeps: a mean over about the last five."""
_LEAST_STEPS = 10
_RISE = 3.0
"""A loss that is above its least by so many times the first one will not come back."""


def find_learning_rate(
    inspected: Inspected, *, low: float, high: float, steps: int, minutes: float
) -> dict[str, Any]:
    """Return the loss of each step while the rate rises from `low` to `high`, as JSON data.

    Args:
        inspected: the preset; its own rate and schedule are left aside.
        low: the first rate.
        high: the rate after the last step.
        steps: how many there are at most.
        minutes: how long they may take.

    Raises:
        TuitrainError: the preset can't be trained.
    """
    preset = _rising(inspected.preset, low, high, steps)
    parts = build_components(preset, inspected.data_directory, inspected.report)
    keep_features(parts, inspected.report)
    inspected.report(f"taking up to {steps} steps")
    deadline = Deadline(minutes)
    sweep = TrialSteps(parts, "stop")
    try:
        losses, rates, stopped = _sweep(sweep, steps, deadline)
    finally:
        sweep.close()
    return {
        "preset": preset.name,
        "device": str(parts.device),
        "batch_size": parts.data.plan.step_samples,
        "low": low,
        "high": high,
        "rates": rates,
        "losses": losses,
        "stopped": stopped,
        "spent_s": deadline.spent_s,
    }


def _rising(preset: Preset, low: float, high: float, steps: int) -> Preset:
    schedule = ScheduleSection.model_validate(
        {"name": "exponential", "warmup_steps": 0, "final_factor": high / low}
    )
    optimizer = preset.optimizer.model_copy(update={"lr": low})
    train = preset.train.model_copy(update={"epochs": MOST, "max_steps": steps})
    return preset.model_copy(update={"schedule": schedule, "optimizer": optimizer, "train": train})


def _sweep(
    sweep: TrialSteps, steps: int, deadline: Deadline
) -> tuple[list[float], list[float], str]:
    """Return losses, rates, and why it ended before its last step; empty: it did not."""
    losses: list[float] = []
    rates: list[float] = []
    mean = least = math.nan
    while len(losses) < steps:
        sweep.take()
        [loss], [rate] = sweep.read()
        if not math.isfinite(loss):
            return losses, rates, f"the loss is {loss} at a rate of {rate:.2g}"
        losses.append(loss)
        rates.append(rate)
        mean = loss if math.isnan(mean) else _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        least = mean if math.isnan(least) else min(least, mean)
        if len(losses) >= _LEAST_STEPS and mean - least > _RISE * abs(losses[0]):
            return losses, rates, f"the loss is far above its least at a rate of {rate:.2g}"
        if deadline.passed:
            return losses, rates, "its time was over"
    return losses, rates, ""
