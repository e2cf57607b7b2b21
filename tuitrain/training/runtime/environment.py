"""What a run ran on and with: plain data for its record."""

import hashlib
import os
import platform
from dataclasses import replace
from importlib import metadata
from typing import Any

import numpy as np
import torch

from tuitrain import __version__
from tuitrain.components.data import Samples
from tuitrain.messages import Environment
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.sources import Source, count
from tuitrain.training.devices import has_bf16

_LOOKED_AT, _ALL_VALUES = 64, 1_000_000
"""Samples that are looked at, evenly from all over the set; all of them where they are so few
values."""


def describe_environment(parts: TrainingComponents) -> Environment:
    """Return versions, devices and what results depend on (threads, precision)."""
    described = Environment(
        tuitrain=__version__,
        python=platform.python_version(),
        # A str subclass of torch's: unpickling it would make the supervisor import torch.
        torch=str(torch.__version__),
        torchvision=_version_of("torchvision"),
        numpy=np.__version__,
        platform=platform.platform(),
        host=platform.node(),
        hosts=parts.world.place.hosts or None,
        cpu_count=os.cpu_count(),
        usable_cpus=_usable_cpus(),
        threads=torch.get_num_threads(),
        device=str(parts.device),
        device_name=device_name(parts.device),
        bf16=has_bf16(parts.device),
        precision=parts.precision.name,
        precision_why=parts.precision.why or None,
        compiled=bool(parts.compiled),
        compile_why=parts.compile_why or None,
        data_on_device=parts.data.on_device,
        set_bytes=_set_bytes(parts),
        train_samples=parts.data.plan.samples,
        input_shape=tuple(parts.data.spec.input_shape),
        data_fingerprint=_fingerprint(parts.data.train),
        parameters=parts.parameters,
    )
    return _with_cuda(described, parts.device) if parts.device.type == "cuda" else described


def _with_cuda(described: Environment, device: torch.device) -> Environment:
    uuid, pci = device_identity(torch.cuda.get_device_properties(device))
    return replace(
        described,
        device_uuid=uuid,
        device_pci=pci,
        cuda=torch.version.cuda,
        cudnn=torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
    )


def _usable_cpus() -> int | None:
    """Return the CPUs that the worker may run on, which a scheduler may have made fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _fingerprint(source: Source) -> str | None:
    """Return a digest of size, targets and inputs of a set that is held as tensors.

    Of one that is read sample by sample there is none: reading would hold up the first step.
    """
    if not isinstance(source, Samples):
        return None
    number = count(source)
    taken = min(number, _LOOKED_AT)
    places = torch.as_tensor([place * number // taken for place in range(taken)])
    digest = hashlib.sha256(str(number).encode())
    for held in (source.targets, source.inputs):
        few = held.numel() <= _ALL_VALUES
        chosen = (held if few else held[places.to(held.device)]).cpu().contiguous()
        digest.update(f"{tuple(held.shape)} {held.dtype}".encode())
        digest.update(chosen.view(torch.uint8).numpy().tobytes() if chosen.dim() else b"")
    return digest.hexdigest()[:16]


def _set_bytes(parts: TrainingComponents) -> int | None:
    """Return what the set takes as tensors; None where its samples are made one at a time."""
    held = [part for part in (parts.data.train, parts.data.validation) if isinstance(part, Samples)]
    return sum(part.size_bytes for part in held) if len(held) == 2 else None


def device_identity(properties: Any) -> tuple[str | None, str | None]:
    """Return what tells a GPU from the others: its number here is by CUDA_VISIBLE_DEVICES.

    Returns:
        Its UUID as CUDA gives it, without the prefix that drivers put before it, and its place on
        the bus as domain:bus:device; None where this torch does not tell.
    """
    uuid = str(properties.uuid) if hasattr(properties, "uuid") else None
    if not hasattr(properties, "pci_bus_id"):
        return uuid, None
    domain, bus, slot = (
        getattr(properties, f"pci_{part}_id", 0) for part in ("domain", "bus", "device")
    )
    return uuid, f"{domain:08x}:{bus:02x}:{slot:02x}"


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
