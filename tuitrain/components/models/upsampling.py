"""Twice as high and wide again: what convolutional networks give images back with."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

Upsampling = Literal["transposed", "nearest"]


class Upsample(nn.Module):
    """From [batch, channels, height, width] to other channels and about twice the size.

    The size is given at each call, as half of an odd number is rounded on the way down.
    """

    def __init__(self, channels: int, outputs: int, way: Upsampling) -> None:
        super().__init__()
        self.layer: nn.Conv2d | nn.ConvTranspose2d
        if way == "transposed":
            self.layer = nn.ConvTranspose2d(channels, outputs, 3, stride=2, padding=1)
        else:
            self.layer = nn.Conv2d(channels, outputs, 3, padding=1)

    def forward(self, images: Tensor, size: Sequence[int]) -> Tensor:
        """Return [batch, outputs, *size]."""
        if isinstance(self.layer, nn.ConvTranspose2d):
            larger: Tensor = self.layer(images, output_size=list(size))
        else:
            larger = self.layer(functional.interpolate(images, size=tuple(size)))
        return larger
