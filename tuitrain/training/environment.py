"""What a run ran on and with: plain data for its record."""

import os
import platform
from importlib import metadata
from typing import Any

import numpy as np
import torch

from tuitrain import __version__
from tuitrain.training.build import Parts


def describe_environment(parts: Parts) -> dict[str, Any]:
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
        "threads": torch.get_num_threads(),
        "device": str(parts.device),
        "device_name": device_name(parts.device),
        "data_on_device": parts.data.on_device,
        "train_samples": parts.data.plan.samples,
        "input_shape": list(parts.data.spec.input_shape),
        "parameters": parts.parameters,
    }
    if parts.device.type == "cuda":
        described["cuda"] = torch.version.cuda
        described["cudnn"] = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return described


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
