"""Gives a torch optimizer another learning rate, and keeps it through the script's schedulers.

Knows optimizers and schedulers by what every one of them has; imports no torch.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

_MOST_WRAPPED = 4
_SCHEDULERS = "torch.optim.lr_scheduler"


def current_rate(optimizer: Any) -> float | None:
    """Return the rate of the first group; None where it can't be read without waiting."""
    try:
        rate = optimizer.param_groups[0]["lr"]
        if hasattr(rate, "is_cpu") and not rate.is_cpu:
            return None
        return float(rate)
    except Exception:  # an optimizer of anybody's
        return None


class Rates:
    """The changes of rates that were asked for.

    A scheduler computes its next rate from the last one, or from the first one and the step, as
    its kind has it. So each time it steps, it is shown the rates without the change, and what it
    makes of them is scaled again: the schedule goes on in proportion, whatever its kind.
    """

    def __init__(self) -> None:
        self._factors: WeakKeyDictionary[Any, list[float]] = WeakKeyDictionary()
        """By optimizer: what each group's rate is scaled by."""
        self._patched: set[type] = set()
        self._under_way: set[int] = set()

    def change(self, optimizer: Any, rate: float) -> tuple[float, list[str]]:
        """Set the first group's rate, and scale the others in proportion.

        Args:
            optimizer: of torch, or one that looks like it.
            rate: above 0.

        Returns:
            The rate before, and the names of schedulers that go on from the new one.

        Raises:
            ValueError: the optimizer's rate is 0, so that nothing is in proportion to it.
        """
        optimizer = _innermost(optimizer)
        old = current_rate(optimizer)
        if not old:
            raise ValueError(f"the learning rate is {old}: the schedule has to raise it first")
        groups = optimizer.param_groups
        factors = self._factors.setdefault(optimizer, [1.0] * len(groups))
        factors += [1.0] * (len(groups) - len(factors))
        for number, group in enumerate(groups):
            factors[number] *= rate / old
            _set_rate(group, float(group["lr"]) * (rate / old))
        _set_rate(groups[0], rate)
        schedulers = _schedulers_of(optimizer)
        for scheduler in schedulers:
            self._patch(type(scheduler))
        return old, sorted({type(each).__name__ for each in schedulers})

    def _patch(self, kind: type) -> None:
        """Let a kind of scheduler see rates without our changes; instances stay as they were.

        Nothing is put on the scheduler itself: its `state_dict` is all that it has, and is saved.
        """
        owner = next(each for each in kind.__mro__ if "step" in vars(each))
        if owner in self._patched:
            return
        self._patched.add(owner)
        original: Callable[..., Any] = owner.step  # type: ignore[attr-defined]

        @wraps(original)
        def step(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            return self._apart(scheduler, lambda: original(scheduler, *args, **kwargs))

        owner.step = step  # type: ignore[attr-defined]

    def _apart(self, scheduler: Any, step: Callable[[], Any]) -> Any:
        optimizer = _innermost(getattr(scheduler, "optimizer", None))
        factors = None if optimizer is None else self._factors.get(optimizer)
        # A scheduler of schedulers steps those within: the outermost sees to it.
        if optimizer is None or factors is None or id(optimizer) in self._under_way:
            return step()
        self._under_way.add(id(optimizer))
        try:
            _scale(optimizer, [1 / factor for factor in factors])
            return step()
        finally:
            _scale(optimizer, factors)
            self._under_way.discard(id(optimizer))
            if hasattr(scheduler, "_last_lr"):
                scheduler._last_lr = [group["lr"] for group in optimizer.param_groups]


def _innermost(optimizer: Any) -> Any:
    """Return the optimizer of torch within those that accelerate and others wrap around it."""
    for _ in range(_MOST_WRAPPED):
        inner = getattr(optimizer, "optimizer", None)
        if inner is None or not hasattr(inner, "param_groups"):
            break
        optimizer = inner
    return optimizer


def _scale(optimizer: Any, factors: list[float]) -> None:
    for group, factor in zip(optimizer.param_groups, factors):  # noqa: B905
        _set_rate(group, group["lr"] * factor)


def _set_rate(group: dict[str, Any], rate: Any) -> None:
    # A rate that is a tensor is read by a captured or compiled step: it must stay the same one.
    if hasattr(group["lr"], "copy_") and hasattr(group["lr"], "fill_"):
        group["lr"].fill_(float(rate))
    else:
        group["lr"] = rate


def _schedulers_of(optimizer: Any) -> list[Any]:
    """Return the schedulers that move an optimizer's rate: those of torch that hold it."""
    kinds: dict[type, bool] = {}
    found = []
    for each in gc.get_objects():
        kind = type(each)
        if kind not in kinds:
            kinds[kind] = any(base.__module__ == _SCHEDULERS for base in kind.__mro__)
        if kinds[kind] and _innermost(getattr(each, "optimizer", None)) is optimizer:
            found.append(each)
    return found
