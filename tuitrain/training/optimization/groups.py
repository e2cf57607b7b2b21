"""An optimizer's parameter groups under one learning rate and one weight decay.

Knows neither schedules nor when a setting is changed.
"""

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from tuitrain.config.schema import OptimizerSection
from tuitrain.config.wording import nearest, one_of
from tuitrain.errors import TrainingError

_SHOWN_NAMES = 12
"""Names of parameters in a message where none is close."""


def group_parameters(
    section: OptimizerSection, named: Sequence[tuple[str, nn.Parameter]]
) -> list[dict[str, Any]]:
    """Return parameters in groups as torch's optimizers take them; what no pattern fits is last.

    Args:
        section: with patterns; a parameter is of the first that fits its name.
        named: all that are trained.

    Raises:
        TrainingError: a pattern fits no parameter, or only such as are in an earlier group.
    """
    left = dict(named)
    groups: list[dict[str, Any]] = []
    for place, group in enumerate(section.groups):
        fitting = [name for name in left if fnmatchcase(name, group.match)]
        if not fitting:
            _refuse(place, group.match, [name for name, _ in named])
        own = {"lr": group.lr, "weight_decay": group.weight_decay}
        values = {key: value for key, value in own.items() if value is not None}
        params = [left.pop(name) for name in fitting]
        groups.append({"params": params, "match": group.match, **values})
    return [*groups, {"params": list(left.values())}] if left else groups


def _refuse(place: int, pattern: str, names: list[str]) -> None:
    where = f"optimizer.groups[{place}].match = {pattern}"
    if any(fnmatchcase(name, pattern) for name in names):
        raise TrainingError(f"{where}: all that it fits is in an earlier group; put it before that")
    near = nearest(pattern, names)
    shown = ", ".join(names[:_SHOWN_NAMES]) + (", ..." if len(names) > _SHOWN_NAMES else "")
    hint = f"did you mean {one_of(near)}?" if near else f"there are {shown}"
    raise TrainingError(f"{where}: no parameter that is trained has such a name; {hint}")


class ParameterGroups:
    """Keeps what the optimizer's builder gave each group.

    Each group's rate keeps its ratio to `optimizer.lr`. A change of `optimizer.weight_decay`
    reaches the groups that were built with the preset's value; others keep their own, as do those
    to which the preset gives one by a pattern.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, section: OptimizerSection) -> None:
        """Take in the groups as they were built.

        Raises:
            TrainingError: a group has no learning rate that could follow `optimizer.lr`.
        """
        self._optimizer = optimizer
        groups = optimizer.param_groups
        self._ratios = [_ratio(group, section) for group in groups]
        own = {each.match for each in section.groups if each.weight_decay is not None}
        self._decays = [
            _value(group.get("weight_decay")) == section.weight_decay
            and group.get("match") not in own
            for group in groups
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
