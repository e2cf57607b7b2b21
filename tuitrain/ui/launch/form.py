"""The settings that people change when they start a run: their order, labels, hints and choices.

Plain data; knows the schema's names, and nothing of widgets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from tuitrain.config.catalogue import Kind, read_catalogue
from tuitrain.config.schema import Precision
from tuitrain.lang import term, tr
from tuitrain.messages import CostEstimate, DeviceMemory, NoEstimate
from tuitrain.ui.feeds.pace import Pace
from tuitrain.ui.launch.warm import WarmReport
from tuitrain.units import size
from tuitrain.view.format import sanitise
from tuitrain.view.launchtext import Outlook

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
        FieldPlan(RUN_NAME, term("run name"), term("generated if empty")),
        FieldPlan(DEVICE, term("device"), "", ("auto", "cpu")),
        FieldPlan("train.ranks", term("ranks"), term("GPUs together, or auto")),
        FieldPlan("train.epochs", term("epochs"), term("passes over the data")),
        FieldPlan("train.batch_size", term("batch size"), term("samples per step")),
        FieldPlan("optimizer.lr", term("learning rate"), term("before the schedule")),
        FieldPlan("optimizer.name", "optimizer", "", _names("optimizer")),
        FieldPlan("schedule.name", "schedule", term("of the learning rate"), _names("schedule")),
        FieldPlan("train.precision", term("precision"), "", get_args(Precision)),
        FieldPlan("data.workers", term("workers"), term("data loader processes")),
        FieldPlan("train.seed", term("seed"), term("random seed")),
        # Lists of tables, typed as TOML.
        FieldPlan("data.augment", term("augmentation"), '[{name = "flip"}]'),
        FieldPlan("optimizer.groups", term("groups"), term("of parameters, in TOML")),
        FieldPlan("hooks", "hooks", '[{name = "ema"}]'),
        FieldPlan("metrics", "metrics", '["f1_macro"]'),
    ]


def _names(kind: Kind) -> tuple[str, ...]:
    return tuple(info.name for info in read_catalogue().of_kind(kind))


def device_choices(devices: Sequence[DeviceMemory]) -> list[str]:
    """Return what `train.device` may be on this machine."""
    return list(dict.fromkeys(["auto", *(device.name for device in devices), "cpu"]))


def device_meant(value: str, devices: Sequence[DeviceMemory]) -> DeviceMemory | None:
    """Return the device that `train.device` leads to, where it is known."""
    by_name = {device.name: device for device in devices}
    if value == "cuda":
        value = "cuda:0"
    if value != "auto":
        return by_name.get(value)
    # As the worker chooses: the first GPU, else the CPU.
    others = [device for device in devices if device.name != "cpu"]
    return others[0] if others else by_name.get("cpu")


def device_hint(device: DeviceMemory | None) -> str:
    """Return which device it is and how much of its memory is free."""
    if device is None:
        return ""
    return tr(
        "{name}, {free_bytes} free", name=sanitise(device.name), free_bytes=size(device.free_bytes)
    )


def ranks_meant(value: int | str, devices: Sequence[DeviceMemory]) -> int:
    """Return how many ranks `train.ranks` leads to, as far as the devices are known."""
    if isinstance(value, int):
        return value
    return max(1, sum(device.name.startswith("cuda") for device in devices))


def make_outlook(
    report: WarmReport,
    device: DeviceMemory | None,
    pace: Pace | None,
    download: str,
    ranks: int = 1,
) -> Outlook:
    """Return what is known of a run to come, from the warm worker and from earlier runs.

    Of several ranks the memory is that of each.
    """
    told = report.estimate.estimate if report.estimate is not None else None
    estimate = told if isinstance(told, CostEstimate) else None
    return Outlook(
        parameters=estimate.parameters if estimate is not None else None,
        parts=_memory_parts(estimate, ranks) if estimate is not None else (),
        device=_device_words(device, ranks),
        product=device.product if device is not None else "",
        free_bytes=device.free_bytes if device is not None else None,
        total_steps=estimate.total_steps if estimate is not None else None,
        steps_per_epoch=estimate.steps_per_epoch if estimate is not None else None,
        pace_step_s=pace.step_s if pace is not None else None,
        pace_of=pace.run if pace is not None else "",
        download=download,
        warm=report.ready,
        trouble=report.error or (told.error if isinstance(told, NoEstimate) else ""),
    )


def _device_words(device: DeviceMemory | None, ranks: int) -> str:
    if device is None:
        return ""
    return (
        device.name
        if ranks == 1
        else tr("{ranks} ranks, the first on {device}", ranks=ranks, device=device.name)
    )


def _memory_parts(estimate: CostEstimate, ranks: int) -> tuple[tuple[str, int], ...]:
    share = tr("one batch") if ranks == 1 else tr("batch/{ranks}", ranks=ranks)
    return (
        (tr("data"), estimate.data_bytes),
        (tr("weights"), estimate.weights_bytes),
        (tr("gradients"), estimate.gradients_bytes),
        ("optimizer", estimate.optimizer_bytes),
        (share, estimate.activations_bytes or 0),
    )
