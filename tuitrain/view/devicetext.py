"""Devices in words and numbers: their bars with legends, activity, processes, allocator, host.

Pure functions of readings and facts; knows neither widgets nor files.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain import units
from tuitrain.analysis.memory_breakdown import FREE, gpu_facts, memory_breakdowns
from tuitrain.lang import tr
from tuitrain.view import format as text
from tuitrain.view.memory.bar import title_text
from tuitrain.view.spans import Span, SpanLine, wrap_plain

_MOST_PROCESSES = 12
_COMMAND_LEAST = 12


def activity(samples: Mapping[str, float], prefix: str, *, gap: str = "  ") -> str:
    """Return utilisation, power and temperature, as far as they are told: 93%  512 W  61 C."""
    readings = (("utilization_percent", "%"), ("power_w", " W"), ("temperature_c", " C"))
    found = [(samples.get(f"{prefix}/{name}"), unit) for name, unit in readings]
    return gap.join(f"{value:.0f}{unit}" for value, unit in found if value is not None)


def gpu_lines(
    samples: Mapping[str, float], devices: Mapping[str, Any], index: int, width: int
) -> list[SpanLine]:
    """Return a GPU's activity, clocks, PCIe, what holds it down, and what is wrong with it."""
    facts = next((gpu for gpu in gpu_facts(samples, devices) if gpu["index"] == index), {})
    prefix = f"gpu{index}"
    said = [(words, "") for words in (_activity(samples, prefix, facts), clocks(samples, prefix))]
    said += [(tr("throttled: {words}", words=words), "alert") for words in throttle_words(facts)]
    said += [(str(error), "bad") for error in facts.get("errors") or ()]
    return [line for words, style in said if words for line in wrap_plain(words, width, style)]


def _activity(samples: Mapping[str, float], prefix: str, facts: Mapping[str, Any]) -> str:
    def reading(name: str, unit: str) -> str:
        value = samples.get(f"{prefix}/{name}")
        return "" if value is None else f"{value:.0f}{unit}"

    parts = [
        (tr("utilisation"), reading("utilization_percent", "%") or _no_utilization(facts)),
        (tr("memory bus"), reading("memory_utilization_percent", "%")),
        (tr("power"), _power(samples, prefix)),
        (tr("temperature"), reading("temperature_c", " C")),
    ]
    return ", ".join(f"{name} {value}" for name, value in parts if value)


def _power(samples: Mapping[str, float], prefix: str) -> str:
    watts, limit = (samples.get(f"{prefix}/{name}") for name in ("power_w", "power_limit_w"))
    if watts is None:
        return ""
    return f"{watts:.0f} W" if limit is None else f"{watts:.0f}/{limit:.0f} W"


def _no_utilization(facts: Mapping[str, Any]) -> str:
    return tr("not reported for slices (MIG)") if facts.get("mig") is not None else ""


def clocks(samples: Mapping[str, float], prefix: str) -> str:
    """Return clocks and PCIe, as far as they are told."""
    parts = []
    if (value := samples.get(f"{prefix}/sm_clock_mhz")) is not None:
        parts.append(f"SM {value:.0f} MHz")
    if (value := samples.get(f"{prefix}/memory_clock_mhz")) is not None:
        parts.append(tr("memory {mhz:.0f} MHz", mhz=value))
    for name, words in (("pcie_rx", tr("PCIe in")), ("pcie_tx", tr("PCIe out"))):
        if (value := samples.get(f"{prefix}/{name}_bytes_per_s")) is not None:
            parts.append(f"{words} {units.size(value)}/s")
    return ", ".join(parts)


def throttle_words(facts: Mapping[str, Any]) -> list[str]:
    """Return what holds a GPU's clock down, on one line; nothing where nothing does."""
    reasons = [text.sanitise(str(reason)) for reason in facts.get("throttle") or ()]
    return [", ".join(reasons)] if reasons else []


def process_lines(devices: Mapping[str, Any], width: int) -> list[SpanLine]:
    """Return the processes on all GPUs as a table; none where there are none."""
    rows = [
        (f"GPU {gpu['index']}", row)
        for gpu in devices.get("gpus") or ()
        for row in gpu.get("processes") or ()
    ]
    if not rows:
        return []
    lines: list[SpanLine] = [(Span(_process_head(), "quiet"),)]
    for gpu, row in rows[:_MOST_PROCESSES]:
        user = text.shorten(text.sanitise(str(row["user"] or units.NOTHING)), 11)
        size = units.NOTHING if row["bytes"] is None else units.size(row["bytes"])
        told = f"{gpu:<6}{_padded(user, 12)}{row['pid']:>8} {size:>9}  "
        command = text.sanitise(str(row["command"] or units.NOTHING))
        room = max(_COMMAND_LEAST, width - len(told) - (10 if row["is_worker"] else 0))
        mine = (Span(tr("  this run"), "live"),) if row["is_worker"] else ()
        lines.append((Span(told), Span(text.shorten(command, room)), *mine))
    if len(rows) > _MOST_PROCESSES:
        lines.append((Span(tr("and {n} more", n=len(rows) - _MOST_PROCESSES), "quiet"),))
    return lines


def _process_head() -> str:
    memory = text.pad(tr("MEMORY"), 9, "right")
    return f"{'GPU':<6}{text.pad(tr('USER'), 12)}{'PID':>8} {memory}  {tr('COMMAND')}"


def _padded(words: str, width: int) -> str:
    return words + " " * (width - text.display_width(words))


def host_lines(
    samples: Mapping[str, float], devices: Mapping[str, Any], width: int
) -> list[SpanLine]:
    """Return the host's CPU, swap, shared memory, disk and network."""

    def pair(words: str, name: str) -> str:
        used, total = (samples.get(f"host/{name}_{end}_bytes") for end in ("used", "total"))
        return "" if used is None or not total else f"{words} {units.of_total(used, total)}"

    def rates(words: str, names: Sequence[tuple[str, str]]) -> str:
        told = [(side, samples.get(f"host/{name}_bytes_per_s")) for side, name in names]
        said = [f"{side} {units.size(value)}/s" for side, value in told if value is not None]
        return f"{words} {', '.join(said)}" if said else ""

    free, total = (samples.get(f"host/disk_{end}_bytes") for end in ("free", "total"))
    disk = (
        ""
        if free is None or total is None
        else tr("run's disk {free} free", free=units.of_total(free, total))
    )
    groups = (
        (_cpu(samples, devices),),
        (pair(tr("swap"), "swap"), pair("/dev/shm", "shm"), disk),
        (rates(tr("disk"), ((tr("read"), "disk_read"), (tr("write"), "disk_write"))),
         rates(tr("network"), ((tr("in"), "net_received"), (tr("out"), "net_sent")))),
    )  # fmt: skip
    return [line for group in groups if any(group) for line in _together(group, width)]


def _together(group: Sequence[str], width: int) -> list[SpanLine]:
    """Return facts beside each other where they fit, else one a line."""
    one = "   ".join(filter(None, group))
    if text.display_width(one) <= width:
        return [(Span(one),)]
    return [line for words in group if words for line in wrap_plain(words, width)]


def _cpu(samples: Mapping[str, float], devices: Mapping[str, Any]) -> str:
    worker, machine = samples.get("host/worker_cpu_percent"), samples.get("host/cpu_percent")
    cores = (devices.get("host") or {}).get("cores")
    parts = [
        "" if worker is None else tr("run {worker:.0f}% of a core", worker=worker),
        "" if machine is None else _machine(machine, cores),
    ]
    said = ", ".join(filter(None, parts))
    return f"CPU: {said}" if said else ""


def _machine(percent: float, cores: int | None) -> str:
    if not cores:
        return tr("machine {percent:.0f}%", percent=percent)
    return tr("machine {percent:.0f}% of {cores} cores", percent=percent, cores=cores)


def allocator_lines(samples: Mapping[str, float], width: int) -> list[SpanLine]:
    """Return how torch's allocator fares: fragmentation, retries, allocations that failed."""
    reserved, split = samples.get("torch/reserved_bytes"), samples.get("torch/inactive_split_bytes")
    parts = []
    if split is not None and reserved:
        parts.append(
            tr(
                "fragmented {split} ({share:.0f}% of reserved)",
                split=units.size(split),
                share=100 * split / reserved,
            )
        )
    counts = [samples.get(f"torch/{name}") for name in ("retries", "ooms")]
    for words, value in zip(
        (tr("cache freed and retried"), tr("out of memory")), counts, strict=True
    ):
        if value is not None:
            parts.append(
                tr("{words} {value:.0f} times", words=words, value=value)
                if value != 1
                else tr("{words} once", words=words)
            )
    style = "alert" if any(counts) else ""
    return (
        wrap_plain(tr("allocator: {parts}", parts=", ".join(parts)), width, style) if parts else []
    )


def device_words(
    samples: Mapping[str, float], devices: Mapping[str, Any], training: str | None
) -> list[str]:
    """Return each device's memory on a line of words, and what is wrong with it below that."""
    lines = []
    if devices.get("trouble"):
        lines.append(text.sanitise(str(devices["trouble"])))
    for bar in memory_breakdowns(samples, devices, training):
        parts = [f"{part.name} {units.size(part.bytes)}" for part in bar.parts if part.name != FREE]
        mark = "  (trained on)" if bar.prefix == training else ""
        used = units.of_total(bar.used_bytes, bar.total_bytes)
        lines.append(f"{title_text(bar)}{mark}  {used} used: {', '.join(parts) or 'nothing'}")
    for gpu in devices.get("gpus") or ():
        said = [*throttle_words(gpu), *map(str, gpu.get("errors") or ())]
        lines += [f"GPU {gpu['index']}: {text.sanitise(words)}" for words in said]
    return lines
