"""Transformer encoders."""

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from tuitrain.components.data import DataSpec
from tuitrain.components.registry import model
from tuitrain.components.vocabulary import PADDING, mean_over_words
from tuitrain.config.schema import Fraction
from tuitrain.errors import TrainingError


class TextTransformer(nn.Module):
    """Embeddings of tokens and positions, encoder blocks, the mean over the words, one layer."""

    def __init__(self, spec: DataSpec, width: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(spec.vocabulary or 0, width, padding_idx=PADDING)
        self.positions = nn.Parameter(0.02 * torch.randn(spec.input_shape[0], width))
        block = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        # Nested tensors have shapes that follow from the numbers.
        self.blocks = nn.TransformerEncoder(
            block, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, spec.outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [batch, outputs] of tokens [batch, length]."""
        padded = inputs == PADDING
        # A sample without any word would attend to nothing: its first place is left open.
        padded = padded & (torch.arange(inputs.shape[1], device=inputs.device) > 0)
        # A batch may be cut to its longest text.
        positions = self.positions[: inputs.shape[1]]
        values = self.dropout(self.embedding(inputs) + positions)
        states = self.blocks(values, src_key_padding_mask=padded)
        outputs: Tensor = self.head(mean_over_words(states, inputs))
        return outputs


@model("transformer")
def transformer(
    spec: DataSpec,
    *,
    width: PositiveInt = 64,
    layers: PositiveInt = 2,
    heads: PositiveInt = 4,
    dropout: Fraction = 0.1,
) -> nn.Module:
    """Transformer encoder (Vaswani et al. 2017) over tokens, averaged, then one linear layer."""
    if spec.kind != "tokens" or len(spec.input_shape) != 1 or not spec.vocabulary:
        raise TrainingError(
            f"model.name = transformer needs tokens [length] with a vocabulary; the data are of "
            f"kind {spec.kind}, shape {spec.input_shape}"
        )
    if width % heads:
        raise TrainingError(f"model.width = {width} must be a multiple of model.heads = {heads}")
    return TextTransformer(spec, width, layers, heads, dropout)
