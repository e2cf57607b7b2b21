"""Training and evaluation mode of modules, given back as they were found.

A module that its builder put into evaluation mode, as a frozen BatchNorm, stays there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def evaluation_mode(*parts: Any) -> Iterator[None]:
    """Put every part that is a module into evaluation mode, and back into the modes it had."""
    roots = [part for part in parts if isinstance(part, nn.Module)]
    before = [(module, module.training) for root in roots for module in root.modules()]
    for root in roots:
        root.eval()
    try:
        yield
    finally:
        # From the outside in, and through `train`: what a module does there itself, as merging
        # weights, is undone the same way.
        for module, mode in before:
            if module.training is not mode:
                module.train(mode)


def begin_training_mode(model: nn.Module) -> bool:
    """Put a model that came wholly in evaluation mode into training mode; return whether it did.

    Where only some of its modules are in evaluation mode their builder meant them: they stay.
    """
    if any(module.training for module in model.modules()):
        return False
    model.train()
    return True
