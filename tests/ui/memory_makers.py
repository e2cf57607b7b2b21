"""Runs with the memory of their devices over time, for the memory screen to show."""

import math
from pathlib import Path
from typing import Any

from tests.ui.makers import new_run
from tests.ui.run_makers import DEVICES, GPU, HOST, PROCESSES, START, begin, end, steps, write
from tuitrain import messages as m
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter

GIB = 1024**3
LENGTH_S = 300
PEAK_S = 201
"""When the one reading came that is higher than all others."""


def remembering(
    root: Path, name: str = "demo", *, facts: Any = DEVICES, gpu: bool = True
) -> RunDirectory:
    """Make a run with five minutes of readings, one a second, a mark of each kind, and no end."""
    run = new_run(root, name)
    begin(run)
    write(run, *_events(), sequence=3)
    with RunWriter(run) as writer:
        if facts is not None:
            writer.set_devices(START, facts)
        for second in range(LENGTH_S):
            writer.add_samples(START + second, _readings(second, gpu))
    return run


def _readings(second: int, gpu: bool) -> dict[str, float]:
    tensors = 8 * GIB * (1 - math.exp(-second / 20)) + (second % 10) * 0.1 * GIB
    # In a step there is more than between two, which is when the worker reads.
    peak = 12 * GIB if second == PEAK_S else tensors + 0.5 * GIB
    worker = {"host/main_rss_bytes": 1.4 * GIB + second * 2e6, "host/loaders_rss_bytes": 0.6 * GIB}
    host = {
        **HOST, **worker, "host/worker_rss_bytes": sum(worker.values()), "host/cpu_percent": 12.0,
        "host/swap_used_bytes": 0.0, "host/swap_total_bytes": 8.0 * GIB,
        "host/shm_used_bytes": 0.2 * GIB, "host/shm_total_bytes": 64.0 * GIB,
        "host/disk_free_bytes": 700.0 * GIB, "host/disk_total_bytes": 1800.0 * GIB,
        "host/disk_read_bytes_per_s": 3e6, "host/disk_write_bytes_per_s": 2e5,
        "host/net_received_bytes_per_s": 4e3, "host/net_sent_bytes_per_s": 1e3,
    }  # fmt: skip
    if not gpu:
        return host
    reserved = max(peak * 1.2, 9.8 * GIB if second else 0.0)
    return {
        **GPU, **host, "torch/allocated_bytes": tensors, "torch/reserved_bytes": reserved,
        "torch/peak_allocated_bytes": peak, "torch/inactive_split_bytes": 0.4 * GIB,
        "torch/retries": 1.0, "torch/ooms": 0.0, "gpu0/worker_bytes": reserved + 0.6 * GIB,
        "gpu0/memory_used_bytes": reserved + 0.6 * GIB + 4.4e9, "gpu0/power_limit_w": 700.0,
        "gpu0/memory_utilization_percent": 40.0, "gpu0/sm_clock_mhz": 1980.0,
        "gpu0/memory_clock_mhz": 2619.0, "gpu0/pcie_rx_bytes_per_s": 1.2e9,
        "gpu0/pcie_tx_bytes_per_s": 3e8, "gpu0/throttled": 0.0,
    }  # fmt: skip


def _events() -> list[m.Event]:
    evaluated = m.Evaluated(START + 100, 20, 1.0, 2.0, {"val/loss": 0.5}, None)
    saved = m.CheckpointSaved(
        START + 160, 20, "checkpoints/step-00000020.pt", ("last",), "0" * 64, 10, 0.1, 0.1, {}
    )
    split = m.BatchSplit(START + 230, 20, 64, 32, 2, "memory ran out")
    return [steps(1, {"train/loss": [0.5] * 20}), evaluated, saved, split]


def over(run: RunDirectory, state: Any = "finished", reason: str = "all epochs") -> None:
    """Let a run's worker say its last word after the last reading."""
    end(run, state, reason)
    with RunWriter(run) as writer:
        writer.change_state(START + LENGTH_S, state, reason, at_rest=True)


def many_gpus(count: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Return facts and readings of several GPUs, the run on the third."""
    gpus, readings = [], {}
    for index in range(count):
        here = index == 2
        gpus.append(
            {
                "index": index, "name": "NVIDIA H100 80GB HBM3", "uuid": f"GPU-{index}",
                "pci": None, "mig": None, "throttle": ["power limit"] if index == 1 else [],
                "processes": PROCESSES[:1] if here else PROCESSES[1:], "errors": [],
            }
        )  # fmt: skip
        readings |= {
            f"gpu{index}/memory_used_bytes": (index + 1) * 9.0 * GIB,
            f"gpu{index}/memory_total_bytes": 80.0 * GIB,
            f"gpu{index}/worker_bytes": 15.0 * GIB if here else 0.0,
            f"gpu{index}/others_bytes": 0.0 if here else (index + 1) * 8.0 * GIB,
            f"gpu{index}/utilization_percent": 10.0 * index,
            f"gpu{index}/power_w": 100.0 * index,
            f"gpu{index}/temperature_c": 40.0 + index,
            f"gpu{index}/throttled": float(index == 1),
        }
    return {"driver": "580.65", "trouble": "", "gpus": gpus, "host": {"cores": 16}}, readings
