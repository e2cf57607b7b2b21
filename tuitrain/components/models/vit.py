"""Vision transformers (Dosovitskiy et al. 2021), of any size."""

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from tuitrain.components.data import DataSpec
from tuitrain.components.models.images import image_shape
from tuitrain.components.registry import model
from tuitrain.config.schema import Fraction
from tuitrain.errors import TrainingError

_POSITIONS = 0.5
"""Deviation that positions begin with: about that of an embedded patch. From the paper's 0.02 they
are hardly told apart for the first thousand steps, which is all that a small set has."""


class Attention(nn.Module):
    """Attention of all tokens to all, by several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map [batch, tokens, width] to the same shape."""
        # [3, batch, heads, tokens, width / heads]
        parts = self.queries_keys_values(tokens).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(queries, keys, values)
        out: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return out


class EncoderBlock(nn.Module):
    """Attention, then two layers; each after a norm and added to what went in."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.Sequential(
            nn.LayerNorm(width), Attention(width, heads), nn.Dropout(dropout)
        )
        self.layers = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, width),
            nn.Dropout(dropout),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Map [batch, tokens, width] to the same shape."""
        tokens = tokens + self.attention(tokens)
        out: Tensor = tokens + self.layers(tokens)
        return out


class VisionTransformer(nn.Module):
    """Patches as tokens, a class token before them, learned positions, and an encoder."""

    def __init__(
        self,
        channels: int,
        patches: int,
        patch: int,
        width: int,
        blocks: nn.Sequential,
        outputs: int,
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, patches + 1, width))
        self.blocks = blocks
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)
        nn.init.trunc_normal_(self.positions, std=_POSITIONS)

    def forward(self, images: Tensor) -> Tensor:
        """Map [batch, channels, height, width] to [batch, outputs]."""
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        first = self.class_token.expand(tokens.shape[0], -1, -1)
        tokens = torch.cat((first, tokens), 1) + self.positions
        out: Tensor = self.head(self.norm(self.blocks(tokens))[:, 0])
        return out


@model("vit")
def vit(
    spec: DataSpec,
    *,
    patch: PositiveInt = 4,
    width: PositiveInt = 192,
    depth: PositiveInt = 6,
    heads: PositiveInt = 6,
    hidden: PositiveInt = 384,
    dropout: Fraction = 0.1,
) -> nn.Module:
    """Vision transformer: patches by convolution, class token, learned positions, norms first."""
    channels, *sides = image_shape(spec, "vit")
    if any(side % patch for side in sides):
        raise TrainingError(
            f"model.patch = {patch} does not divide images of {sides[0]}x{sides[1]} pixels; take "
            "another, or resize them with data.augment"
        )
    if width % heads:
        raise TrainingError(f"model.heads = {heads} does not divide model.width = {width}")
    blocks = (EncoderBlock(width, heads, hidden, dropout) for _ in range(depth))
    patches = (sides[0] // patch) * (sides[1] // patch)
    return VisionTransformer(channels, patches, patch, width, nn.Sequential(*blocks), spec.outputs)
