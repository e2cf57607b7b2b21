"""What a run has come to: weights, optimizer, schedule, settings, best values, step.

Everything here is in a checkpoint; what is not here follows from the preset. Knows neither files
nor when anything is done.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tuitrain.training.build import TrainingComponents
from tuitrain.training.checkpoints.own_state import restore_state, state_of
from tuitrain.training.checkpoints.parts import read_parts
from tuitrain.training.checkpoints.sharded import cut_like, cut_optimizer, own_part
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.metrics.evaluation import evaluation_size
from tuitrain.training.metrics.progress import Progress
from tuitrain.training.optimization.nonfinite import are_finite
from tuitrain.training.optimization.optimizer import restore_optimizer
from tuitrain.training.runtime.compile_choice import keep_compile
from tuitrain.training.runtime.precision_choice import keep_precision
from tuitrain.training.runtime.randomness import (
    derive,
    generator_states,
    restore_generators,
    seed_everything,
)
from tuitrain.training.settings.live import LiveSettings, PendingChanges


class TrainingState:
    """One run's state, from its first step or a restored one on."""

    def __init__(self, components: TrainingComponents) -> None:
        """Begin before the first step."""
        self.components = components
        self.step = 0
        """Updates done."""
        self.train_s = 0.0
        """Seconds spent in steps."""
        preset = components.preset
        self.total_steps = components.total_steps
        self.settings = LiveSettings.begin(preset, components.schedule, self.total_steps)
        self.progress = Progress(preset, components.task.train_metric)
        self.pending = PendingChanges(())
        """Live changes on record after the checkpoint that the run resumed from."""
        self.evaluation_size = evaluation_size(components)
        """Samples in a batch of an evaluation."""

    @property
    def epoch(self) -> float:
        """Epochs done, with the fraction of the one under way."""
        return self.epoch_at(self.step)

    def epoch_at(self, step: int) -> float:
        """Return the epochs that so many steps are."""
        return self.components.data.plan.epochs_done(step)

    def change_setting(self, key: str, value: float) -> float:
        """Give a live setting a new value from the next step on; return the old one."""
        old = self.settings.change(key, value, self.step)
        if key == "stop.patience":
            self.progress.early_stop.patience = int(value)
        elif key == "optimizer.weight_decay":
            self.components.groups.set_weight_decay(value)
        return old

    def change_plan(self, plan: BatchSchedule) -> None:
        """Take the steps that are to come by another plan."""
        self.components.change_plan(plan)
        self.total_steps = self.settings.total_steps = self.components.total_steps

    def weights_are_finite(self) -> bool:
        """Return whether every number in the model's state is finite."""
        values = self.components.model.state_dict().values()
        world = self.components.world
        if self.components.plain is None:
            return are_finite(values)
        # Each rank holds a part of them: all ask at the same place.
        return not any(world.sums([not are_finite(map(own_part, values))]))

    # --- what a checkpoint holds ------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return all that an exact resume needs, beside what the preset says.

        All ranks call it at the same step: rank 0's is whole.
        """
        parts = self.components
        scaler = parts.precision.scaler
        if parts.replica is not None:
            parts.replica.share_buffers()
        return {
            "model": parts.model.state_dict(),
            "optimizer": parts.optimizer.state_dict(),
            "loss": state_of(parts.loss),
            "schedule": parts.schedule.state_dict(),
            "hooks": parts.hooks.state_dict(),
            "scaler": scaler.state_dict() if scaler is not None else {},
            "precision": parts.precision.name,
            "compiled": parts.compiled,
            "step": self.step,
            "epoch": self.epoch,
            "generators": self._generators(),
            "settings": dict(self.settings.values),
            **self.progress.state_dict(),
            "train_s": self.train_s,
            "threads": torch.get_num_threads(),
            "plan": parts.data.plan.state(),
            "at_once": parts.data.plan.at_once,
            "evaluation_size": self.evaluation_size,
        }

    def load_state_dict(self, state: Mapping[str, Any], pending: PendingChanges) -> None:
        """Go back to a state that `state_dict` returned; the generators last of all.

        Args:
            state: of a checkpoint.
            pending: live changes on record; those of later steps are made when they are due.

        Raises:
            CheckpointError: the state is of other components.
        """
        self._load_components(state)
        self.step = int(state["step"])
        self.settings.values.update(state["settings"])
        self.progress.load_state_dict(state)
        self.train_s = state["train_s"]
        for step, key, value in pending.take(self.step):
            # Earlier changes are in the checkpoint; one of this very step may have come after it.
            if step == self.step:
                self.change_setting(key, value)
        self.progress.early_stop.patience = int(self.settings["stop.patience"])
        self.pending = pending
        # Checkpoints from before batches could be split have neither.
        self.components.split_batches(state.get("at_once", 0))
        self.evaluation_size = state.get("evaluation_size", self.evaluation_size)
        self._restore_generators(state["generators"])

    def _generators(self) -> Any:
        """Return the states of this process's generators; of several ranks, a list of theirs."""
        world = self.components.world
        return generator_states() if world.is_alone else world.gather(generator_states())

    def _restore_generators(self, saved: Any) -> None:
        """Go back to this rank's generators; a rank that there was none of draws by its number."""
        world = self.components.world
        ranks: list[Any] = [saved] if isinstance(saved, Mapping) else list(saved)
        if world.rank < len(ranks):
            restore_generators(ranks[world.rank])
        else:
            seed_everything(derive(self.components.preset.train.seed, world.rank, self.step))

    def _load_components(self, state: Mapping[str, Any]) -> None:
        parts, preset = self.components, self.components.preset
        keep_precision(parts, state)
        keep_compile(parts, state)
        saved, hooks, optimizer = state["model"], state.get("hooks", ()), state["optimizer"]
        if parts.plain is not None:
            saved = cut_like(saved, parts.model.state_dict())
            hooks = cut_like(hooks, parts.hooks.state_dict())
            optimizer = cut_optimizer(optimizer, parts.optimizer)
        if "parts_in" in state:
            cut = {"model": saved, "hooks": hooks, "optimizer": optimizer}
            read_parts(cut, {key: state[key] for key in cut}, Path(state["parts_in"]))
        restore_state(parts.model, saved, f"model.name = {preset.model.name}")
        # Checkpoints from before losses, schedules and hooks could have state have none of it.
        restore_state(parts.loss, state.get("loss", {}), f"loss.name = {preset.loss.name}")
        if "schedule" in state:
            parts.schedule.load_state_dict(state["schedule"])
        parts.hooks.load_state_dict(hooks)
        name = f"optimizer.name = {preset.optimizer.name}"
        restore_optimizer(parts.optimizer, optimizer, name)
        # A run that was not of half precision until now has no state of a scaler.
        if parts.precision.scaler is not None and state["scaler"]:
            parts.precision.scaler.load_state_dict(state["scaler"])
