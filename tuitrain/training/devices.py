"""Says what torch finds on this machine; `python -m tuitrain.training.devices` prints it as JSON.

Runs in a process of its own, so that a torch that can't be imported is a finding and not a crash.
Knows nothing of who asks.
"""

import json
import sys
import warnings
from typing import Any

import torch


def describe_devices() -> dict[str, Any]:
    """Return versions, and every device with its memory in bytes, as plain JSON data."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        devices = [_cpu(), *_cuda_devices(), *_mps_devices()]
    return {
        "torch": torch.__version__,
        "cuda_build": torch.version.cuda,
        "hip_build": torch.version.hip,
        "devices": devices,
        "warnings": [str(warning.message) for warning in caught],
        **_torchvision(),
    }


def _torchvision() -> dict[str, Any]:
    # A torchvision built for another torch fails in any of these ways.
    try:
        import torchvision
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        return {"torchvision": None, "torchvision_error": f"{type(error).__name__}: {error}"}
    return {"torchvision": torchvision.__version__, "torchvision_error": None}


def _cpu() -> dict[str, Any]:
    import psutil

    memory = psutil.virtual_memory()
    return {
        "device": "cpu",
        "name": f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}",
        "total_bytes": memory.total,
        "free_bytes": memory.available,
        "bf16": _has_native_bf16(),
        "error": None,
    }


def has_bf16(device: torch.device) -> bool | None:
    """Say whether a device computes in bf16 by itself; None where this torch can't tell."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return _has_native_bf16() if device.type == "cpu" else None


def _has_native_bf16() -> bool | None:
    """Say whether the CPU computes in bf16; None where this torch can't tell."""
    if not hasattr(torch.cpu, "get_capabilities"):
        return None
    capabilities = torch.cpu.get_capabilities()
    return any("bf16" in name and bool(has) for name, has in capabilities.items())


def _cuda_devices() -> list[dict[str, Any]]:
    if not torch.cuda.is_available():
        return []
    return [_cuda_device(index) for index in range(torch.cuda.device_count())]


def _cuda_device(index: int) -> dict[str, Any]:
    found: dict[str, Any] = {"device": f"cuda:{index}", "error": None}
    # Another process may hold the device for itself, or all of its memory: a finding as well.
    try:
        properties = torch.cuda.get_device_properties(index)
        found |= {"name": properties.name, "total_bytes": properties.total_memory}
        with torch.cuda.device(index):
            found["bf16"] = torch.cuda.is_bf16_supported(including_emulation=False)
        found["free_bytes"], found["total_bytes"] = torch.cuda.mem_get_info(index)
    except RuntimeError as error:
        found["error"] = str(error).strip().partition("\n")[0]
    return {"name": "", "total_bytes": None, "free_bytes": None, "bf16": False, **found}


def _mps_devices() -> list[dict[str, Any]]:
    if not torch.backends.mps.is_available():
        return []
    total = torch.mps.recommended_max_memory()
    return [
        {
            "device": "mps",
            "name": "Apple GPU",
            "total_bytes": total,
            "free_bytes": total - torch.mps.driver_allocated_memory(),
            "bf16": True,
            "error": None,
        }
    ]


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(describe_devices()) + "\n")
