"""Going on with other settings than those that a checkpoint was saved with.

Called once the state has been restored; for a run whose settings are as they were it does nothing.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tuitrain.config.changes import Change, differences
from tuitrain.config.load import parse_preset
from tuitrain.config.schema import LIVE_SETTINGS, Preset
from tuitrain.errors import TrainingError
from tuitrain.messages import AlertRaised, Event, PresetChanged, SettingChanged, StartTraining
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.metrics.progress import reconsider
from tuitrain.training.state import TrainingState

Send = Callable[[Event], None]


def resettle(
    state: TrainingState, saved: Mapping[str, Any], order: StartTraining, send: Send
) -> None:
    """Let what differs from the checkpoint's settings hold from the next step on, and record it.

    Args:
        state: as restored.
        saved: the checkpoint's content.
        order: what the worker was told to do.
        send: is given what changes.

    Raises:
        TrainingError: the new settings end the run before where it stands.
    """
    preset = state.components.preset
    changes = []
    if saved["config"] != order.config:
        changes = differences(parse_preset(saved["config"], "the checkpoint's settings"), preset)
    _set_plan(state, saved, changes, send)
    for change in changes:
        if change.key not in LIVE_SETTINGS:
            send(PresetChanged(time.time(), state.step, change.key, str(change)))
    for key, value in _new_values(state.step, changes, order).items():
        _set(state, key, value, send)
    if changes or order.live:
        reconsider(state.progress.early_stop, saved["early_stop"])


def begin_again(state: TrainingState, order: StartTraining, send: Send) -> None:
    """Let the live settings of a resume that found no checkpoint hold from the first step on."""
    for key, value in order.live:
        _set(state, key, value, send)


def check_warmup(preset: Preset, total_steps: int) -> None:
    """Refuse a warm-up that the run never comes out of.

    Raises:
        TrainingError: it takes all of the run's steps.
    """
    warmup = preset.schedule.warmup_steps
    if warmup and warmup >= total_steps:
        raise TrainingError(
            f"schedule.warmup_steps = {warmup}, but the run has {total_steps} steps "
            f"(train.epochs = {preset.train.epochs}): it must be less, or the learning rate is "
            f"never reached, e.g. --set schedule.warmup_steps={total_steps // 10}"
        )


# --- data ---------------------------------------------------------------------------------------


def _set_plan(
    state: TrainingState, saved: Mapping[str, Any], changes: list[Change], send: Send
) -> None:
    plan = state.components.data.plan
    before = _plan_of(saved, plan, changes)
    if plan.at_once >= plan.batch_size:
        plan = replace(plan, at_once=0)
    state.change_plan(plan.going_on_from(before, state.step))
    if before.samples != plan.samples:
        text = (
            f"the training set has {plan.samples} samples, it had {before.samples}: the run goes "
            "on in the same epoch, but in another order"
        )
        send(AlertRaised(time.time(), state.step, "checkpoint", text))
    if state.step > state.total_steps:
        train = state.components.preset.train
        raise TrainingError(
            f"step {state.step} is done, and by train.epochs = {train.epochs}, "
            f"train.max_steps = {train.max_steps} and {plan.steps_per_epoch} steps an epoch the "
            f"run would end at step {state.total_steps}: `tuitrain resume RUN --set "
            "train.epochs=N` makes it longer"
        )


def _plan_of(saved: Mapping[str, Any], plan: BatchSchedule, changes: list[Change]) -> BatchSchedule:
    """Return the plan that a checkpoint was saved by; older ones do not hold it."""
    if "plan" in saved:
        return replace(plan, **saved["plan"])
    old = {change.key: change.old for change in changes}
    return replace(
        plan,
        batch_size=old.get("train.batch_size", plan.batch_size),
        accumulate=old.get("train.accumulate", plan.accumulate),
        drop_last=old.get("train.drop_last", plan.drop_last),
    )


# --- settings -----------------------------------------------------------------------------------


def _new_values(step: int, changes: list[Change], order: StartTraining) -> dict[str, float]:
    """Return the live settings that get another value now.

    One that differs from the checkpoint's settings was asked for by an earlier resume, and is on
    record at this step already, with what was set since; only going back gives that up.
    """
    on_record = {key for at, key, _ in order.settings if at == step and not order.checkpoint}
    asked = {
        change.key: float(change.new)
        for change in changes
        if change.key in LIVE_SETTINGS and change.key not in on_record
    }
    return {**asked, **dict(order.live)}


def _set(state: TrainingState, key: str, value: float, send: Send) -> None:
    if key == "optimizer.lr":
        value = state.settings.rate_of(value, state.step)
    state.pending.drop(key)
    old = state.change_setting(key, value)
    send(SettingChanged(time.time(), state.step, key, old, value))
