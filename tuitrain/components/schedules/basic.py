"""Schedules that are functions of the step alone."""

from collections.abc import Sequence
from math import cos, pi

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from tuitrain.components.registry import schedule
from tuitrain.config.schema import Fraction


@schedule("constant")
def constant(step: int, total: int) -> float:
    """The base rate throughout."""
    del step, total
    return 1.0


@schedule("linear")
def linear(step: int, total: int, *, final_factor: Fraction = 0.0) -> float:
    """A straight line from the base rate down to `final_factor` of it."""
    return 1.0 + (final_factor - 1.0) * step / total


@schedule("cosine")
def cosine(step: int, total: int, *, final_factor: Fraction = 0.0) -> float:
    """Half a cosine from the base rate to `final_factor` of it (Loshchilov and Hutter 2017)."""
    return final_factor + (1.0 - final_factor) * 0.5 * (1.0 + cos(pi * step / total))


@schedule("step")
def step(
    step: int,
    total: int,
    steps_per_epoch: int,
    *,
    every_steps: NonNegativeInt = 0,
    every_epochs: NonNegativeInt = 0,
    factor: PositiveFloat = 0.1,
) -> float:
    """Multiplied by `factor` after every `every_epochs` epochs, or `every_steps` steps."""
    del total
    return float(factor ** (step // (every_steps or every_epochs * steps_per_epoch)))


@schedule("multistep")
def multistep(
    step: int,
    total: int,
    steps_per_epoch: int,
    *,
    at_steps: Sequence[PositiveInt] = (),
    at_epochs: Sequence[PositiveInt] = (),
    factor: PositiveFloat = 0.1,
) -> float:
    """Multiplied by `factor` after each of `at_epochs` epochs, or of `at_steps` steps."""
    del total
    done = at_steps or [epoch * steps_per_epoch for epoch in at_epochs]
    return float(factor ** sum(step >= each for each in done))


@schedule("exponential")
def exponential(step: int, total: int, *, final_factor: PositiveFloat = 0.01) -> float:
    """The same ratio each step, down to `final_factor` of the base rate at the end."""
    return float(final_factor ** (step / total))
