"""Multi-layer perceptrons."""

from collections.abc import Sequence
from math import prod

from pydantic import PositiveInt
from torch import nn

from tuitrain.components.data import DataSpec
from tuitrain.components.registry import model
from tuitrain.config.schema import Fraction


@model("mlp")
def mlp(
    spec: DataSpec,
    *,
    hidden: Sequence[PositiveInt] = (512, 256),
    batch_norm: bool = False,
    dropout: Fraction = 0.0,
) -> nn.Module:
    """Multi-layer perceptron: linear layers, between them batch norm where asked, and ReLU."""
    layers: list[nn.Module] = [nn.Flatten()]
    width = prod(spec.input_shape)
    for next_width in hidden:
        layers.append(nn.Linear(width, next_width))
        if batch_norm:
            layers.append(nn.BatchNorm1d(next_width))
        layers.append(nn.ReLU())
        if dropout:
            layers.append(nn.Dropout(dropout))
        width = next_width
    return nn.Sequential(*layers, nn.Linear(width, spec.outputs))
