"""Two evaluations of the same samples as text: the tests, and what they say in a sentence."""

from collections.abc import Mapping
from typing import Any

from tuitrain.view.evaluation.report import heading
from tuitrain.view.format import Align, metric_value, sanitise, table


def verdict(comparison: Mapping[str, Any]) -> str:
    """Return in a sentence whether the main figures differ beyond chance."""
    main = comparison["tests"][0]
    figures = (
        f"{main['metric']} {metric_value(main['first'])} and {metric_value(main['second'])} on "
        f"the same {comparison['first']['data']['samples']:,} samples"
    )
    chance = f"p = {main['p_value']:.2g}, {main['test']}"
    if main["better"] is None:
        return f"The difference is not beyond chance: {figures} ({chance})."
    name = sanitise(comparison[main["better"]]["run"])
    return f"{name} is better beyond chance: {figures} ({chance})."


def comparison_text(comparison: Mapping[str, Any]) -> str:
    """Return a comparison as blocks of lines."""
    rows = [
        (
            test["metric"],
            metric_value(test["first"]),
            metric_value(test["second"]),
            metric_value(test["difference"]),
            f"{metric_value(test['low'])} to {metric_value(test['high'])}",
            f"{test['p_value']:.2g}",
            test["test"],
        )
        for test in comparison["tests"]
    ]
    headings = ("METRIC", "FIRST", "SECOND", "DIFFERENCE", "95 % INTERVAL", "P", "TEST")
    sides: list[Align] = ["left", "right", "right", "right", "left", "right", "left"]
    names = [f"{which}: {heading(comparison[which])}" for which in ("first", "second")]
    return "\n\n".join(["\n".join(names), table(headings, rows, sides), comparison["verdict"]])
