"""The settings that people change when they start a run: their order, labels, hints and choices.

Plain data; knows the schema's names, and nothing of widgets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from tuitrain.config.catalogue import Kind, read_catalogue
from tuitrain.config.schema import Precision
from tuitrain.ui.warm import DeviceFacts
from tuitrain.view.format import sanitise, size

RUN_NAME = "name"
"""The one field that is no setting of the preset: what the run is called."""
DEVICE = "train.device"


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One row of the form."""

    key: str
    label: str
    hint: str
    choices: tuple[str, ...] | None = None


def field_plans() -> list[FieldPlan]:
    """Return the rows in order."""
    return [
        FieldPlan(RUN_NAME, "name", "made up if empty"),
        FieldPlan(DEVICE, "device", "", ("auto", "cpu")),
        FieldPlan("train.epochs", "epochs", "over the data"),
        FieldPlan("train.batch_size", "batch size", "samples"),
        FieldPlan("optimizer.lr", "learning rate", "before schedule"),
        FieldPlan("optimizer.name", "optimizer", "", _names("optimizer")),
        FieldPlan("schedule.name", "schedule", "of the rate", _names("schedule")),
        FieldPlan("train.precision", "precision", "", get_args(Precision)),
        FieldPlan("data.workers", "workers", "loader processes"),
        FieldPlan("train.seed", "seed", "of all chance"),
    ]


def _names(kind: Kind) -> tuple[str, ...]:
    return tuple(info.name for info in read_catalogue().of_kind(kind))


def device_choices(devices: Sequence[DeviceFacts]) -> list[str]:
    """Return what `train.device` may be on this machine."""
    return list(dict.fromkeys(["auto", *(device.name for device in devices), "cpu"]))


def device_meant(value: str, devices: Sequence[DeviceFacts]) -> DeviceFacts | None:
    """Return the device that `train.device` leads to, where it is known."""
    by_name = {device.name: device for device in devices}
    if value == "cuda":
        value = "cuda:0"
    if value != "auto":
        return by_name.get(value)
    # As the worker chooses: the first GPU, else the CPU.
    others = [device for device in devices if device.name != "cpu"]
    return others[0] if others else by_name.get("cpu")


def device_hint(device: DeviceFacts | None) -> str:
    """Return which device it is and how much of its memory is free."""
    if device is None:
        return ""
    return f"{sanitise(device.name)}, {size(device.free_bytes)} free"
