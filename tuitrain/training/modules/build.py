"""The model and the loss of a preset, on what they may know of the data."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from tuitrain.components import registry
from tuitrain.components.data import DataSpec, LossContext
from tuitrain.components.task import Task
from tuitrain.config.schema import Preset
from tuitrain.errors import TrainingError
from tuitrain.training.data.build import Data
from tuitrain.training.data.samples import example_inputs, first_samples
from tuitrain.training.data.sources import count, raw_samples
from tuitrain.training.data.targets import all_targets
from tuitrain.training.modules.materialise import input_type_of, materialise, refuse_meta

_TORCHVISION = "torchvision."
"""Before the name of a model there."""


def build_model(
    preset: Preset, data: Data, device: torch.device, place: torch.device | None = None
) -> nn.Module:
    """Return the model, each of its weights with a shape.

    Args:
        preset: of the run.
        data: what the model is for.
        device: of the run.
        place: where the model is to be; None: on the device.
    """
    place = place or device
    where = f"model.name = {preset.model.name}"
    examples = partial(_examples, preset, data, device)
    model = _make_model(preset, replace(data.spec, examples=examples, restored=data.stands_in))
    refuse_meta(model, where)
    model = model.to(place)
    if preset.train.parameter_type == "bf16":
        model = model.to(torch.bfloat16)
    statistics = getattr(model, "input_statistics", None)
    if statistics is not None and preset.data.normalize and not data.stands_in:
        few, _targets = raw_samples(data.train, range(min(16, count(data.train))))
        data.preparation.normalize_as(statistics, few)
    is_tokens = data.spec.kind == "tokens"
    data.preparation.input_type = torch.int64 if is_tokens else input_type_of(model)
    materialise(model, lambda: first_samples(data, device, 2)[0].to(place), where)
    return model


def _examples(preset: Preset, data: Data, device: torch.device, number: int) -> Tensor:
    """Return training inputs; of made-up ones those whose traces a checkpoint's weights replace.

    Raises:
        SamplesNeededError: the model is the user's own, which may keep elsewhere what it sees.
    """
    if ":" in preset.model.name:
        data.refuse_made_up(f"model.name = {preset.model.name}")
    return example_inputs(data, device, number)


def _make_model(preset: Preset, spec: DataSpec) -> nn.Module:
    section = preset.model
    if section.name.startswith(_TORCHVISION) and ":" not in section.name:
        build = registry.model.find(f"{_TORCHVISION}NAME")
        model = build(spec, section.name.removeprefix(_TORCHVISION), **section.options)
    else:
        build = registry.model.find(section.name)
        given = (spec,) if ":" not in section.name or registry.takes_context(build) else ()
        model = build(*given, **section.options)
    if not isinstance(model, nn.Module):
        raise TrainingError(
            f"model.name = {section.name} returned {type(model).__name__}, not a torch.nn.Module"
        )
    return model


def build_loss(preset: Preset, task: Task, data: Data, report: Callable[[str], None]) -> Any:
    """Return the loss; what needs to know the training targets gets them."""
    build = registry.loss.find(preset.loss.name)
    if set(registry.required_arguments(build)) <= set(preset.loss.options):
        return build(**preset.loss.options)
    context = LossContext(
        spec=data.spec,
        task=preset.task,
        classes=data.spec.outputs if task.has_classes else 0,
        targets=partial(_targets, preset, task, data, report),
    )
    return build(context, **preset.loss.options)


def _targets(preset: Preset, task: Task, data: Data, report: Callable[[str], None]) -> Tensor:
    """Return all training targets; where they are made up, what a loss's state then replaces.

    Raises:
        SamplesNeededError: the loss is the user's own, which may keep elsewhere what it sees.
    """
    if ":" in preset.loss.name:
        data.refuse_made_up(f"loss.name = {preset.loss.name}")
    if data.stands_in and task.has_classes:
        return torch.arange(data.spec.outputs)
    return all_targets(data.train, report)
