"""Names of what is measured beside metrics: the parts of a step, and readings of devices.

The one list that worker, supervisor and screens agree on; knows nothing of how any is measured.

Readings are stored once a second under these names, `gpuN/` for the N-th GPU as NVML counts them
(on a machine with AMD or Apple GPUs as their library does) and `torch/` for the device that the
worker trains on:

- gpuN/memory_used_bytes, gpuN/memory_total_bytes, gpuN/memory_reserved_bytes (by the driver),
  gpuN/worker_bytes (the worker and its children), gpuN/others_bytes (other processes),
  gpuN/utilization_percent, gpuN/memory_utilization_percent, gpuN/power_w, gpuN/power_limit_w,
  gpuN/temperature_c, gpuN/sm_clock_mhz, gpuN/memory_clock_mhz, gpuN/throttled (1 where the clock
  is held down for heat or power), gpuN/pcie_rx_bytes_per_s, gpuN/pcie_tx_bytes_per_s (held
  between the rare times that they are read)
- gpuN/migM/..., the first five of those, for the M-th slice (MIG) of a GPU
- torch/allocated_bytes, torch/reserved_bytes, torch/peak_allocated_bytes,
  torch/peak_reserved_bytes (peaks since the reading before: their maximum over time is the run's),
  torch/inactive_split_bytes, torch/retries, torch/ooms
- host/worker_rss_bytes (worker and all it started), host/main_rss_bytes (the worker alone),
  host/ranks_rss_bytes, host/ranks (where several train), host/loaders_rss_bytes, host/loaders,
  host/worker_cpu_percent, host/cpu_percent (of all cores together, 0 to 100),
  host/memory_used_bytes, host/memory_total_bytes (of the container or job that may not have all
  of the machine's), host/swap_used_bytes, host/swap_total_bytes,
  host/shm_used_bytes, host/shm_total_bytes, host/disk_free_bytes, host/disk_total_bytes (of the
  run's folder), host/disk_read_bytes_per_s, host/disk_write_bytes_per_s,
  host/net_sent_bytes_per_s, host/net_received_bytes_per_s
"""

from __future__ import annotations

from typing import Final

STAGES = ("data", "copy", "forward", "backward", "exchange", "optimizer", "other")
"""The parts of a step: waiting for the batch and preparing it, copying it to the device, forward
and backward pass, of several ranks what the exchange of gradients takes beyond the backward pass
that it goes on behind, with the wait for the slowest of them, the update, and what is left
(recording, zeroing gradients, the loop itself)."""
EXCHANGE: Final = "exchange"
"""The one stage that a run on one rank has not."""
REST: Final = "rest"
"""What can't be told apart of a step, in a script that somebody else wrote."""
PARTS = (*STAGES, REST)
"""All that a step is ever split into; of a script, what was seen of it."""

_SPLIT = "step_time/"
WALL_METRIC = f"{_SPLIT}wall"
"""Seconds from the begin of a step to the begin of the next."""
HOST_BOUND_METRIC = f"{_SPLIT}host_bound"
"""Share of timed steps, 0 to 1, in which the device had nothing left to do before the host was
done with the step; only on an accelerator."""


def split_metric(stage: str) -> str:
    """Return the name under which seconds a step of a stage are stored."""
    return f"{_SPLIT}{stage}"


def is_split_metric(name: str) -> bool:
    """Say whether a metric is a part of the step's time: no curve of its own."""
    return name.startswith(_SPLIT)


def rank_metric(rank: int, name: str) -> str:
    """Return the name under which one of a rank's measures is stored.

    Seconds a step of each of `STAGES`, and of its memory and device: `memory_bytes` (reserved on
    its GPU; on CPUs its process), `host_bytes` (its process), `loader_bytes` (its loaders),
    `device_used_bytes` (by all on its GPU), `device_total_bytes`, `temperature_c`.
    """
    return f"{_SPLIT}rank{rank}/{name}"


LAYER_KINDS = ("activation", "gradient", "weight", "dead")
"""What is measured of a layer: the root of the mean square of what it gives, the norm of its
gradient as the optimizer gets it, the norm of its weights, and the share of its units, 0 to 1, that
give 0 for every sample of a step."""
_LAYER = "layer/"


def layer_metric(kind: str, layer: str) -> str:
    """Return the name under which a layer's measure is stored."""
    return f"{_LAYER}{kind}/{layer}"


def layer_of(name: str) -> tuple[str, str] | None:
    """Return kind and layer of such a name; None for any other."""
    kind, separator, layer = name.removeprefix(_LAYER).partition("/")
    found = name.startswith(_LAYER) and separator and kind in LAYER_KINDS
    return (kind, layer) if found else None


def axis_of(name: str) -> str:
    """Return what a metric is stored as: `split`, `layer`, or a curve of its own by `step`."""
    return "split" if is_split_metric(name) else "layer" if layer_of(name) else "step"


PROFILE_TRACE = "trace.json.gz"
"""The file of a profile's trace in its folder under profiles/."""
PROFILE_DIGEST = "profile.json"
"""The file that says what the trace says."""
STEP_MARK = "ProfilerStep#"
"""Begins the name of a step in a trace: torch's own, which other tools look for too."""
MODULE_MARK = "module: "
"""Goes before a module's path in a trace, as in `module: features.0 (Conv2d)`."""
MOST_PROFILE_STEPS = 1000
"""More steps say no more, and take the longer to read."""
