"""Attributions of one sample's score by Captum: what each part of the input adds to it.

Knows models and inputs as tensors; nothing of images, columns or words.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from tuitrain.errors import UsageError
from tuitrain.extras import require
from tuitrain.training.explaining.score import Score

Forward = Callable[..., Tensor]


def captum() -> ModuleType:
    """Return Captum's attributions.

    Raises:
        UsageError: it is not installed; the text says what installs it.
    """
    return require("captum.attr", "explain", "explain")


def integrated_gradients(
    forward: Forward,
    inputs: tuple[Tensor, ...],
    baselines: tuple[Tensor, ...],
    steps: int,
    at_once: int,
) -> tuple[Tensor, ...]:
    """Return what each number adds to the score on the way from a baseline, shaped as the inputs.

    Sundararajan et al. 2017: the gradient's mean on the straight line, times the distance; by
    Gauss-Legendre at so many steps. All together they are the difference of the two scores, as far
    as the steps are enough.

    Args:
        forward: returns scores [batch] of inputs.
        inputs: of one sample, [1, ...] each.
        baselines: as inputs.
        steps: on the line.
        at_once: of them through the model.
    """
    method = captum().IntegratedGradients(forward)
    found: tuple[Tensor, ...] = method.attribute(
        inputs, baselines=baselines, n_steps=steps, internal_batch_size=min(at_once, steps)
    )
    return tuple(each.detach() for each in found)


def layer_integrated_gradients(
    forward: Forward, layer: nn.Module, tokens: Tensor, baseline: Tensor, steps: int, at_once: int
) -> Tensor:
    """Return what each place of a layer's outputs adds [length], as `integrated_gradients` has it.

    Args:
        forward: returns scores [batch] of tokens.
        layer: gives numbers [batch, length, width] of tokens.
        tokens: of one sample, [1, length].
        baseline: tokens of the same shape, from whose numbers the way begins.
        steps: on the line.
        at_once: of them through the model.
    """
    method = captum().LayerIntegratedGradients(forward, layer)
    found: Tensor = method.attribute(
        tokens, baselines=baseline, n_steps=steps, internal_batch_size=min(at_once, steps)
    )
    return found.detach()[0].sum(-1)


def occlusion(
    forward: Forward, image: Tensor, baseline: Tensor, window: int, at_once: int
) -> Tensor:
    """Return how much lower the score is with a patch covered, for each pixel [height, width].

    Zeiler and Fergus 2014. Patches are half a patch apart; a pixel has the mean of those over it.

    Args:
        forward: returns scores [batch] of images.
        image: [1, channels, height, width].
        baseline: what patches are covered by, of the image's shape.
        window: pixels of a patch's side.
        at_once: covered images through the model.
    """
    channels, height, width = image.shape[1:]
    shape = (channels, min(window, height), min(window, width))
    strides = (channels, max(1, shape[1] // 2), max(1, shape[2] // 2))
    found: Tensor = (
        captum()
        .Occlusion(forward)
        .attribute(
            image,
            sliding_window_shapes=shape,
            strides=strides,
            baselines=baseline,
            perturbations_per_eval=at_once,
        )
    )
    # Each channel of a patch has the value of the whole patch.
    return found.detach()[0].mean(0)


def grad_cam(score: Score, layer: nn.Module, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """Return where a convolution's outputs speak for the score [height, width], and their size.

    Selvaraju et al. 2017: channels weighted by the mean of their gradients, what is below 0 left
    out, drawn to the image's size.

    Args:
        score: of images.
        layer: the convolution.
        image: [1, channels, height, width].
    """
    method = captum().LayerGradCam(score, layer)
    found: Tensor = method.attribute(image, relu_attributions=True).detach()
    size: Any = image.shape[2:]
    large = interpolate(found.float(), tuple(size), mode="bilinear", align_corners=False)
    return large[0, 0], (found.shape[2], found.shape[3])


def last_convolution(score: Score, image: Tensor, name: str) -> tuple[str, nn.Module]:
    """Return the convolution that runs last with more than one place in its outputs, by name.

    One that is alone and cuts patches, as of a vision transformer, is the first layer and none.

    Raises:
        UsageError: the model has none; the text names what works without.
    """
    ran: list[nn.Module] = []
    names = {module: name for name, module in score.parts.model.named_modules()}
    convolutions = [module for module in names if isinstance(module, nn.Conv2d)]

    def note(module: nn.Module, _inputs: Any, output: Tensor) -> None:
        if output.shape[2:].numel() > 1:
            ran.append(module)

    handles = [module.register_forward_hook(note) for module in convolutions]
    try:
        with torch.no_grad():
            score(image)
    finally:
        for handle in handles:
            handle.remove()
    if not ran or (len(ran) == 1 and _cuts_patches(ran[0])):
        raise UsageError(
            f"--method grad-cam: model.name = {name} has no convolution that keeps where things "
            "are; take integrated-gradients or occlusion"
        )
    return names[ran[-1]], ran[-1]


def _cuts_patches(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.kernel_size == layer.stride != (1, 1)
