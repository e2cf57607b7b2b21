"""Predictions as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain.view.format import metric_value, sanitise, table


def prediction_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a line for each prediction, in order."""
    is_numbers = any("values" in row for row in rows)
    cells = [(sanitise(row["name"]), _said(row)) for row in rows]
    return table(("SAMPLE", "PREDICTION" if is_numbers else "CLASS"), cells)


def _said(row: Mapping[str, Any]) -> str:
    if "error" in row:
        return "can't be read"
    if "values" in row:
        return " ".join(metric_value(value) for value in row["values"])
    return ", ".join(f"{sanitise(one['class'])} {one['probability']:.1%}" for one in row["classes"])
