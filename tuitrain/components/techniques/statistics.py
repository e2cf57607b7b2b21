"""What the gradients do: norms for each part of a model, and units that are dead."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, cast

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from tuitrain.components.hooks import Hook, HookContext
from tuitrain.components.logged import log
from tuitrain.components.registry import hook
from tuitrain.errors import TrainingError

MOST_GROUPS = 60
"""Each is a curve in every chart."""

_RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.Threshold)
"""Activations that are exactly 0 for what is below their threshold, and then pass no gradient."""


class GradientStatistics(Hook):
    """Logs the norms of weights, gradients and updates of each group of parameters."""

    def __init__(self, groups: dict[str, list[nn.Parameter]], every: int) -> None:
        self._groups = groups
        self._every = every
        self._before: dict[str, list[Tensor]] = {}

    def before_update(self, step: int) -> None:
        """Measure weights and gradients, and keep the weights: the update is what moves them."""
        if not self._is_due(step):
            return
        for name, parameters in self._groups.items():
            weights = [p.detach() for p in parameters]
            gradients = [p.grad for p in parameters if p.grad is not None]
            log(f"{name}/weight_norm", _norm(weights))
            if gradients:
                log(f"{name}/gradient_norm", _norm(gradients))
            self._before[name] = [weight.clone() for weight in weights]

    def updated(self, step: int) -> None:
        """Measure what the update was."""
        if not self._is_due(step):
            return
        for name, before in self._before.items():
            now = [p.detach() for p in self._groups[name]]
            log(f"{name}/update_norm", _norm(torch._foreach_sub(now, before)))
        self._before = {}

    def _is_due(self, step: int) -> bool:
        return step % self._every == 0


class UnitStatistics(GradientStatistics):
    """Logs also which share of each rectifier's units was 0 for all samples of the step."""

    def __init__(
        self,
        groups: dict[str, list[nn.Parameter]],
        every: int,
        rectifiers: Mapping[str, nn.Module],
    ) -> None:
        super().__init__(groups, every)
        self._rectifiers = rectifiers
        self._step = 0
        self._handles: list[Any] = []
        self._alive: dict[str, Tensor] = {}
        """Of each rectifier [units]: whether a unit was above 0 for some sample."""

    def started(self, step: int) -> None:
        """Count from here on."""
        self._step = step

    def transform_batch(self, inputs: Tensor, targets: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Look at the activations of a step that is due, and at no others."""
        del seed
        self._alive = {}
        if not self._handles and self._is_due(self._step + 1):
            self._handles = [
                module.register_forward_hook(partial(self._look, name))
                for name, module in self._rectifiers.items()
            ]
        return inputs, targets

    def updated(self, step: int) -> None:
        """Tell the shares."""
        super().updated(step)
        self._step = step
        for handle in self._handles:
            handle.remove()
        self._handles = []
        for name, alive in self._alive.items():
            log(f"{name}/dead_units", (~alive).float().mean())
        self._alive = {}

    def _look(self, name: str, module: nn.Module, _inputs: Any, outputs: Tensor) -> None:
        if not module.training:
            return
        lit = outputs.detach() > 0
        if lit.ndim == 4:
            # Of images a unit is a channel, of all else the last dimension has them.
            lit = lit.movedim(1, -1)
        alive = lit.flatten(0, -2).any(0)
        before = self._alive.get(name)
        self._alive[name] = alive if before is None else before | alive

    def ended(self) -> None:
        """Leave the model as it was."""
        for handle in self._handles:
            handle.remove()


def _norm(tensors: Sequence[Tensor]) -> Tensor:
    norms = torch.stack(list(torch._foreach_norm(list(tensors))))
    return cast(Tensor, torch.linalg.vector_norm(norms.float()))


def grouped(model: nn.Module, by: str) -> dict[str, list[nn.Parameter]]:
    """Return the trainable parameters of each top-level layer, or of each module that has some.

    Names are as curves take them: a dot and all that is no letter or digit is an underscore.
    """
    found: dict[str, list[nn.Parameter]] = {}
    for path, parameter in model.named_parameters():
        if parameter.requires_grad:
            first, _, _rest = path.partition(".")
            part = first if by == "layer" else path.rpartition(".")[0]
            found.setdefault(part or "model", []).append(parameter)
    names = curve_names(list(found))
    return {names[part]: parameters for part, parameters in found.items()}


def curve_names(parts: Sequence[str]) -> dict[str, str]:
    """Return a name for each part of a model that a curve can have; no two share one."""
    names: dict[str, str] = {}
    for part in parts:
        name = re.sub(r"[^a-z0-9_]", "_", part.lower())[-50:]
        while name in names.values():
            name += "_"
        names[part] = name
    return names


@hook("gradient_statistics")
def gradient_statistics(
    run: HookContext,
    *,
    every_steps: PositiveInt = 50,
    by: Literal["layer", "module"] = "layer",
    dead_units: bool = False,
) -> Hook:
    """Norms of weights, gradients and updates of each layer, as curves; also dead units."""
    groups = grouped(run.model, by)
    if len(groups) > MOST_GROUPS:
        advice = 'take by = "layer"' if by == "module" else "write a hook that chooses among them"
        raise TrainingError(
            f"hooks.gradient_statistics: the model has {len(groups)} parts with parameters, each "
            f"would be a curve, and {MOST_GROUPS} are the most: {advice}"
        )
    if not dead_units:
        return GradientStatistics(groups, every_steps)
    found = {path: m for path, m in run.model.named_modules() if isinstance(m, _RECTIFIERS)}
    if not found or run.compiled:
        why = "train.compile leaves no modules to look at" if run.compiled else "there is no ReLU"
        raise TrainingError(f"hooks.gradient_statistics: dead_units can't be counted: {why}")
    names = curve_names(list(found))
    rectifiers = {names[path]: module for path, module in list(found.items())[:MOST_GROUPS]}
    return UnitStatistics(groups, every_steps, rectifiers)
