"""Samples of the validation set as they are shown: what goes in, what is wanted, what comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from tuitrain.components.data import TokenTexts

Sample = Mapping[str, Tensor | str | float]
"""One sample by its parts, as `input`, `target` and `output`: a text, a number, an image
[channels, height, width] of 1 or 3 channels or [height, width], or any other numbers."""


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """Samples of the validation set."""

    inputs: Tensor
    """[batch, ...] as the model takes them."""
    targets: Tensor
    """[batch] or [batch, ...] as the loss takes them."""
    raw: Tensor
    """[batch, ...] inputs as the data set has them, before they are normalised."""
    classes: tuple[str, ...]
    """Names in the order of the class numbers; empty where there are none."""
    token_texts: TokenTexts | None = None
    """What tokens are as text; None: they are none, or nothing but numbers."""
    as_raw: Callable[[Tensor], Tensor] | None = None
    """Where the prepared inputs are the targets: returns such, [batch, ...], in the values of
    `raw`. None: targets are something else."""

    def shown_input(self, place: int) -> "Tensor | str":
        """Return a sample's input as it is shown: of tokens their text, else as it is."""
        raw = self.raw[place]
        return self.token_texts.decode(raw.flatten().tolist()) if self.token_texts else raw
