"""What a preset would take, before it runs: its model is built and a batch's shapes go through it.

Used by a worker that warms up; leaves nothing behind but what is imported.
"""

import os
import pickle
import warnings
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import psutil
import torch

from tuitrain.config.load import parse_preset
from tuitrain.config.schema import Preset
from tuitrain.messages import (
    CostEstimate,
    CostEstimated,
    DeviceMemory,
    EstimateCost,
    NoEstimate,
    WarmedUp,
)
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.memory.footprint import estimate_of_rank
from tuitrain.training.modules.frozen_body import keep_features
from tuitrain.training.modules.singles import rehearse
from tuitrain.training.runtime.environment import device_identity, device_name


def warm_up() -> WarmedUp:
    """Make a context of each device, which the first step else waits for, and return them."""
    devices = _devices()
    return WarmedUp(devices, any(each.name != "cpu" for each in devices) or None)


def warm_up_apart() -> WarmedUp:
    """Return the devices without a context of any: they are looked at in a copy, which ends.

    For an agent of several ranks, before it has computed anything.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # That there are threads, which a copy has not: none of them holds what it needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        copy = os.fork()
    if not copy:
        with suppress(BaseException), os.fdopen(writing, "wb") as pipe:
            pickle.dump(_devices(), pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(copy, 0)
    # Where the copy died, the ranks tell why: a CPU there is.
    return WarmedUp(pickle.loads(told) if told else (_cpu(),))


def _cpu() -> DeviceMemory:
    memory = psutil.virtual_memory()
    return _described("cpu", torch.device("cpu"), memory.available, memory.total)


def _devices() -> tuple[DeviceMemory, ...]:
    devices = [_cpu()]
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free_bytes, total_bytes = torch.cuda.mem_get_info(number)
        device = torch.device("cuda", number)
        devices.append(_described(f"cuda:{number}", device, free_bytes, total_bytes))
    return tuple(devices)


def _described(name: str, device: torch.device, free_bytes: int, total_bytes: int) -> DeviceMemory:
    uuid = pci = None
    if device.type == "cuda":
        uuid, pci = device_identity(torch.cuda.get_device_properties(device))
    return DeviceMemory(name, device_name(device), int(free_bytes), int(total_bytes), uuid, pci)


def forget_components() -> None:
    """Let go of the model and the data that were built for the last estimate."""
    _parts.cache_clear()


def estimate_cost(command: EstimateCost) -> CostEstimated:
    """Return what a preset would take, or why that can't be said."""
    try:
        return CostEstimated(command.config, _estimate(command))
    except BaseException as error:
        # Wrong shapes, wrong options and a user's own code show as anything, SystemExit too; the
        # form says so, nothing else fails.
        return CostEstimated(command.config, NoEstimate(str(error).strip() or type(error).__name__))


def _estimate(command: EstimateCost) -> CostEstimate:
    preset = parse_preset(command.config, "the form")
    parts = _parts(preset.model_dump_json(), command.data_directory)
    rehearse(parts)
    # The parts are kept on the CPU; how many devices there are says the form's own preset.
    footprint, _ranks = estimate_of_rank(replace(parts, preset=preset), preset.train.batch_size)
    return CostEstimate(
        device=str(parts.device),
        parameters=parts.parameters,
        weights_bytes=footprint.parameters_bytes + footprint.buffers_bytes,
        gradients_bytes=footprint.gradients_bytes,
        optimizer_bytes=footprint.optimizer_bytes,
        activations_bytes=footprint.activations_bytes,
        data_bytes=footprint.data_bytes,
        steps_per_epoch=parts.data.plan.steps_per_epoch,
        total_steps=parts.total_steps,
    )


@lru_cache(maxsize=1)
def _parts(preset_json: str, data_directory: str) -> TrainingComponents:
    preset = Preset.model_validate_json(preset_json)
    # On the CPU, without a compiler and without measuring the data: the sizes are the same.
    quick = preset.model_copy(
        update={
            "train": preset.train.model_copy(update={"compile": False, "device": "cpu"}),
            "data": preset.data.model_copy(update={"normalize": False}),
        }
    )
    parts = build_components(quick, Path(data_directory), lambda _text: None, estimate=True)
    keep_features(parts, lambda _text: None, sizes_only=True)
    return parts
