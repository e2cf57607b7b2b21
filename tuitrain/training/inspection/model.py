"""What a preset's model is: its layers with shapes and arithmetic, and the memory it will take.

Built on the CPU whatever device it is to train on; a batch without numbers goes through a copy of
it. Knows nothing of how it is shown.
"""

from dataclasses import asdict, replace
from typing import Any

import torch

from tuitrain.config.schema import Preset
from tuitrain.errors import DeviceError
from tuitrain.training.build import TrainingComponents, build_components, pick_device
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.inspection.layers import Layers, read_layers
from tuitrain.training.memory.footprint import estimate_of_rank
from tuitrain.training.modules.materialise import input_type_of
from tuitrain.training.modules.singles import rehearse
from tuitrain.training.runtime.environment import device_name


def describe_model(inspected: Inspected) -> dict[str, Any]:
    """Return layers, totals, memory, types and device, as JSON data.

    Raises:
        TuitrainError: the data set is not here, or the model does not fit it.
    """
    preset = inspected.preset
    parts = build_components(on_cpu(preset), inspected.data_directory, inspected.report)
    batch_size = min(preset.train.batch_size, parts.data.plan.samples)
    rehearse(parts)
    layers = read_layers(parts, batch_size)
    footprint, ranks = estimate_of_rank(replace(parts, preset=preset), batch_size)
    loss = [p for p in parts.trainable if id(p) not in {id(q) for q in parts.model.parameters()}]
    return {
        "preset": preset.name,
        "model": preset.model.name,
        "batch_size": batch_size,
        "input_shape": [batch_size, *parts.data.spec.input_shape],
        "layers": [asdict(layer) for layer in layers.rows],
        "parameters": _parameters(parts),
        "loss_parameters": sum(p.numel() for p in loss),
        "multiply_adds": layers.rows[0].multiply_adds,
        "uncounted": _uncounted(layers),
        "memory": {
            "batch_size": batch_size,
            "ranks": ranks,
            **asdict(footprint.parts()),
        },
        "dtype": str(input_type_of(parts.model)).removeprefix("torch."),
        "precision": preset.train.precision,
        **_device(preset),
    }


def on_cpu(preset: Preset) -> Preset:
    """Return a preset to look at on any machine: the sizes are the same on the CPU, uncompiled."""
    train = preset.train
    precision = "fp32" if train.precision in {"tf32", "auto"} else train.precision
    update = {"compile": False, "device": "cpu", "precision": precision}
    return preset.model_copy(update={"train": train.model_copy(update=update)})


def _parameters(parts: TrainingComponents) -> dict[str, int]:
    """Return how many numbers the model has, each once however often it is used."""
    trainable = sum(p.numel() for p in parts.model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in parts.model.parameters())
    return {"total": total, "trainable": trainable, "frozen": total - trainable}


def _uncounted(layers: Layers) -> list[str]:
    """Return the kinds of layers with weights whose arithmetic torch's counter does not know."""
    found = {
        row.type
        for row in layers.rows
        if row.multiply_adds == 0 and row.type in {"LSTM", "GRU", "RNN"}
    }
    return sorted(found)


def _device(preset: Preset) -> dict[str, Any]:
    """Return the device that the preset would train on; one that is not here is named as such."""
    try:
        device = pick_device(preset.train.device)
    except DeviceError:
        return {"device": preset.train.device, "device_name": None}
    return {"device": str(device), "device_name": device_name(torch.device(device))}
