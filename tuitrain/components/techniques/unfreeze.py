"""Parameters that train from an epoch on."""

from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import Field, PositiveInt
from torch import nn

from tuitrain.components.hooks import Hook, HookContext
from tuitrain.components.models.heads import last_layer, lies_in
from tuitrain.components.registry import hook
from tuitrain.errors import TrainingError

_BODY = "body"
"""Stands for all of a model but its last layer."""


class Unfreezing(Hook):
    """Keeps some parameters, and running statistics beside them, as they are until an epoch."""

    def __init__(
        self, parameters: Sequence[nn.Parameter], norms: Sequence[nn.Module], until_step: int
    ) -> None:
        self._parameters = parameters
        self._norms = norms
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
        for norm in self._norms:
            norm.train(trains)


@hook("unfreeze")
def unfreeze(
    run: HookContext,
    *,
    modules: Annotated[Sequence[str], Field(min_length=1)],
    at_epoch: PositiveInt = 1,
) -> Hook:
    """Parameters whose names begin with one of `modules` are frozen until `at_epoch` epochs.

    `body` is all but the model's last layer, where no module is called so. Batch normalisation that
    is frozen keeps its running statistics.
    """
    named = [(name, p) for name, p in run.model.named_parameters() if p.requires_grad]
    inside = _membership(run.model, modules, [name for name, _parameter in named])
    chosen = [p for name, p in named if inside(name)]
    if len(chosen) == len(named):
        raise TrainingError("hooks.unfreeze: nothing is left to train until then")
    norms = [
        module
        for name, module in run.model.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training and inside(name)
    ]
    return Unfreezing(chosen, norms, at_epoch * run.steps_per_epoch)


def _membership(
    model: nn.Module, modules: Sequence[str], names: Sequence[str]
) -> Callable[[str], bool]:
    """Return a function that says whether a name lies in one of the modules.

    Raises:
        TrainingError: a module has none of the trainable parameters that are called `names`.
    """
    head = last_layer(model)

    def within(name: str, module: str) -> bool:
        if module == _BODY and not hasattr(model, _BODY):
            return not lies_in(name, head)
        return lies_in(name, module)

    for module in modules:
        if not any(within(name, module) for name in names):
            first = sorted({name.partition(".")[0] for name in names})
            raise TrainingError(
                f"hooks.unfreeze: the model has no trainable parameters in {module!r}; it has "
                f"{', '.join(first)}"
            )
    return lambda name: any(within(name, module) for module in modules)
