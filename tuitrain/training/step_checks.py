"""Checks what the parts of a run give in its first step, so that a fault is told by what it is.

Torch would name a dimension somewhere in the loss; on a GPU a class too many ends the process.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tuitrain.errors import TrainingError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.batches import Batch
from tuitrain.training.metrics.named import check_terms, split_terms


def check_inputs(parts: TrainingComponents, batch: Batch) -> None:
    """Hold a prepared batch against the data.

    Raises:
        TrainingError: an augmentation has changed the shape.
    """
    shape = tuple(batch.inputs.shape[1:])
    expected = parts.data.spec.input_shape
    if parts.data.plan.lengths is not None:
        shape = (min(shape[0], expected[0]), *shape[1:])
        expected = (shape[0], *expected[1:])
    if shape != expected:
        raise TrainingError(
            f"the inputs have come to shape {shape} from {expected}: an augmentation "
            "(data.augment) has to keep it"
        )


def check_outputs(parts: TrainingComponents, batch: Batch, outputs: Any) -> None:
    """Hold what the model made of a batch against the task.

    Raises:
        TrainingError: these are no outputs for it.
    """
    model = f"model.name = {parts.preset.model.name}"
    if not isinstance(outputs, Tensor):
        raise TrainingError(f"{model} gives a {type(outputs).__name__}, it must give a tensor")
    spec = parts.data.spec
    each = parts.task.output_shape(spec.outputs, spec.target_shape)
    wanted = (len(batch.targets), *(each or ()))
    if each is not None and tuple(outputs.shape) != wanted:
        what = "tokens" if parts.task.predicts_tokens else "classes"
        raise TrainingError(
            f"{model} gives outputs of shape {tuple(outputs.shape)} for {wanted[0]} samples of "
            f"{spec.outputs} {what}, it must give {wanted}"
        )


def check_loss(parts: TrainingComponents, loss: Any) -> None:
    """Hold what the loss returned against what can be trained on.

    Raises:
        TrainingError: it is not one number that depends on the outputs.
    """
    name = f"loss.name = {parts.preset.loss.name}"
    if isinstance(loss, Mapping):
        check_terms(loss, name)
        loss, _terms = split_terms(loss)
    if not isinstance(loss, Tensor):
        raise TrainingError(f"{name} returned a {type(loss).__name__}, it must return a tensor")
    if loss.dim():
        raise TrainingError(
            f"{name} returned a tensor of shape {tuple(loss.shape)}, it must return one number: "
            "the mean over the batch"
        )
    if not loss.requires_grad:
        raise TrainingError(f"{name} returned a number that does not depend on the outputs")
