"""Plain convolutional networks."""

from collections.abc import Sequence

from pydantic import PositiveInt
from torch import nn

from tuitrain.components.data import DataSpec
from tuitrain.components.registry import model
from tuitrain.config.schema import Fraction
from tuitrain.errors import TrainingError


@model("cnn")
def cnn(
    spec: DataSpec,
    *,
    channels: Sequence[PositiveInt] = (32, 64),
    hidden: PositiveInt = 128,
    dropout: Fraction = 0.5,
) -> nn.Module:
    """Convolutional network: blocks of 3x3 convolution, ReLU and 2x2 pooling, then two layers."""
    if len(spec.input_shape) != 3:
        raise TrainingError(f"model.name = cnn needs images, the data has shape {spec.input_shape}")
    width, height, breadth = spec.input_shape
    layers: list[nn.Module] = []
    for next_width in channels:
        layers += [nn.Conv2d(width, next_width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        width, height, breadth = next_width, height // 2, breadth // 2
    if not height * breadth:
        raise TrainingError(
            f"model.channels has {len(channels)} blocks, each halves the image: too many for "
            f"{spec.input_shape[1]}x{spec.input_shape[2]} pixels"
        )
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(width * height * breadth, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, spec.outputs),
    )
