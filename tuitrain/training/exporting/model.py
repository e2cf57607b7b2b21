"""A model with its preparation, as it goes into a file: samples as they are read, outputs out.

What is measured of the training part is inside, so that whoever runs the file decodes a picture or
a row and nothing else.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tuitrain.components.data import Samples
from tuitrain.config.schema import Preset
from tuitrain.errors import ExportError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.sources import count, raw_samples

Predict = Callable[[Tensor], Tensor]
"""From inputs [batch, ...] to outputs [batch, ...], on the CPU."""
INPUTS, OUTPUTS = "inputs", "outputs"
"""Names in files that have names for them."""
_EXAMPLES = 3
"""More than one, as batches of one are a case of their own to torch."""


class PreparedModel(nn.Module):
    """Prepares inputs as the run's evaluations do, and asks the model."""

    def __init__(self, parts: TrainingComponents) -> None:
        super().__init__()
        self.model = parts.model
        self._prepare = parts.data.preparation.evaluate

    def forward(self, inputs: Tensor) -> Tensor:
        """Return outputs [batch, ...] of inputs [batch, ...] as the data set has them."""
        outputs: Tensor = self.model(self._prepare(inputs))
        return outputs


@dataclass(frozen=True, slots=True)
class Portable:
    """What is written into a file."""

    model: PreparedModel
    """In evaluation mode, on the CPU, in 32 bits."""
    examples: Tensor
    """[batch, ...] inputs as the file takes them."""
    free: tuple[str, ...]
    """Names of the first dimensions, which may be of any size: batch, and of a language model's
    texts the length."""

    @property
    def names(self) -> list[str | int]:
        """Return the inputs' dimensions: a name, or a size."""
        return [*self.free, *self.examples.shape[len(self.free) :]]


def portable_preset(preset: Preset) -> Preset:
    """Return a preset whose model is in 32 bits on the CPU, without what only training needs."""
    train = preset.train.model_copy(update={
        "device": "cpu", "precision": "fp32", "channels_last": False, "compile": False,
        "gradient_checkpointing": False,
    })  # fmt: skip
    return preset.model_copy(update={"train": train})


def make_portable(parts: TrainingComponents) -> Portable:
    """Return a model that has its weights with all that goes into a file.

    Raises:
        ExportError: it does not return a tensor.
    """
    model = PreparedModel(parts).eval()
    validation = parts.data.validation
    if count(validation) >= _EXAMPLES:
        examples = raw_samples(validation, range(_EXAMPLES))[0]
    else:
        examples = parts.description.made_up_inputs(_EXAMPLES)
    examples = as_taken(parts, examples)
    with torch.no_grad():
        outputs = model(examples)
    if not isinstance(outputs, Tensor):
        raise ExportError(
            f"model.name = {parts.preset.model.name} returns {type(outputs).__name__}: only a "
            "model that returns one tensor can be exported"
        )
    grows = parts.task.predicts_tokens and examples.ndim == 2
    return Portable(model, examples, ("batch", "length") if grows else ("batch",))


def as_taken(parts: TrainingComponents, inputs: Tensor) -> Tensor:
    """Return inputs of the data set as a file takes them: tokens in 64 bits, others as they are."""
    return inputs.long() if parts.data.spec.kind == "tokens" else inputs


def validation_batches(
    parts: TrainingComponents, size: int, most: int | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the validation part in batches: inputs as a file takes them, targets as the loss does.

    Args:
        parts: with the data.
        size: of a batch.
        most: samples; None: all.
    """
    data = parts.data
    number = count(data.validation) if most is None else min(most, count(data.validation))
    for first in range(0, number, size):
        inputs, targets = raw_samples(data.validation, range(first, min(first + size, number)))
        _prepared, targets = data.preparation.prepare(inputs, targets)
        yield as_taken(parts, inputs), targets


def made_up(parts: TrainingComponents, number: int) -> Samples:
    """Return made-up samples in the place of a validation part that is not here."""
    inputs = parts.description.made_up_inputs(number, seed=1)
    return Samples(inputs, torch.zeros(number))


@contextmanager
def deprecations_ignored() -> Iterator[None]:
    """Leave out what torch's exporters say of themselves and of torch's own layers."""
    jit: Any = torch.jit
    with warnings.catch_warnings():
        for kind, message in _KNOWN:
            warnings.filterwarnings("ignore", message, kind)
        warnings.filterwarnings("ignore", category=jit.TracerWarning)
        yield


_KNOWN: tuple[tuple[type[Warning], str], ...] = (
    (FutureWarning, r"`torch\.jit\.\w+` is deprecated"),
    (DeprecationWarning, r"`torch\.jit\.\w+` is deprecated"),
    (DeprecationWarning, r"torch\.ao\.quantization is deprecated"),
    (UserWarning, r"torch\.quantize_per_tensor, torch\.quantize_per_channel"),
    # Views of the weights that torch's own recurrent layers keep.
    (UserWarning, r"The tensor attributes? .*_flat_weights"),
)
