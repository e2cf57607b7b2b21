"""A run's model as one of its checkpoints has it, with the data as the run prepared them.

Knows checkpoints and what a preset builds; nothing of what the model is asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tuitrain.config.schema import Preset
from tuitrain.errors import DataUnavailableError, UsageError
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.checkpoints.files import load_checkpoint
from tuitrain.training.checkpoints.own_state import restore_state
from tuitrain.training.hooks import HookList
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.runtime.precision_choice import keep_precision


@dataclass(frozen=True, slots=True)
class Restored:
    """A model to be asked, and what it was trained with."""

    components: TrainingComponents
    """Its sets are as the data set has them: nothing is prepared in advance."""
    step: int
    weights: str
    """`raw`, or the label of the hook whose weights these are, as `ema`."""


@contextmanager
def restored(inspected: Inspected, checkpoint: Path, averaged: bool) -> Iterator[Restored]:
    """Yield the model with a checkpoint's weights.

    Args:
        inspected: the run's preset.
        checkpoint: the file.
        averaged: take the weights that a hook averaged, as `ema` does, not the raw ones.

    Raises:
        CheckpointError: it can't be read, or is of another model.
        UsageError: no hook of the run averages weights.
        TuitrainError: the data set is not here, or the preset does not fit it.
    """
    inspected.report(f"loading {checkpoint.name}")
    state = load_checkpoint(checkpoint)
    preset = _only_asked(inspected.preset, with_hooks=averaged)
    try:
        parts = build_components(
            preset, inspected.data_directory, inspected.report, warn=inspected.report, as_found=True
        )
    except DataUnavailableError as error:
        raise DataUnavailableError(
            f"{error} (the run's data set is needed for its statistics, classes and vocabulary)"
        ) from error
    keep_precision(parts, state)
    restore_state(parts.model, state["model"], f"model.name = {preset.model.name}")
    restore_state(parts.loss, state.get("loss", {}), f"loss.name = {preset.loss.name}")
    step = int(state.get("step", 0))
    if not averaged:
        yield Restored(parts, step, "raw")
        return
    parts.hooks.load_state_dict(state.get("hooks", ()))
    if not parts.hooks.weights:
        raise UsageError("--ema: no hook of this run averages weights; leave it out")
    hook = parts.hooks.weights[0]
    context = hook.evaluation_weights()
    if context is None:
        raise UsageError("--ema: this checkpoint has no averaged weights yet; leave it out")
    parts.hooks = HookList(())
    with context:
        yield Restored(parts, step, hook.label)


def _only_asked(preset: Preset, *, with_hooks: bool) -> Preset:
    """Return a preset without what only training needs."""
    train = preset.train.model_copy(update={"compile": False})
    update = {"train": train} if with_hooks else {"train": train, "hooks": ()}
    return preset.model_copy(update=update)
