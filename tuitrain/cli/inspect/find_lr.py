"""`tuitrain find-lr`: steps at rising learning rates, and which rate they suggest.

Knows what may be asked for; what the losses say is `tuitrain.analysis.learning_rate`'s.
"""

from typing import Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.inspect.asking import (
    DataDir,
    Minutes,
    Overrides,
    ask_about,
    plain_look,
    print_lines,
    terminal_width,
)
from tuitrain.cli.options import Json, PresetArgument
from tuitrain.errors import UsageError


def find_lr(
    preset: PresetArgument,
    overrides: Overrides = None,
    low: Annotated[float, typer.Option("--min", help="The first learning rate.")] = 1e-7,
    high: Annotated[float, typer.Option("--max", help="The last learning rate.")] = 10.0,
    steps: Annotated[
        int, typer.Option("--steps", min=20, max=100_000, help="Steps at the most.")
    ] = 100,
    minutes: Minutes = 5.0,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Find a learning rate: train some steps at rising rates and look where the loss falls.

    It leaves no run behind. Where the curve does not say, nothing is suggested.
    """
    if not 0 < low < high:
        raise UsageError(f"--min {low:g} --max {high:g}: must be numbers above 0, --max the larger")
    answer = ask_about(
        "learning_rate", preset, overrides, data_dir, low=low, high=high, steps=steps,
        minutes=minutes,
    )  # fmt: skip
    from tuitrain.analysis.learning_rate import RULE, suggest_rate

    found = suggest_rate(answer["rates"], answer["losses"])
    answer |= {
        "smoothed": list(found.smoothed),
        "suggestion": found.rate,
        "reason": found.reason,
        "rule": RULE,
        "set": "" if found.rate is None else f"--set optimizer.lr={found.rate:g}",
    }
    if json:
        output.data_json(answer)
        return
    from tuitrain.view.inspect.trials import rate_lines

    print_lines(rate_lines(answer, terminal_width() or 80, plain_look()))
