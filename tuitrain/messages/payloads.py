"""What the larger messages carry: frozen values, which the record and its readers hand on as such.

Field names are those of the JSON in the database, in checkpoints and on stdout: a contract. A
field that is marked `ABSENT` is left out of that JSON where it is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

ABSENT: Final = {"absent_if_none": True}
"""Marks a field that JSON has only where it is known."""

OomPhase = Literal["building", "step", "evaluation", "between steps"]


@dataclass(frozen=True, slots=True)
class PerClassCounts:
    """Counts of an evaluation by class: one number a class in each tuple, in the same order."""

    classes: tuple[str, ...] | None = field(default=None, metadata=ABSENT)
    """The classes' names, where they have names."""
    support: tuple[int, ...] = ()
    """Samples that are of the class."""
    predicted: tuple[int, ...] = ()
    """Samples that were taken for it."""
    correct: tuple[int, ...] = ()
    """Samples that are both."""
    confusion: tuple[tuple[int, ...], ...] | None = field(default=None, metadata=ABSENT)
    """Rows: true, columns: predicted; only where there are few classes."""


@dataclass(frozen=True, slots=True)
class MemoryParts:
    """Bytes on the device by what they are for; None where that is not known."""

    parameters_bytes: int | None
    gradients_bytes: int | None
    optimizer_bytes: int | None
    buffers_bytes: int | None
    data_bytes: int | None
    activations_bytes: int | None
    total_bytes: int | None
    """None where a part is not known."""


@dataclass(frozen=True, slots=True)
class NoEstimate:
    """Stands where an estimate would, and says why there is none."""

    error: str


@dataclass(frozen=True, slots=True)
class MemoryAccount:
    """What one step's memory is made of."""

    device: str
    batch_size: int
    activations_source: str
    """How the activations were found, in words."""
    measured: MemoryParts
    estimated: MemoryParts | NoEstimate


@dataclass(frozen=True, slots=True)
class MemoryBlock:
    """Live blocks of one size that were asked for in one line."""

    bytes: int
    """Of each."""
    count: int = 1
    where: str = ""
    """File, line and function; empty where no lines were recorded."""


@dataclass(frozen=True, slots=True)
class OomAccount:
    """An allocation that failed, and what was found out about it; None where it is not known."""

    device: str = ""
    asked_bytes: int | None = None
    free_bytes: int | None = None
    total_bytes: int | None = None
    allocated_bytes: int | None = None
    """In tensors of the worker."""
    reserved_bytes: int | None = None
    """Taken from the driver by the worker's allocator, tensors included."""
    fragmented_bytes: int | None = None
    others_bytes: int | None = None
    """Of other processes, and of the worker's own CUDA context."""
    blocks: tuple[MemoryBlock, ...] = ()
    """The largest live ones."""
    phase: OomPhase = "step"
    batch_size: int | None = field(default=None, metadata=ABSENT)
    split_to: int | None = field(default=None, metadata=ABSENT)
    """The batch size that the run went on in."""
    fits_batch_size: int | None = field(default=None, metadata=ABSENT)
    """Where it did not go on: a batch size that was tried and fits."""
    per_sample_bytes: int | None = field(default=None, metadata=ABSENT)
    fixed_bytes: int | None = field(default=None, metadata=ABSENT)
    """What a step takes at any batch size."""
    fit_error: str | None = field(default=None, metadata=ABSENT)
    """Why no batch size could be tried."""
    again: Mapping[str, int | str] | None = field(default=None, metadata=ABSENT)
    """Settings to run again with, by key."""
    command: str | None = field(default=None, metadata=ABSENT)
    """The command that does."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Versions, devices, and what results depend on; None where it is not known."""

    tuitrain: str | None = field(default=None, metadata=ABSENT)
    python: str | None = field(default=None, metadata=ABSENT)
    torch: str | None = field(default=None, metadata=ABSENT)
    torchvision: str | None = field(default=None, metadata=ABSENT)
    numpy: str | None = field(default=None, metadata=ABSENT)
    platform: str | None = field(default=None, metadata=ABSENT)
    host: str | None = field(default=None, metadata=ABSENT)
    hosts: tuple[str, ...] | None = field(default=None, metadata=ABSENT)
    """The machine of each rank; None where all are on one."""
    cpu_count: int | None = None
    usable_cpus: int | None = None
    """That the worker may run on."""
    threads: int | None = field(default=None, metadata=ABSENT)
    device: str | None = field(default=None, metadata=ABSENT)
    device_name: str | None = field(default=None, metadata=ABSENT)
    bf16: bool | None = None
    """The device computes in bf16 by itself."""
    precision: str | None = field(default=None, metadata=ABSENT)
    """What the run computes in, chosen where its preset says `auto`."""
    precision_why: str | None = field(default=None, metadata=ABSENT)
    """What was measured for that; None where nothing was chosen."""
    compiled: bool | None = field(default=None, metadata=ABSENT)
    """Whether the model is compiled, chosen where its preset says `auto`."""
    compile_why: str | None = field(default=None, metadata=ABSENT)
    """What was measured for that; None where nothing was chosen."""
    data_on_device: bool | None = field(default=None, metadata=ABSENT)
    set_bytes: int | None = None
    """What the set takes as tensors; None where its samples are made one at a time."""
    train_samples: int | None = field(default=None, metadata=ABSENT)
    input_shape: tuple[int, ...] | None = field(default=None, metadata=ABSENT)
    data_fingerprint: str | None = field(default=None, metadata=ABSENT)
    """Of the training samples as they are in the set; None where they are read one at a time."""
    parameters: int | None = field(default=None, metadata=ABSENT)
    device_uuid: str | None = field(default=None, metadata=ABSENT)
    """As CUDA gives it, without a prefix."""
    device_pci: str | None = field(default=None, metadata=ABSENT)
    """domain:bus:device, in hexadecimal digits."""
    cuda: str | None = field(default=None, metadata=ABSENT)
    cudnn: int | None = field(default=None, metadata=ABSENT)


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """What a profile's trace is of, and what it cost."""

    asked_steps: int | None = None
    trace: str = ""
    """The file's name."""
    trace_bytes: int | None = None
    json_bytes: int | None = field(default=None, metadata=ABSENT)
    """Of the trace before it was packed."""
    with_stacks: bool = False
    device: str = ""
    held_up_s: float | None = None
    """How long training stood still for it."""
    steps_s: tuple[float, ...] = ()
    """Wall time of each step."""
    note: str = ""
    """Why there are fewer steps than were asked for; empty where there are not."""
    rank: int | None = field(default=None, metadata=ABSENT)
    """Whose it is, where ranks were profiled together."""
    stages_s: Mapping[str, float] | None = field(default=None, metadata=ABSENT)
    """Mean seconds a step of each of `metric_names.STAGES`, where ranks were profiled together."""
    exchange_s: tuple[float, ...] | None = field(default=None, metadata=ABSENT)
    """Of each step, what its stage `exchange` took."""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """A device that can be trained on, and its memory."""

    name: str
    """As `train.device` takes it: cpu, cuda:0, mps."""
    product: str
    free_bytes: int
    total_bytes: int
    uuid: str | None = field(default=None, metadata=ABSENT)
    """As CUDA gives it, without a prefix."""
    pci: str | None = field(default=None, metadata=ABSENT)
    """domain:bus:device, in hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a preset will take."""

    device: str
    parameters: int
    weights_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    activations_bytes: int | None
    """Of one batch, forward and backward; None where that is not known."""
    data_bytes: int
    """Of the whole set where it is held on the device, else 0."""
    steps_per_epoch: int
    total_steps: int
