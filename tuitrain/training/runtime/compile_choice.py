"""Whether a run compiles its model, where its preset leaves that to what is measured here.

Timed on a copy of the model with the run's own first batch. Changes neither weights nor generators.
"""

import statistics
from collections.abc import Callable, Mapping
from typing import Any

import torch

from tuitrain import units
from tuitrain.training.build import TrainingComponents
from tuitrain.training.runtime.pass_trial import PassTrial
from tuitrain.training.runtime.randomness import generator_states, restore_generators

_GAIN = 1.05
"""How many times as fast a compiled model must be."""
_LEAST_S = 300.0
"""Of passes to come: compiling a common model takes 10 to 60 s, and again for evaluations and a
smaller last batch, so that a shorter run can hardly win them back."""
_ROUNDS = 5


def choose_compile(
    parts: TrainingComponents, steps_left: int, report: Callable[[str], None]
) -> None:
    """Settle whether a run whose preset says `auto` is compiled, where it is not settled yet.

    Args:
        parts: of a run, before its first step.
        steps_left: that it has to take.
        report: is told what was chosen and why.
    """
    if parts.compiled is not None:
        return
    report("measuring whether compiling the model pays here")
    states = generator_states()
    try:
        compiled, why = _measured(parts, steps_left)
    finally:
        restore_generators(states)
    parts.settle_compile(compiled, why)
    report(f"train.compile = auto: {str(compiled).lower()}, {why}")


def keep_compile(parts: TrainingComponents, state: Mapping[str, Any]) -> None:
    """Take what the run of a checkpoint has chosen, where the preset leaves it open."""
    found = state.get("compiled")
    if parts.compiled is None and found is not None:
        parts.settle_compile(found, "as the run began")


def _measured(parts: TrainingComponents, steps_left: int) -> tuple[bool, str]:
    """Return whether to compile, and why."""
    if parts.head is not None:
        return False, "as little is left to compile beside the kept features of the frozen body"
    trial, precision = PassTrial(parts), parts.precision
    trial.warm_up("as it is", precision)
    plan = parts.data.plan
    passes = steps_left * -(-plan.step_samples // plan.forward_size)
    ahead_s = trial.seconds["as it is"][-1] * passes
    if ahead_s < _LEAST_S:
        return False, f"as all passes take about {units.duration(ahead_s)}"
    compiled = torch.compile(trial.model)
    try:
        first_s = trial.warm_up("compiled", precision, compiled)
    # Whatever a compiler meets in a stranger's model or machine, the model runs without it.
    except Exception as error:
        return False, f"as compiling fails: {_words(error)}"
    for _round in range(_ROUNDS):
        trial.time("as it is", precision)
        trial.time("compiled", precision, compiled)
    return decide(
        statistics.median(trial.seconds["as it is"]),
        statistics.median(trial.seconds["compiled"]),
        first_s,
        passes,
    )


def decide(plain_s: float, compiled_s: float, compile_s: float, passes: int) -> tuple[bool, str]:
    """Return whether compiling pays, and why.

    Args:
        plain_s: of a pass of the model as it is.
        compiled_s: of one of the compiled model.
        compile_s: of the first one, which compiles.
        passes: that the run has to make.
    """
    speed = f"{plain_s / compiled_s:.2f} times as fast here"
    if plain_s < compiled_s * _GAIN:
        return False, f"as a compiled model is {speed}"
    takes, gains = units.duration(compile_s), units.duration((plain_s - compiled_s) * passes)
    if (plain_s - compiled_s) * passes < compile_s:
        return False, f"as compiling takes {takes} and the run gains {gains}"
    return True, f"{speed}; compiling takes {takes}, the run gains {gains}"


def _words(error: Exception) -> str:
    """Return a compiler's first two lines: torch names the backend before what it says."""
    return " ".join(str(error).strip().splitlines()[:2]) or type(error).__name__
