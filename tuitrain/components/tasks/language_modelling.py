"""The next token at each position."""

from collections.abc import Sequence
from math import exp, inf, log

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuitrain.components.generation import generate
from tuitrain.components.registry import task
from tuitrain.components.rows import as_rows
from tuitrain.components.samples import Sample, SampleBatch
from tuitrain.components.task import IGNORED, MetricAccumulator, Task, widest

_NEW_TOKENS = 128
"""That a sample is continued by."""
_TEMPERATURE = 0.8
"""Below 1 the likelier tokens come more often than they are likely: texts have fewer slips."""


@task("language_modelling")
class LanguageModelling(Task):
    """A token at each position of a sequence, as the next one of a text.

    Outputs are [batch, length, vocabulary], targets [batch, length] token numbers, -100 where a
    position counts for nothing. Loss and metrics are means over the tokens that count.
    """

    metrics = ("accuracy", "perplexity", "bits_per_token")
    train_metric = "accuracy"
    larger_is_better = ("accuracy",)
    loss = "cross_entropy"
    has_classes = True
    target_dimensions = 1
    predicts_tokens = True

    def output_shape(self, outputs: int, target_shape: Sequence[int]) -> tuple[int, ...]:
        """Return [length, vocabulary]."""
        return (*target_shape, outputs)

    def shape_outputs(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return a view of them as [batch, vocabulary, length], as losses of classes take them."""
        del targets
        return outputs.transpose(1, 2)

    def weigh(self, targets: Tensor) -> Tensor:
        """Return how many tokens count."""
        return (targets != IGNORED).sum()

    def summarise(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return how many tokens were right, and how many there were: scalars."""
        return (outputs.argmax(1) == targets).sum(), self.weigh(targets)

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the share of each batch's tokens that had the highest score."""
        number = torch.stack(list(targets)).clamp(min=1)
        shares: list[float] = (torch.stack(list(outputs)) / number).tolist()
        return shares

    def samples(self, model: nn.Module, batch: SampleBatch) -> list[Sample]:
        """Return how the model continues the first half of each sample, and how that goes on.

        What is drawn for a sample is the same at each evaluation.
        """
        length = batch.inputs.shape[1]
        half = max(1, length // 2)
        return [
            {
                "input": _as_text(tokens[:half], batch),
                "target": _as_text(targets[half - 1 :], batch),
                "output": _as_text(
                    generate(
                        model,
                        tokens[:half],
                        _NEW_TOKENS,
                        length=length,
                        temperature=_TEMPERATURE,
                        seed=place,
                    ),
                    batch,
                ),
            }
            for place, (tokens, targets) in enumerate(zip(batch.inputs, batch.targets, strict=True))
        ]

    def accumulator(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin to sum."""
        del outputs
        return TokenSums(device)


def _as_text(tokens: Tensor, batch: SampleBatch) -> Tensor | str:
    return batch.token_texts.decode(tokens.tolist()) if batch.token_texts else tokens


class TokenSums:
    """Sums over tokens: cross-entropy in nats, how many were right, how many there were."""

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(3, dtype=widest(device), device=device)

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Add one batch: outputs [batch, vocabulary, length]."""
        nats = functional.cross_entropy(
            *as_rows(outputs.float(), targets), ignore_index=IGNORED, reduction="sum"
        )
        right, number = (outputs.argmax(1) == targets).sum(), (targets != IGNORED).sum()
        self._sums += torch.stack([part.to(self._sums.dtype) for part in (nats, right, number)])

    def merge(self, other: "TokenSums") -> None:
        """Add what `other` has summed."""
        self._sums += other._sums

    def counts(self) -> None:
        """A vocabulary is no list of classes to look through."""
        return

    def metrics(self) -> dict[str, float]:
        """Return accuracy, perplexity and bits a token: of a text in characters, a character."""
        nats, right, number = self._sums.tolist()
        mean = nats / max(1, number)
        return {
            "accuracy": right / max(1, number),
            "perplexity": inf if mean > 700 else exp(mean),
            "bits_per_token": mean / log(2),
        }
