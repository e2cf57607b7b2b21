"""Attributions of pixels as colours over the image that they are of."""

import numpy as np
import torch
from torch import Tensor

from tuitrain.components.pictures import to_png

_FOR, _AGAINST = (235, 70, 35), (45, 105, 245)
"""Red and blue, which the colour-blind tell apart."""
_DIM = 0.6
"""Of the image's own brightness beneath."""
_TOP = 0.99
"""Attributions from this quantile of their sizes on are drawn in full colour: single pixels may
have many times what all others have."""
_LEAST_SIDE = 256
"""Pixels of a file's longer side: small images are enlarged by whole numbers."""


def strength(values: Tensor) -> Tensor:
    """Return how strong attributions [height, width] are, from -1 to 1."""
    sizes = values.abs().flatten()
    # Torch's quantile takes no image of more than 2^24 pixels.
    most = float(np.quantile(sizes.numpy(), _TOP)) or float(sizes.max())
    return (values / most).clamp(-1, 1) if most else torch.zeros_like(values)


def drawn_over(picture: Tensor, values: Tensor) -> Tensor:
    """Return attributions over an image: red speaks for the score, blue against.

    Args:
        picture: uint8 [height, width, channels].
        values: [height, width].

    Returns:
        uint8 [height, width, 3].
    """
    share = strength(values.float())
    grey = picture.float().mean(2, keepdim=True).expand(-1, -1, 3) * _DIM
    colour = torch.where(share[..., None] > 0, torch.tensor(_FOR), torch.tensor(_AGAINST)).float()
    part = share.abs()[..., None]
    return (grey * (1 - part) + colour * part).round().to(torch.uint8)


def as_grey(values: Tensor) -> Tensor:
    """Return the sizes of attributions [height, width] as an image uint8 [height, width, 1]."""
    return (strength(values.float()).abs() * 255).round().to(torch.uint8)[..., None]


def as_file(drawn: Tensor) -> bytes:
    """Return an image uint8 [height, width, 3] as a PNG file that is large enough to look at."""
    times = max(1, -(-_LEAST_SIDE // max(drawn.shape[:2])))
    large = drawn.repeat_interleave(times, 0).repeat_interleave(times, 1)
    return to_png(large.contiguous())
