"""An optimizer's parameter groups under one learning rate and one weight decay.

Knows neither schedules nor when a setting is changed.
"""

import math
from typing import Any

import torch
from torch import Tensor

from tuitrain.config.schema import OptimizerSection
from tuitrain.errors import TrainingError


class ParameterGroups:
    """Keeps what the optimizer's builder gave each group.

    Each group's rate keeps its ratio to `optimizer.lr`. A change of `optimizer.weight_decay`
    reaches the groups that were built with the preset's value; others keep their own.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, section: OptimizerSection) -> None:
        """Take in the groups as they were built.

        Raises:
            TrainingError: a group has no learning rate that could follow `optimizer.lr`.
        """
        self._optimizer = optimizer
        groups = optimizer.param_groups
        self._ratios = [_ratio(group, section) for group in groups]
        self._decays = [
            _value(group.get("weight_decay")) == section.weight_decay for group in groups
        ]

    @property
    def takes_weight_decay(self) -> bool:
        """Whether a change of `optimizer.weight_decay` reaches any group."""
        return any(self._decays)

    def set_rate(self, rate: float) -> None:
        """Give every group its share of a learning rate."""
        for group, ratio in zip(self._optimizer.param_groups, self._ratios, strict=False):
            _assign(group, "lr", rate * ratio)

    def set_weight_decay(self, value: float) -> None:
        """Give the groups that follow the preset's weight decay another one."""
        for group, follows in zip(self._optimizer.param_groups, self._decays, strict=False):
            if follows:
                _assign(group, "weight_decay", value)


def _ratio(group: dict[str, Any], section: OptimizerSection) -> float:
    own = _value(group.get("lr"))
    if own is None or not math.isfinite(own) or own < 0:
        raise TrainingError(
            f"optimizer.name = {section.name}: a parameter group has the learning rate "
            f"{group.get('lr')}; each group needs a number from 0 on, which is kept in proportion "
            "to optimizer.lr"
        )
    return own / section.lr


def _value(found: Any) -> float | None:
    """Return a group's setting as a number; None where it is none."""
    if isinstance(found, Tensor) and found.numel() == 1:
        return float(found)
    return float(found) if isinstance(found, int | float) else None


def _assign(group: dict[str, Any], key: str, value: float) -> None:
    if isinstance(group[key], Tensor):
        # A capturable optimizer reads the very tensor that it was given.
        group[key].fill_(value)
    else:
        group[key] = value
