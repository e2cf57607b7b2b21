"""What a run ran on and with: plain data for its record."""

import os
import platform
from importlib import metadata
from typing import Any

import numpy as np
import torch

from tuitrain import __version__
from tuitrain.components.data import Samples
from tuitrain.training.build import TrainingComponents
from tuitrain.training.devices import has_bf16


def describe_environment(parts: TrainingComponents) -> dict[str, Any]:
    """Return versions, devices and what results depend on (threads, precision)."""
    described: dict[str, Any] = {
        "tuitrain": __version__,
        "python": platform.python_version(),
        # A str subclass of torch's: unpickling it would make the supervisor import torch.
        "torch": str(torch.__version__),
        "torchvision": _version_of("torchvision"),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "host": platform.node(),
        "cpu_count": os.cpu_count(),
        "usable_cpus": _usable_cpus(),
        "threads": torch.get_num_threads(),
        "device": str(parts.device),
        "device_name": device_name(parts.device),
        "bf16": has_bf16(parts.device),
        "data_on_device": parts.data.on_device,
        "set_bytes": _set_bytes(parts),
        "train_samples": parts.data.plan.samples,
        "input_shape": list(parts.data.spec.input_shape),
        "parameters": parts.parameters,
    }
    if parts.device.type == "cuda":
        described |= device_identity(torch.cuda.get_device_properties(parts.device))
        described["cuda"] = torch.version.cuda
        described["cudnn"] = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return described


def _usable_cpus() -> int | None:
    """Return the CPUs that the worker may run on, which a scheduler may have made fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _set_bytes(parts: TrainingComponents) -> int | None:
    """Return what the set takes as tensors; None where its samples are made one at a time."""
    held = [part for part in (parts.data.train, parts.data.validation) if isinstance(part, Samples)]
    return sum(part.size_bytes for part in held) if len(held) == 2 else None


def device_identity(properties: Any) -> dict[str, str]:
    """Return what tells a GPU from the others: its number here is by CUDA_VISIBLE_DEVICES.

    `device_uuid` as CUDA gives it, without the prefix that drivers put before it, and `device_pci`
    as domain:bus:device; left out where this torch does not tell.
    """
    found: dict[str, str] = {}
    if hasattr(properties, "uuid"):
        found["device_uuid"] = str(properties.uuid)
    if hasattr(properties, "pci_bus_id"):
        domain, bus, slot = (
            getattr(properties, f"pci_{part}_id", 0) for part in ("domain", "bus", "device")
        )
        found["device_pci"] = f"{domain:08x}:{bus:02x}:{slot:02x}"
    return found


def device_name(device: torch.device) -> str:
    """Return the device's product name, or the machine's type for a CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def _version_of(package: str) -> str:
    """Return a version without importing the package: torchvision's import takes a second."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
