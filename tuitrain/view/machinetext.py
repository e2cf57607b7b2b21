"""A machine at a glance, in lines of words: each GPU, who is on it, which is free, the host."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain import units
from tuitrain.analysis.memory_breakdown import gpu_facts
from tuitrain.view import format as text
from tuitrain.view.devicetext import gpu_lines, host_lines
from tuitrain.view.machine.seen import free_gpus
from tuitrain.view.spans import SpanLine

_USER_WIDTH = 12


def machine_words(
    samples: Mapping[str, float],
    devices: Mapping[str, Any],
    runs: Mapping[int, str],
    width: int,
) -> list[str]:
    """Return a machine in lines.

    Args:
        samples: readings by the names of `tuitrain.metric_names`.
        devices: facts as `telemetry` gives them.
        runs: names of live runs by their worker's process.
        width: cells; lines are cut there.
    """
    lines: list[str] = []
    if devices.get("trouble"):
        lines.append(text.sanitise(str(devices["trouble"])))
    gpus = gpu_facts(samples, devices)
    for gpu in gpus:
        lines += _gpu(samples, devices, gpu, runs, width)
    if not gpus and not lines:
        lines.append("no GPU that a driver tells of")
    if gpus:
        free = free_gpus(samples, devices)
        lines.append(f"free: {', '.join(f'GPU {index}' for index in free) or 'none'}")
    lines.append(_host_memory(samples))
    lines += [_plain(line) for line in host_lines(samples, devices, width)]
    return [text.shorten(line, width) for line in lines if line]


def _gpu(
    samples: Mapping[str, float],
    devices: Mapping[str, Any],
    gpu: Mapping[str, Any],
    runs: Mapping[int, str],
    width: int,
) -> list[str]:
    index = gpu["index"]
    used, total = (samples.get(f"gpu{index}/memory_{end}_bytes") for end in ("used", "total"))
    memory = "" if used is None or not total else f"  {units.of_total(used, total)}"
    lines = [f"GPU {index}  {text.sanitise(str(gpu['name']))}{memory}"]
    lines += [f"  {_plain(line)}" for line in gpu_lines(samples, devices, index, width)]
    slices: Sequence[Mapping[str, Any]] = gpu.get("mig") or ()
    for place in (gpu, *slices):
        lines += [_process(row, runs) for row in place.get("processes") or ()]
    return lines


def _process(row: Mapping[str, Any], runs: Mapping[int, str]) -> str:
    user = text.shorten(text.sanitise(str(row["user"] or units.NOTHING)), _USER_WIDTH)
    size = units.NOTHING if row["bytes"] is None else units.size(row["bytes"])
    name = runs.get(row["pid"])
    what = f"run {name}" if name is not None else str(row["command"] or units.NOTHING)
    return f"  {user:<{_USER_WIDTH}} {row['pid']:>8} {size:>9}  {text.sanitise(what)}"


def _host_memory(samples: Mapping[str, float]) -> str:
    used, total = (samples.get(f"host/memory_{end}_bytes") for end in ("used", "total"))
    return "" if used is None or not total else f"host  {units.of_total(used, total)}"


def _plain(line: SpanLine) -> str:
    return "".join(span.text for span in line)
