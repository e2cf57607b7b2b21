"""A multi-layer perceptron for tables of numbers and categories."""

from collections.abc import Sequence

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from tuitrain.components.data import DataSpec
from tuitrain.components.registry import model
from tuitrain.config.schema import Fraction
from tuitrain.errors import TrainingError


@model("table_mlp")
def table_mlp(
    spec: DataSpec,
    *,
    hidden: Sequence[PositiveInt] = (256, 128),
    embedding: PositiveInt = 16,
    dropout: Fraction = 0.0,
) -> nn.Module:
    """MLP with an embedding for each category of a table (`data.encode = "codes"`)."""
    if len(spec.input_shape) != 1:
        raise TrainingError(f"model.name = table_mlp needs rows of a table, got {spec.input_shape}")
    return TableMlp(spec, hidden, embedding, dropout)


class TableMlp(nn.Module):
    """Embeds the last columns, whole numbers, and lays linear layers over all."""

    def __init__(
        self, spec: DataSpec, hidden: Sequence[int], embedding: int, dropout: float
    ) -> None:
        super().__init__()
        self._numbers = spec.input_shape[0] - len(spec.codes)
        # A category of few values needs few numbers to tell them apart. Row 0, of what the
        # training part does not have, stays zero.
        widths = [min(embedding, (count + 1) // 2) for count in spec.codes]
        self.embeddings = nn.ModuleList(
            nn.Embedding(count, width, padding_idx=0)
            for count, width in zip(spec.codes, widths, strict=True)
        )
        layers: list[nn.Module] = []
        width = self._numbers + sum(widths)
        for next_width in hidden:
            layers += [nn.Linear(width, next_width), nn.ReLU(), nn.Dropout(dropout)]
            width = next_width
        self.layers = nn.Sequential(*layers, nn.Linear(width, spec.outputs))

    def forward(self, rows: Tensor) -> Tensor:
        """Return [batch, outputs] of rows [batch, numbers + categories]."""
        numbers, codes = rows[:, : self._numbers], rows[:, self._numbers :].long()
        found = [table(codes[:, place]) for place, table in enumerate(self.embeddings)]
        return torch.as_tensor(self.layers(torch.cat([numbers, *found], dim=1)))
