"""A run's model as one of its checkpoints has it, with the data as the run prepared them.

Knows checkpoints and what a preset builds; nothing of what the model is asked for.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuitrain.config.schema import Preset
from tuitrain.errors import DataUnavailableError, UsageError
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.checkpoints.files import load_checkpoint
from tuitrain.training.checkpoints.own_state import restore_state
from tuitrain.training.data.build import SamplesNeededError
from tuitrain.training.data.description import DataDescription
from tuitrain.training.hooks import HookList
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.runtime.precision_choice import keep_precision

_KEY = "data"
"""Of a checkpoint: the description of the data; those of earlier versions have none."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A model to be asked, and what it was trained with."""

    components: TrainingComponents
    """Its sets are as the data set has them: nothing is prepared in advance."""
    step: int
    weights: str
    """`raw`, or the label of the hook whose weights these are, as `ema`."""

    @property
    def has_data(self) -> bool:
        """Whether its sets are the data set's; else made-up samples stand for them."""
        return not self.components.data.stands_in


@contextmanager
def restored(
    inspected: Inspected, checkpoint: Path, averaged: bool, *, needs_data: bool = True
) -> Iterator[Restored]:
    """Yield the model with a checkpoint's weights.

    Args:
        inspected: the run's preset.
        checkpoint: the file.
        averaged: take the weights that a hook averaged, as `ema` does, not the raw ones.
        needs_data: open the run's data set; else it is opened only where the checkpoint does not
            hold what a model must know of it.

    Raises:
        CheckpointError: it can't be read, or is of another model.
        UsageError: no hook of the run averages weights.
        TuitrainError: the data set is not here, or the preset does not fit it.
    """
    inspected.report(f"loading {checkpoint.name}")
    state = load_checkpoint(checkpoint)
    preset = _only_asked(inspected.preset, with_hooks=averaged)
    parts, why = (None, "") if needs_data else _without_data(inspected, preset, state)
    if parts is None:
        parts = _with_data(inspected, preset, why)
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


def _without_data(
    inspected: Inspected, preset: Preset, state: Mapping[str, Any]
) -> tuple[TrainingComponents | None, str]:
    """Return what the preset builds on a checkpoint's description of the data.

    None, and why: it has none, or the data set's own reader is not in it, or own code must see
    samples.
    """
    if _KEY not in state:
        return None, " for its statistics, classes and vocabulary"
    described = DataDescription.from_json(state[_KEY], preset.data.name)
    if described.has_reader and described.reader is None:
        return None, ", as its own reader has no state and from_state by which it could be kept"
    try:
        return _build(inspected, preset, described), ""
    except SamplesNeededError as error:
        return None, f": {error}"


def _with_data(inspected: Inspected, preset: Preset, why: str) -> TrainingComponents:
    """Return what the preset builds on its data set; `why` says what else it is needed for."""
    try:
        return _build(inspected, preset, None)
    except DataUnavailableError as error:
        raise DataUnavailableError(f"{error} (the run's data set is needed{why})") from error


def built_again(inspected: Inspected, parts: TrainingComponents) -> TrainingComponents:
    """Return what the same preset builds on the same description, before any weights are loaded."""
    return _build(inspected, _only_asked(inspected.preset, with_hooks=False), parts.description)


def _build(
    inspected: Inspected, preset: Preset, described: DataDescription | None
) -> TrainingComponents:
    return build_components(
        preset, inspected.data_directory, inspected.report, warn=inspected.report, as_found=True,
        described=described,
    )  # fmt: skip


def _only_asked(preset: Preset, *, with_hooks: bool) -> Preset:
    """Return a preset without what only training needs."""
    train = preset.train.model_copy(update={"compile": False})
    update = {"train": train} if with_hooks else {"train": train, "hooks": ()}
    return preset.model_copy(update=update)
