"""U-shaped networks that give an image for an image."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from tuitrain.components.data import DataSpec
from tuitrain.components.models.upsampling import Upsample, Upsampling
from tuitrain.components.registry import model
from tuitrain.errors import TrainingError


class UNet(nn.Module):
    """Blocks on the way down, and on the way up with what the way down had at the same size."""

    def __init__(self, inputs: int, outputs: int, channels: Sequence[int], way: Upsampling) -> None:
        super().__init__()
        widths = (inputs, *channels)
        self.down = nn.ModuleList(_block(width, wider) for width, wider in pairwise(widths))
        # An odd size is rounded up, as `Upsample` takes it.
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.larger = nn.ModuleList(
            Upsample(wider, width, way) for width, wider in pairwise(channels)
        )
        self.up = nn.ModuleList(_block(2 * width, width) for width in channels[:-1])
        self.head = nn.Conv2d(channels[0], outputs, 1)

    def checkpointed_blocks(self) -> list[nn.Module]:
        """Return what `train.gradient_checkpointing` computes again."""
        return [*self.down, *self.larger, *self.up]

    def forward(self, images: Tensor) -> Tensor:
        """Return [batch, outputs, height, width]."""
        seen: list[Tensor] = []
        for place, block in enumerate(self.down):
            images = block(self.pool(images) if place else images)
            seen.append(images)
        for place in reversed(range(len(self.up))):
            before = seen[place]
            larger = self.larger[place](images, before.shape[-2:])
            images = self.up[place](torch.cat([before, larger], 1))
        outputs: Tensor = self.head(images)
        return outputs


def _block(inputs: int, outputs: int) -> nn.Module:
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        # The normalisation has a shift of its own.
        layers += [nn.Conv2d(width, outputs, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


@model("unet")
def unet(
    spec: DataSpec,
    *,
    channels: Sequence[PositiveInt] = (16, 32, 64),
    upsampling: Literal["transposed", "nearest"] = "transposed",
) -> nn.Module:
    """U-Net (Ronneberger et al. 2015) with batch normalisation; each of `channels` is a size."""
    shape = spec.input_shape
    if len(shape) != 3 or spec.target_shape[-2:] != shape[1:]:
        raise TrainingError(
            "model.name = unet needs images, and targets of the same size; the data have inputs "
            f"of shape {shape} and targets of shape {spec.target_shape}"
        )
    if not channels or min(shape[1:]) < 1 << (len(channels) - 1):
        raise TrainingError(
            f"model.channels has {len(channels)} sizes, each after the first halves the image: "
            f"it must be at least 1, and few enough for {shape[1]}x{shape[2]} pixels"
        )
    # Of images as targets each channel is an output, of class numbers each class is.
    outputs = spec.target_shape[0] if len(spec.target_shape) == 3 else spec.outputs
    return UNet(shape[0], outputs, tuple(channels), upsampling)
