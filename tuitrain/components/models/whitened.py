"""A small convolutional network for few epochs: its first layer whitens patches of the data."""

from collections.abc import Sequence

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from tuitrain.components.data import DataSpec
from tuitrain.components.models.images import image_shape, too_small
from tuitrain.components.registry import model

_EXAMPLES = 1024
"""Images that the whitening is worked out from."""
_KERNEL = 2
_BATCH_NORM_MOMENTUM = 0.4
"""High, as running statistics have only a few hundred steps to come to."""


class Scaled(nn.Module):
    """Multiplies what goes through by a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, values: Tensor) -> Tensor:
        """Map any shape to the same."""
        return values * self.factor


def whitening_filters(images: Tensor, kernel: int = _KERNEL, floor: float = 5e-4) -> Tensor:
    """Return filters whose outputs over the images' patches are uncorrelated, of deviation 1.

    Args:
        images: [n, channels, height, width].
        kernel: side of a patch.
        floor: added to each variance, so that directions without any are not blown up.

    Returns:
        [2 x channels x kernel x kernel, channels, kernel, kernel]: each filter and its negative.
    """
    channels = images.shape[1]
    patches = images.double().cpu().unfold(2, kernel, 1).unfold(3, kernel, 1)
    patches = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels * kernel * kernel)
    patches = patches - patches.mean(0)
    variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (directions / (variances + floor).sqrt()).T.flip(0)
    filters = filters.reshape(-1, channels, kernel, kernel).float()
    return torch.cat((filters, -filters))


def _convolution(width: int, out: int) -> nn.Conv2d:
    """Return a 3x3 convolution that begins as the identity on as many channels as it can."""
    layer = nn.Conv2d(width, out, 3, padding=1, bias=False)
    with torch.no_grad():
        nn.init.dirac_(layer.weight[: min(width, out)])
    return layer


def _norm(width: int) -> nn.BatchNorm2d:
    """Return batch normalisation whose scale is fixed: the next layer's weights have one."""
    norm = nn.BatchNorm2d(width, momentum=_BATCH_NORM_MOMENTUM)
    norm.weight.requires_grad_(False)
    return norm


def _group(width: int, out: int) -> list[nn.Module]:
    first = [_convolution(width, out), nn.MaxPool2d(2), _norm(out), nn.GELU()]
    return [*first, _convolution(out, out), _norm(out), nn.GELU()]


@model("whitened_cnn")
def whitened_cnn(
    spec: DataSpec,
    *,
    widths: Sequence[PositiveInt] = (64, 256, 256),
    output_scale: PositiveFloat = 0.111,
) -> nn.Module:
    """Convolutions in groups behind a fixed layer that whitens 2x2 patches; trained in few epochs.

    After airbench (Jordan 2024) and hlb-CIFAR10 (Swan 2023), whose first layer is this one.
    """
    channels, height, breadth = image_shape(spec, "whitened_cnn")
    if (min(height, breadth) - _KERNEL + 1) >> len(widths) < 1:
        raise too_small(spec, "whitened_cnn", 2 ** len(widths) + _KERNEL - 1)
    filters = 2 * channels * _KERNEL**2
    whitening = nn.Conv2d(channels, filters, _KERNEL)
    if spec.examples is not None:
        with torch.no_grad():
            whitening.weight.copy_(whitening_filters(spec.examples(_EXAMPLES)))
            whitening.bias.zero_()  # type: ignore[union-attr]
    whitening.weight.requires_grad_(False)
    layers: list[nn.Module] = [whitening, nn.GELU()]
    for before, width in zip((filters, *widths), widths, strict=False):
        layers += _group(before, width)
    head = nn.Linear(widths[-1], spec.outputs, bias=False)
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), head, Scaled(output_scale))
