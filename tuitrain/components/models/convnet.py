"""Small classic networks of convolutions and pooling: that of PyTorch's examples, and TinyVGG."""

from collections.abc import Sequence

from pydantic import PositiveInt
from torch import nn

from tuitrain.components.data import DataSpec
from tuitrain.components.models.images import image_shape, too_small
from tuitrain.components.registry import model
from tuitrain.config.schema import Fraction


@model("convnet")
def convnet(
    spec: DataSpec,
    *,
    channels: Sequence[PositiveInt] = (10, 20),
    kernel: PositiveInt = 5,
    hidden: PositiveInt = 50,
    dropout: Fraction = 0.5,
    log_softmax: bool = False,
) -> nn.Module:
    """Unpadded convolutions, each pooled 2x2, then two layers; as LeNet (LeCun 1998), with ReLU."""
    width, height, breadth = image_shape(spec, "convnet")
    layers: list[nn.Module] = []
    for next_width in channels:
        layers += [nn.Conv2d(width, next_width, kernel), nn.MaxPool2d(2), nn.ReLU()]
        width, height, breadth = next_width, *((n - kernel + 1) // 2 for n in (height, breadth))
    if min(height, breadth) < 1:
        raise too_small(spec, "convnet", _least(len(channels), kernel))
    layers += [nn.Flatten(), nn.Linear(width * height * breadth, hidden), nn.ReLU()]
    layers += [nn.Dropout(dropout), nn.Linear(hidden, spec.outputs)]
    # Of [batch, classes]; what the loss called nll takes.
    return nn.Sequential(*layers, *([nn.LogSoftmax(1)] if log_softmax else []))


def _least(blocks: int, kernel: int) -> int:
    """Return the side of the smallest images that leave a pixel."""
    side = 1
    for _block in range(blocks):
        side = 2 * side + kernel - 1
    return side


@model("tinyvgg")
def tinyvgg(
    spec: DataSpec, *, width: PositiveInt = 10, blocks: PositiveInt = 2, padding: bool = True
) -> nn.Module:
    """Blocks of two 3x3 convolutions with ReLU and 2x2 pooling, then one layer (VGG in small)."""
    channels, height, breadth = image_shape(spec, "tinyvgg")
    layers: list[nn.Module] = []
    lost = 0 if padding else 4
    for _block in range(blocks):
        for before in (channels, width):
            layers += [nn.Conv2d(before, width, 3, padding=int(padding)), nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
        channels, height, breadth = width, (height - lost) // 2, (breadth - lost) // 2
    if min(height, breadth) < 1:
        raise too_small(spec, "tinyvgg", 2**blocks + lost * (2**blocks - 1))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * height * breadth, spec.outputs))
