"""Two profiles compared: the operators that differ, before and after.

Works on digests; knows nothing of traces or of how a comparison is shown.
"""

import statistics
from collections.abc import Mapping
from typing import Any

_LEAST_US = 0.05


def compare_digests(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs between two profiles, times a step, the largest difference first.

    Operators are compared by the device's time where both have one, else by the host's.
    """
    on_device = before["device"] is not None and after["device"] is not None
    key = "self_device_us" if on_device else "self_us"
    rows = [{row["name"]: row for row in each["tables"]["operator"]} for each in (before, after)]
    names = dict.fromkeys([*rows[0], *rows[1]])
    compared = [_row(name, rows[0].get(name), rows[1].get(name), key) for name in names]
    return {
        "before": _side(before),
        "after": _side(after),
        "measure": "device" if on_device else "host",
        "rows": sorted(
            (row for row in compared if abs(row["difference_us"]) >= _LEAST_US),
            key=lambda row: -abs(row["difference_us"]),
        ),
    }


def _side(digest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reader needs to judge whether a difference is one: steps and their spread."""
    times = digest["steps_us"]
    return {
        "name": digest["name"],
        "steps": digest["steps"],
        "step_us": statistics.median(times),
        "spread_us": statistics.pstdev(times) if len(times) > 1 else None,
        "idle_share": digest["summary"]["idle_share"],
    }


def _row(
    name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, key: str
) -> dict[str, Any]:
    one, other = (row[key] if row else 0.0 for row in (before, after))
    return {
        "name": name,
        "before_us": one,
        "after_us": other,
        "difference_us": other - one,
        "before_calls": before["calls"] if before else 0.0,
        "after_calls": after["calls"] if after else 0.0,
    }
