"""Which number format a run computes in, where its preset leaves that to the device at hand.

Timed on a copy of the model with the run's own first batch. Changes neither weights nor generators.
"""

import statistics
from collections.abc import Callable, Mapping
from typing import Any

import torch

from tuitrain.config.schema import Precision as PrecisionName
from tuitrain.training.build import TrainingComponents
from tuitrain.training.runtime.pass_trial import NO_MEMORY, PassTrial
from tuitrain.training.runtime.precision import Precision
from tuitrain.training.runtime.randomness import generator_states, restore_generators

_GAIN = 1.1
"""How many times as fast a format of fewer digits must be."""
_LEAST_S = 0.002
"""Of a pass in fp32: a shorter one is mostly the launching of kernels, the same in any format."""
_ROUNDS = 3


def choose_precision(parts: TrainingComponents, report: Callable[[str], None]) -> None:
    """Settle the format of a run whose preset says `auto`, where it is not settled yet.

    Args:
        parts: of a run, before its first step.
        report: is told what was chosen and why.
    """
    if parts.precision.is_settled:
        return
    report("measuring which number format is the fastest here")
    states = generator_states()
    try:
        chosen, why = _fastest(parts)
    finally:
        restore_generators(states)
    parts.precision.settle(chosen, why)
    report(f"train.precision = auto: {chosen}, {why}")


def keep_precision(parts: TrainingComponents, state: Mapping[str, Any]) -> None:
    """Take the format that the run of a checkpoint has chosen, where the preset leaves it open.

    Args:
        parts: what is restored.
        state: of the checkpoint; of one from before there was a choice it was fp32.
    """
    name = state.get("precision", "fp32")
    # A preset that said fp16 until now has left no choice behind: it is made now.
    if not parts.precision.is_settled and name != "fp16":
        parts.precision.settle(name, "as the run began")


def _fastest(parts: TrainingComponents) -> tuple[PrecisionName, str]:
    """Return a format, and why it is that one."""
    others = candidates(parts.device)
    if not others:
        return "fp32", f"the only one that is measured on {parts.device.type}"
    trial = PassTrial(parts)
    formats = {name: Precision(name, parts.device) for name in others}
    formats["fp32"] = Precision("fp32", parts.device)
    trial.warm_up("fp32", formats["fp32"])
    if trial.seconds["fp32"][-1] < _LEAST_S:
        return "fp32", f"as a pass takes less than {_LEAST_S * 1e3:.0f} ms"
    for name in others:
        trial.warm_up(name, formats[name])
    for _round in range(_ROUNDS):
        for name in ("fp32", *others):
            trial.time(name, formats[name])
    return decide({name: statistics.median(trial.seconds[name]) for name in ("fp32", *others)})


def candidates(device: torch.device) -> tuple[PrecisionName, ...]:
    """Return the formats that are held against fp32 on a device, the more exact first."""
    if device.type == "cuda":
        return ("tf32", "bf16") if torch.cuda.is_bf16_supported() else ("tf32",)
    return ("bf16",) if device.type == "cpu" else ()


def decide(seconds: dict[PrecisionName, float]) -> tuple[PrecisionName, str]:
    """Return the fastest format and why; fewer digits must pay.

    Args:
        seconds: of a pass in each format, the more exact first; infinite where memory runs out.
    """
    names = list(seconds)
    chosen = names[0]
    for name in names[1:]:
        if seconds[name] * _GAIN <= seconds[chosen]:
            chosen = name
    exact, best = seconds[names[0]], seconds[chosen]
    if chosen == names[0]:
        gains = [f"{name} {exact / seconds[name]:.2f}" for name in names[1:]]
        return chosen, f"as fast as any here ({', '.join(gains)} times its speed)"
    if exact == NO_MEMORY:
        return chosen, f"which fits into memory where {names[0]} does not"
    return chosen, f"{exact / best:.2f} times as fast as {names[0]} here"
