"""The learning rate's schedule with its warm-up, asked once a step, and its state.

Knows neither the optimizer nor the base rate.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tuitrain.components import registry
from tuitrain.config.schema import ScheduleSection
from tuitrain.errors import TrainingError
from tuitrain.training.checkpoints.own_state import restore_state, state_of

Factor = Callable[[int, int], float]


class Schedule:
    """(steps done, steps in all) -> factor on the base rate.

    The warm-up rises to 1 over `warmup_steps`; what follows is the named schedule over the steps
    that are left. A user's own may have state: it is asked once for each step, in their order.
    """

    def __init__(self, section: ScheduleSection, steps_per_epoch: int = 1) -> None:
        """Find the schedule that a preset names.

        Raises:
            TrainingError: there is none, or it can't be built.
        """
        self._name = section.name
        self._warmup = section.warmup_steps
        found = registry.schedule.find(section.name)
        makes = not registry.takes_context(found)
        self._own: Any = found(**section.options) if makes else found
        options = {} if makes else section.options
        self._inner: Callable[..., Any] = partial(self._own, **options)
        self._takes_epochs = not makes and len(_wanted(found, options)) > 2
        self._steps_per_epoch = steps_per_epoch
        self._takes_evaluations = hasattr(self._own, "evaluated")
        self._asked: tuple[int, int] = (-1, -1)
        self._factor = 1.0

    def __call__(self, step: int, total: int) -> float:
        """Return the factor on the base rate for the update that follows `step` updates.

        Raises:
            TrainingError: the schedule's answer is no number from 0 on.
        """
        if step < self._warmup:
            return (step + 1) / self._warmup
        if (step, total) != self._asked:
            found = self._ask(step - self._warmup, max(1, total - self._warmup))
            self._factor = self._checked(found, step)
            self._asked = (step, total)
        return self._factor

    def _ask(self, step: int, total: int) -> Any:
        if self._takes_epochs:
            return self._inner(step, total, self._steps_per_epoch)
        return self._inner(step, total)

    def change_epoch(self, steps_per_epoch: int) -> None:
        """Let an epoch have another number of steps from now on."""
        self._steps_per_epoch = steps_per_epoch
        self._asked = (-1, -1)

    def _checked(self, found: Any, step: int) -> float:
        """Return what the schedule gave as a float: numpy and torch numbers never go further."""
        try:
            factor = math.nan if isinstance(found, str | bytes) else float(found)
        except (TypeError, ValueError, RuntimeError):
            factor = math.nan
        if not 0.0 <= factor < math.inf:
            raise TrainingError(
                f"schedule.name = {self._name} returned {found!r:.80} for step {step + 1}; it must "
                "return a finite number from 0 on, by which optimizer.lr is multiplied"
            )
        return factor

    def evaluated(self, metrics: Mapping[str, float], step: int) -> None:
        """Tell a schedule that wants to know it of an evaluation after `step` updates."""
        if self._takes_evaluations:
            self._own.evaluated(metrics, step)
            self._asked = (-1, -1)

    def state_dict(self) -> dict[str, Any]:
        """Return what the schedule has come to, as data."""
        return {"asked": self._asked, "factor": self._factor, "own": state_of(self._own)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to what `state_dict` returned."""
        self._asked, self._factor = tuple(state["asked"]), state["factor"]
        restore_state(self._own, state["own"], f"schedule.name = {self._name}")


def _wanted(build: Callable[..., Any], options: Mapping[str, Any]) -> list[str]:
    """Return the positional arguments that no option stands for."""
    return [name for name in registry.required_arguments(build) if name not in options]
