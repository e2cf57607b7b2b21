"""One linear layer."""

from math import prod

from torch import nn

from tuitrain.components.data import DataSpec
from tuitrain.components.registry import model


@model("linear")
def linear(spec: DataSpec) -> nn.Module:
    """One linear layer over the flattened input."""
    return nn.Sequential(nn.Flatten(), nn.Linear(prod(spec.input_shape), spec.outputs))
