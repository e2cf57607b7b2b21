"""Autoencoders of images."""

from collections.abc import Sequence
from typing import Literal

from pydantic import PositiveInt
from torch import Tensor, nn

from tuitrain.components.data import DataSpec
from tuitrain.components.models.upsampling import Upsample, Upsampling
from tuitrain.components.registry import model
from tuitrain.config.schema import NonNegativeInt
from tuitrain.errors import TrainingError


class ConvAutoencoder(nn.Module):
    """Convolutions of stride 2 down, a narrow layer, and as many steps up again."""

    def __init__(
        self, spec: DataSpec, channels: Sequence[int], latent: int, way: Upsampling
    ) -> None:
        super().__init__()
        widths = (spec.input_shape[0], *channels)
        self.sizes = _sizes(spec.input_shape[1:], len(channels))
        """Height and width before each step down, and after the last."""
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, wider, 3, stride=2, padding=1), nn.ReLU())
            for width, wider in zip(widths, channels, strict=False)
        )
        inner = channels[-1] * self.sizes[-1][0] * self.sizes[-1][1]
        self.encode = nn.Sequential(nn.Flatten(), nn.Linear(inner, latent)) if latent else None
        self.decode = nn.Sequential(nn.Linear(latent, inner), nn.ReLU()) if latent else None
        narrower = (spec.target_shape[0], *channels)
        self.up = nn.ModuleList(
            Upsample(channels[place], narrower[place], way) for place in range(len(channels))
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return [batch, channels, height, width] of the size of what it gets."""
        for step in self.down:
            images = step(images)
        if self.encode is not None and self.decode is not None:
            images = self.decode(self.encode(images)).reshape(images.shape)
        for place in reversed(range(len(self.up))):
            images = self.up[place](images, self.sizes[place])
            if place:
                images = images.relu()
        return images


def _sizes(size: Sequence[int], steps: int) -> list[tuple[int, int]]:
    sizes = [(size[0], size[1])]
    for _ in range(steps):
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
    return sizes


@model("conv_autoencoder")
def conv_autoencoder(
    spec: DataSpec,
    *,
    channels: Sequence[PositiveInt] = (16, 32),
    latent: NonNegativeInt = 32,
    upsampling: Literal["transposed", "nearest"] = "transposed",
) -> nn.Module:
    """Convolutional autoencoder: steps of stride 2 to `latent` numbers (0: none such) and back."""
    shape, wanted = spec.input_shape, spec.target_shape
    if len(shape) != 3 or len(wanted) != 3 or shape[1:] != wanted[1:]:
        raise TrainingError(
            "model.name = conv_autoencoder needs images, and images of the same size as targets; "
            f"the data have inputs of shape {shape} and targets of shape {wanted}"
        )
    if not channels:
        raise TrainingError("model.channels is empty, it must have a number for each step down")
    return ConvAutoencoder(spec, tuple(channels), latent, upsampling)
