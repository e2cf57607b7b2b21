"""The forward pass of a batch: outputs, their loss, and the terms that it is the sum of.

Knows neither steps nor what becomes of a loss.
"""

from collections.abc import Callable, Mapping
from typing import cast

from torch import Tensor

from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.batches import Batch
from tuitrain.training.metrics.chosen import check_metrics
from tuitrain.training.metrics.named import split_terms
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.step_checks import check_inputs, check_loss, check_outputs

Forward = Callable[[Batch], tuple[Tensor, Tensor]]
"""A batch to the model's outputs, in the targets' shape, and their loss."""


class ForwardPass:
    """Makes the forward passes of one run; the first of them is checked."""

    def __init__(self, components: TrainingComponents, recorder: StepRecorder) -> None:
        self._components = components
        self._recorder = recorder
        self.run: Forward = self._first
        """Makes one; of all passes but the first it is the least that these components need."""

    def _first(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Look at what each part gives before the next one takes it; later steps don't."""
        components = self._components
        with components.precision.autocast():
            check_inputs(components, batch)
            outputs = components.forward(batch.inputs)
            check_outputs(components, batch, outputs)
            outputs = components.task.shape_outputs(outputs, batch.targets)
            loss = components.loss(outputs, batch.targets)
            check_loss(components, loss)
        if not components.hooks.transforms:
            # Blended targets are of the training alone.
            check_metrics(components.metrics, outputs, batch.targets)
        plain = components.precision.is_plain
        if isinstance(loss, Mapping):
            self.run = self._terms if plain else self._autocast_terms
            return outputs, self._record_terms(loss)
        self.run = self._plain if plain else self._autocast
        return outputs, loss

    def _plain(self, batch: Batch) -> tuple[Tensor, Tensor]:
        components, targets = self._components, batch.targets
        outputs = components.task.shape_outputs(components.forward(batch.inputs), targets)
        return outputs, components.loss(outputs, targets)

    def _autocast(self, batch: Batch) -> tuple[Tensor, Tensor]:
        with self._components.precision.autocast():
            return self._plain(batch)

    def _terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        outputs, terms = self._plain(batch)
        return outputs, self._record_terms(cast(Mapping[str, Tensor], terms))

    def _autocast_terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        with self._components.precision.autocast():
            return self._terms(batch)

    def _record_terms(self, loss: Mapping[str, Tensor]) -> Tensor:
        """Keep each term of a loss, and return their sum."""
        total, terms = split_terms(loss)
        for name, term in terms.items():
            self._recorder.add_term(name, term.detach())
        return cast(Tensor, total)
