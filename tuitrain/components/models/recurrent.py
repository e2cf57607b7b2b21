"""Recurrent networks over tokens or over a series of numbers."""

from collections.abc import Callable

from pydantic import PositiveInt
from torch import Tensor, nn

from tuitrain.components.data import DataSpec
from tuitrain.components.registry import model
from tuitrain.components.vocabulary import PADDING, mean_over_words
from tuitrain.config.schema import Fraction
from tuitrain.errors import TrainingError

_KINDS: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class RecurrentModel(nn.Module):
    """Embedding (of tokens), recurrent layers and one linear layer.

    Of tokens [batch, length] the states are averaged over those that are no padding; of a series
    [batch, length, features] the last one is taken. Where each token has a target of its own, as in
    language modelling, each state gives outputs: [batch, length, outputs].
    """

    def __init__(self, spec: DataSpec, name: str, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        features = _features(spec, name)
        self.embedding = _embedding(spec, width) if spec.kind == "tokens" else None
        # Between layers alone: torch warns of it where there is one.
        between = dropout if layers > 1 else 0.0
        self.recurrent = _KINDS[name](
            features or width, width, layers, batch_first=True, dropout=between
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, spec.outputs)
        self.each_position = spec.kind == "tokens" and spec.target_shape == spec.input_shape

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [batch, outputs], or [batch, length, outputs]."""
        values = inputs if self.embedding is None else self.dropout(self.embedding(inputs))
        # Padding comes last, so no state of a token has seen any: there is nothing to pack.
        states = self.recurrent(values)[0]
        if not self.each_position:
            is_series = self.embedding is None
            states = states[:, -1] if is_series else mean_over_words(states, inputs)
        outputs: Tensor = self.head(self.dropout(states))
        return outputs


def _embedding(spec: DataSpec, width: int) -> nn.Embedding:
    return nn.Embedding(spec.vocabulary or 0, width, padding_idx=PADDING)


def _features(spec: DataSpec, name: str) -> int:
    """Return the numbers at each position of a series, 0 for tokens."""
    if spec.kind == "tokens" and len(spec.input_shape) == 1 and spec.vocabulary:
        return 0
    if spec.kind != "tokens" and len(spec.input_shape) == 2:
        return spec.input_shape[1]
    raise TrainingError(
        f"model.name = {name} needs tokens [length] with a vocabulary, or a series "
        f"[length, features]; the data are of kind {spec.kind}, shape {spec.input_shape}"
    )


@model("lstm")
def lstm(
    spec: DataSpec,
    *,
    width: PositiveInt = 64,
    layers: PositiveInt = 1,
    dropout: Fraction = 0.0,
) -> nn.Module:
    """LSTM (Hochreiter and Schmidhuber 1997) over tokens or a series, then one linear layer."""
    return RecurrentModel(spec, "lstm", width, layers, dropout)


@model("gru")
def gru(
    spec: DataSpec,
    *,
    width: PositiveInt = 64,
    layers: PositiveInt = 1,
    dropout: Fraction = 0.0,
) -> nn.Module:
    """GRU (Cho et al. 2014) over tokens or a series, then one linear layer."""
    return RecurrentModel(spec, "gru", width, layers, dropout)


@model("rnn")
def rnn(
    spec: DataSpec,
    *,
    width: PositiveInt = 64,
    layers: PositiveInt = 1,
    dropout: Fraction = 0.0,
) -> nn.Module:
    """Plain recurrent network with tanh over tokens or a series, then one linear layer."""
    return RecurrentModel(spec, "rnn", width, layers, dropout)
