"""Residual networks for small images, as in section 4.2 of He et al. 2016."""

from collections.abc import Sequence

from pydantic import PositiveInt
from torch import Tensor, nn

from tuitrain.components.data import DataSpec
from tuitrain.components.models.images import image_shape
from tuitrain.components.registry import model


class ResidualBlock(nn.Module):
    """relu(shortcut(x) + bn(conv(relu(bn(conv(x)))))), both convolutions 3x3."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(width, out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or width != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, images: Tensor) -> Tensor:
        """Map [batch, width, height, breadth] to [batch, out, height / stride, ...]."""
        out: Tensor = nn.functional.relu(self.residual(images) + self.shortcut(images))
        return out


@model("resnet")
def resnet(
    spec: DataSpec,
    *,
    widths: Sequence[PositiveInt] = (16, 32, 64),
    blocks: PositiveInt = 3,
) -> nn.Module:
    """Residual network for small images: `blocks` blocks at each width, halving the image between.

    The defaults are ResNet-20 of He et al. 2016: 6 x blocks + 2 layers.
    """
    channels, _, _ = image_shape(spec, "resnet")
    width = widths[0]
    layers: list[nn.Module] = [
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    ]
    for stage, out in enumerate(widths):
        for block in range(blocks):
            layers.append(ResidualBlock(width, out, 2 if stage and not block else 1))
            width = out
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, spec.outputs))
    return _initialised(nn.Sequential(*layers, *head))


def _initialised(network: nn.Module) -> nn.Module:
    """Draw the convolutions' weights as He et al. 2015 do for ReLU."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network
