"""Parameters that train from an epoch on."""

from collections.abc import Sequence

from pydantic import PositiveInt
from torch import nn

from tuitrain.components.hooks import Hook, HookContext
from tuitrain.components.registry import hook
from tuitrain.errors import TrainingError


class Unfreezing(Hook):
    """Keeps some parameters as they are until an epoch begins."""

    def __init__(self, parameters: Sequence[nn.Parameter], until_step: int) -> None:
        self._parameters = parameters
        self._until_step = until_step

    def started(self, step: int) -> None:
        """Freeze or not, as the step says."""
        self._set(trains=step >= self._until_step)

    def updated(self, step: int) -> None:
        """Let them train from the step on."""
        if step == self._until_step:
            self._set(trains=True)

    def _set(self, *, trains: bool) -> None:
        for parameter in self._parameters:
            parameter.requires_grad_(trains)


@hook("unfreeze")
def unfreeze(run: HookContext, *, modules: Sequence[str], at_epoch: PositiveInt = 1) -> Hook:
    """Parameters whose names begin with one of `modules` are frozen until `at_epoch` epochs."""
    named = [(name, p) for name, p in run.model.named_parameters() if p.requires_grad]
    for module in modules:
        if not any(_lies_in(name, module) for name, _parameter in named):
            first = sorted({name.partition(".")[0] for name, _parameter in named})
            raise TrainingError(
                f"hooks.unfreeze: the model has no trainable parameters in {module!r}; it has "
                f"{', '.join(first)}"
            )
    chosen = [p for name, p in named if any(_lies_in(name, module) for module in modules)]
    if len(chosen) == len(named):
        raise TrainingError("hooks.unfreeze: nothing is left to train until then")
    return Unfreezing(chosen, at_epoch * run.steps_per_epoch)


def _lies_in(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")
