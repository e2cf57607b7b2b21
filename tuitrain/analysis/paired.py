"""Whether one model is better than another on the same samples, beyond chance.

Knows two evaluations of the same samples; nothing of which runs they are of.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from tuitrain.analysis.evaluation import Evaluated, main_values
from tuitrain.analysis.statistics.resampling import PairedTest, compare_means, mcnemar
from tuitrain.errors import UsageError

ALPHA = 0.05
LARGER_IS_BETTER = frozenset({"accuracy"})


def refuse_unlike(one: Mapping[str, Any], two: Mapping[str, Any]) -> None:
    """Hold what two evaluations were made on against each other.

    Args:
        one: the first one's run, task and data.
        two: the second one's.

    Raises:
        UsageError: they are not of the same samples, or of different tasks.
    """
    if one["task"] != two["task"]:
        raise UsageError(
            f"{one['run']} is of task {one['task']}, {two['run']} of {two['task']}: only the same "
            "task can be compared"
        )
    if one["data"]["fingerprint"] != two["data"]["fingerprint"]:
        raise UsageError(
            f"{one['run']} and {two['run']} were evaluated on different samples "
            f"({one['data']['samples']:,} of {one['data']['name']}, {two['data']['samples']:,} of "
            f"{two['data']['name']}): give both the same data with --set data.KEY=VALUE"
        )


def compare(first: Evaluated, second: Evaluated) -> dict[str, Any]:
    """Return tests of the main figure and of the loss, as JSON data.

    Of classes the main figure is tested by McNemar's exact test on the samples that one of the two
    has right, everything else by a paired bootstrap. `better` is `first`, `second` or None.
    """
    name, values = main_values(first)
    _name, others = main_values(second)
    test = compare_means(values, others)
    main = {"metric": name, "test": "paired bootstrap", **_plain(test, values, others)}
    if first.family == "classes":
        lost = int((values > others).sum())
        won = int((others > values).sum())
        main |= {
            "test": "McNemar's exact test",
            "p_value": mcnemar(lost, won),
            "only_first_right": lost,
            "only_second_right": won,
        }
    losses = first.arrays["loss"], second.arrays["loss"]
    loss = {
        "metric": "loss", "test": "paired bootstrap", **_plain(compare_means(*losses), *losses),
    }  # fmt: skip
    tests = [main] if name == "loss" else [main, loss]
    return {"tests": [{**each, "better": _better(each)} for each in tests]}


def _plain(test: PairedTest, first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    return {"first": float(first.mean()), "second": float(second.mean()), **asdict(test)}


def _better(test: dict[str, Any]) -> str | None:
    """Return which of the two is better beyond chance; None: neither."""
    if test["p_value"] >= ALPHA or test["difference"] == 0:
        return None
    rises = test["difference"] > 0
    return "second" if rises == (test["metric"] in LARGER_IS_BETTER) else "first"
