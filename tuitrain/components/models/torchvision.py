"""Any classifier of `torchvision.models`, pretrained or not, for any images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from tuitrain.components.data import DataSpec
from tuitrain.components.models.heads import last_layer, lies_in
from tuitrain.components.models.images import image_shape
from tuitrain.components.registry import model
from tuitrain.config.schema import NonNegativeInt
from tuitrain.errors import DataUnavailableError, TrainingError

_AUXILIARY = {"inception_v3": ("AuxLogits",), "googlenet": ("aux1", "aux2")}
"""Second heads for the training of deep networks of 2014; without them there is one output."""


@dataclass(frozen=True)
class PrepareImages:
    """What a classifier does to its images first: three channels, and the size it is made for."""

    resize: int = 0
    """Pixels that the shorter side is scaled to; 0: none."""
    crop: int = 0
    """Pixels that are then cut from the middle; images of this size are left as they are."""
    mode: str = "bilinear"

    def __call__(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return a forward pass's inputs, [batch, channels, height, width], prepared."""
        images = inputs[0]
        if images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        height, width = images.shape[-2:]
        if not self.resize or (height, width) == (self.crop, self.crop):
            return images, *inputs[1:]
        least = min(height, width)
        sides = (self.resize * height // least, self.resize * width // least)
        images = interpolate(images, sides, mode=self.mode, antialias=True)
        top, left = (sides[0] - self.crop) // 2, (sides[1] - self.crop) // 2
        return images[..., top : top + self.crop, left : left + self.crop], *inputs[1:]


@model("torchvision.NAME")
def torchvision_classifier(
    spec: DataSpec,
    name: str,
    *,
    pretrained: bool = False,
    weights: str | None = None,
    freeze: Literal["none", "body"] = "none",
    cache_features: bool = True,
    size: NonNegativeInt = 0,
) -> nn.Module:
    """Any classifier of torchvision.models; grey images are given three channels.

    Args:
        spec: of the data.
        name: as torchvision has it, e.g. `resnet18`.
        pretrained: begin with torchvision's weights, with a new last layer.
        weights: which of them; None: the default ones.
        freeze: `body` trains the last layer alone. Frozen batch normalisation keeps its running
            statistics.
        cache_features: what a frozen body makes of each image is computed once, where no
            augmentation is a matter of chance and it fits into memory.
        size: pixels that images are scaled to; 0: as the pretrained weights had them, else as they
            are.

    Raises:
        TrainingError: the data are no images, or there are no such weights.
        DataUnavailableError: the weights are not here and can't be downloaded.
    """
    _check_channels(spec, name)
    wanted = weights or ("DEFAULT" if pretrained else None)
    if wanted is None:
        network, prepare = _fresh(name, spec.outputs), PrepareImages(size, size)
    else:
        network, prepare = _pretrained(name, wanted, spec, size)
    if freeze == "body":
        freeze_body(network)
        if cache_features:
            # Read by the training: what goes into this layer stays the same for the whole run.
            network.frozen_before = last_layer(network)  # type: ignore[assignment]
    network.register_forward_pre_hook(prepare)
    return network


def _check_channels(spec: DataSpec, name: str) -> None:
    channels, _, _ = image_shape(spec, f"torchvision.{name}")
    if channels not in (1, 3):
        raise TrainingError(
            f"model.name = torchvision.{name} takes images of 1 or 3 channels, the data has "
            f"{channels}"
        )


def _fresh(name: str, outputs: int) -> nn.Module:
    from torchvision.models import get_model

    options = {"aux_logits": False, "init_weights": True} if name in _AUXILIARY else {}
    network: nn.Module = get_model(name, num_classes=outputs, **options)
    return network


def _pretrained(
    name: str, wanted: str, spec: DataSpec, size: int
) -> tuple[nn.Module, PrepareImages]:
    chosen = _find_weights(name, wanted)
    network = _without_weights(name, chosen) if spec.restored else _load(name, chosen)
    for module in _AUXILIARY.get(name, ()):
        network.aux_logits = False  # type: ignore[assignment]
        setattr(network, module, None)
    replace_head(network, spec.outputs)
    used = chosen.transforms()
    # Of pixels from 0 to 1, one number a channel; the inputs are normalised by them.
    network.input_statistics = (tuple(used.mean), tuple(used.std))  # type: ignore[assignment]
    resize, crop = (size, size) if size else (used.resize_size[0], used.crop_size[0])
    return network, PrepareImages(resize, crop, used.interpolation.value)


def _find_weights(name: str, wanted: str) -> Any:
    from torchvision.models import get_model_weights

    known = get_model_weights(name)
    # As torchvision writes it in full, `ResNet18_Weights.IMAGENET1K_V1`, or without the class.
    member = wanted.removeprefix(f"{known.__name__}.")
    if member not in known.__members__:
        raise TrainingError(
            f"model.weights = {wanted}: torchvision's {name} has {', '.join(known.__members__)}"
        )
    return known[member]


def _load(name: str, weights: Any) -> nn.Module:
    """Build the network with its weights, from torchvision's cache or the network.

    Raises:
        DataUnavailableError: they are not there, or not whole.
    """
    from torchvision.models import get_model

    try:
        network: nn.Module = get_model(name, weights=weights, progress=False)
    except Exception as error:
        # A file that is cut or is something else lets torch and pickle stumble in many ways.
        raise DataUnavailableError(_missing(name, weights, error)) from error
    return network


def _without_weights(name: str, weights: Any) -> nn.Module:
    """Build the network that weights are for, without them."""
    from torchvision.models import get_model

    # What torchvision sets for these where it loads weights.
    options = {"aux_logits": True, "init_weights": False, "transform_input": True}
    network: nn.Module = get_model(
        name,
        num_classes=len(weights.meta["categories"]),
        **(options if name in _AUXILIARY else {}),
    )
    return network


def _missing(name: str, weights: Any, error: Exception) -> str:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = weights.url.rpartition("/")[2]
    why = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
    state = "is not whole" if (folder / file).exists() else "is missing, and can't be downloaded"
    return (
        f"model.name = torchvision.{name}: the file {folder / file} of its weights {weights.name} "
        f"{state} ({why}); put it there from {weights.url}, or set $TORCH_HOME to a folder that "
        f"has it as hub/checkpoints/{file}"
    )


def replace_head(network: nn.Module, outputs: int) -> None:
    """Put a new last layer of the same kind in the place of the one there is.

    Raises:
        TrainingError: there is no linear layer or convolution at the end.
    """
    name = last_layer(network)
    last = network.get_submodule(name) if name else None
    if isinstance(last, nn.Linear):
        head: nn.Module = nn.Linear(last.in_features, outputs, bias=last.bias is not None)
    elif isinstance(last, nn.Conv2d):
        head = nn.Conv2d(last.in_channels, outputs, last.kernel_size)  # type: ignore[arg-type]
    else:
        raise TrainingError(f"torchvision's {type(network).__name__} has no last layer to replace")
    network.set_submodule(name, head)


def freeze_body(network: nn.Module) -> None:
    """Let nothing but the last layer train, and running statistics stay as they are."""
    head = last_layer(network)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(lies_in(name, head))
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
