"""Whether a model can be trained with a batch of one sample, where a run has such batches.

Found out by trying, on copies: batch normalisation refuses one value a channel, and code that
squeezes its outputs loses the batch. Changes neither weights nor generators.
"""

import copy
from typing import Any

import torch

from tuitrain.errors import TrainingError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.batches import Batch
from tuitrain.training.data.samples import first_samples
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.runtime.randomness import generator_states, restore_generators
from tuitrain.training.step_checks import check_outputs


def check_singles(parts: TrainingComponents) -> None:
    """Hold the run's batches against its model.

    Raises:
        TrainingError: there are batches of one sample, and the model can't be trained with one.
    """
    if parts.plain is not None:
        # Of a model that is split over ranks no copy can be made: its first pass shows it.
        return
    plan = parts.data.plan
    in_each, in_last = singles_in(plan, parts.total_steps)
    if not (in_each or in_last):
        return
    refusal = refuses_singles(parts)
    if not refusal:
        return
    # Where an epoch is one step, its first step is its last.
    in_each = in_each and plan.samples >= plan.step_samples
    which = "each step" if in_each else "the last step of each epoch"
    advice = "take" if in_each else "set train.drop_last = true, or take"
    raise TrainingError(
        f"{which} has a batch of one sample ({plan.samples:,} samples, {plan.step_samples} a step "
        f"in batches of {plan.forward_size}), and model.name = {parts.preset.model.name} can't be "
        f"trained with one ({refusal}): {advice} another train.batch_size"
    )


def singles_in(plan: BatchSchedule, total_steps: int) -> tuple[bool, bool]:
    """Say whether batches of one sample come in each step, and in the last one of an epoch."""
    last = plan.steps_per_epoch - 1
    return _has_single(plan, 0), total_steps > last and _has_single(plan, last)


def _has_single(plan: BatchSchedule, step: int) -> bool:
    return any(end - first == 1 for first, end in plan.slices(step))


def refuses_singles(parts: TrainingComponents) -> str:
    """Return why a single sample can't be trained with though two can; empty: it can."""
    states = generator_states()
    try:
        one = _refusal(parts, 1)
        return one if one and not _refusal(parts, 2) else ""
    finally:
        restore_generators(states)


def rehearse(parts: TrainingComponents) -> None:
    """Let two samples through a copy of the model: tables that it keeps elsewhere get numbers.

    What the model raises is left for whoever needs its outputs.
    """
    states = generator_states()
    _refusal(parts, 2)
    restore_generators(states)


def _refusal(parts: TrainingComponents, samples: int) -> str:
    try:
        _compute(parts, samples)
    except BaseException as error:
        # A user's own code may raise anything.
        words = str(error).strip().partition("\n")[0]
        if isinstance(error, TrainingError):
            return words
        return f"{type(error).__name__}: {words}" if words else type(error).__name__
    return ""


@torch.no_grad()
def _compute(parts: TrainingComponents, samples: int) -> Any:
    model, loss = copy.deepcopy((parts.model, parts.loss))
    inputs, targets = first_samples(parts.data, parts.device, samples)
    with parts.precision.autocast():
        outputs = model(inputs)
        check_outputs(parts, Batch(inputs, targets, 1.0, samples), outputs)
        return loss(parts.task.shape_outputs(outputs, targets), targets)
