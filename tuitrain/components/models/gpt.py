"""Causal transformers that predict the next token."""

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from tuitrain.components.data import DataSpec
from tuitrain.components.registry import model
from tuitrain.config.schema import Fraction
from tuitrain.errors import TrainingError


class CausalAttention(nn.Module):
    """Self-attention of each position to itself and to those before it."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, states: Tensor) -> Tensor:
        """Return [batch, length, width] of the same shape."""
        batch, length, width = states.shape
        # [3, batch, heads, length, width / heads]
        parts = self.queries_keys_values(states).view(batch, length, 3, self.heads, -1)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(
            queries, keys, values, dropout_p=dropout, is_causal=True
        )
        joined: Tensor = self.out(seen.transpose(1, 2).reshape(batch, length, width))
        return joined


class Block(nn.Module):
    """Attention and a network of two layers, each on normalised states and added to them."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_attention, self.norm_network = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = CausalAttention(width, heads, dropout)
        self.network = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor) -> Tensor:
        """Return states of the same shape."""
        states = states + self.dropout(self.attention(self.norm_attention(states)))
        changed: Tensor = states + self.dropout(self.network(self.norm_network(states)))
        return changed


class Gpt(nn.Module):
    """A decoder as GPT-2's (Radford et al. 2019): norms before each part, learned positions."""

    def __init__(
        self, vocabulary: int, length: int, width: int, layers: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.length = length
        """Positions that it knows: the most tokens that it can look back on."""
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads, dropout) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.apply(_initialise)
        # What is added up over the layers begins as small as one of them (Radford et al. 2019).
        for name, weight in self.named_parameters():
            if name.endswith(("attention.out.weight", "network.2.weight")):
                nn.init.normal_(weight, std=0.02 / (2 * layers) ** 0.5)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return scores of the next token [batch, length, vocabulary] of tokens [batch, length]."""
        place = torch.arange(inputs.shape[1], device=inputs.device)
        states = self.dropout(self.embedding(inputs) + self.positions(place))
        scores: Tensor = self.head(self.norm(self.blocks(states)))
        return scores


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


@model("gpt")
def gpt(
    spec: DataSpec,
    *,
    width: PositiveInt = 128,
    layers: PositiveInt = 4,
    heads: PositiveInt = 4,
    dropout: Fraction = 0.0,
    tied: bool = True,
) -> nn.Module:
    """Causal transformer that predicts the next token; `tied`: one table for inputs and outputs."""
    if spec.kind != "tokens" or not spec.vocabulary or spec.target_shape != spec.input_shape:
        raise TrainingError(
            f"model.name = gpt needs tokens [length] with a target for each of them; the data are "
            f"of kind {spec.kind}, shape {spec.input_shape}, targets of shape {spec.target_shape}"
        )
    if width % heads:
        raise TrainingError(f"model.width = {width} must be a multiple of model.heads = {heads}")
    made = Gpt(spec.vocabulary, spec.input_shape[0], width, layers, heads, dropout)
    if tied:
        made.head.weight = made.embedding.weight
    return made
