"""Where a classifier's body ends and its head begins; registers no model."""

from torch import nn


def last_layer(model: nn.Module) -> str:
    """Return the name of the layer that gives the outputs; empty where there is none.

    The last linear layer there is, else the last convolution, as in SqueezeNet.
    """
    for kind in (nn.Linear, nn.Conv2d):
        names: list[str] = [
            name for name, module in model.named_modules() if isinstance(module, kind)
        ]
        if names:
            return names[-1]
    return ""


def lies_in(name: str, module: str) -> bool:
    """Return whether a parameter or module is `module` or lies in it."""
    return name == module or name.startswith(f"{module}.")
