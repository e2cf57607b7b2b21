"""`tuitrain find-batch-size`: steps of larger and larger batches, what they take and how fast.

Knows what may be asked for; which size to take is `tuitrain.analysis.batch_size`'s.
"""

from typing import Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.inspect.asking import (
    DataDir,
    Minutes,
    Overrides,
    ask_about,
    print_lines,
    terminal_width,
)
from tuitrain.cli.options import Json, PresetArgument
from tuitrain.errors import UsageError


def find_batch_size(
    preset: PresetArgument,
    overrides: Overrides = None,
    first: Annotated[int, typer.Option("--min", min=1, help="The smallest size.")] = 8,
    most: Annotated[
        int | None,
        typer.Option("--max", min=1, help="The largest.", show_default="the training set"),
    ] = None,
    steps: Annotated[
        int, typer.Option("--steps", min=1, max=10_000, help="Timed steps of each size.")
    ] = 10,
    minutes: Minutes = 5.0,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Find the largest batch size that fits into memory, and the fastest one, by real steps.

    It leaves no run behind. Sizes are doubled until one does not fit.
    """
    if most is not None and most < first:
        raise UsageError(f"--min {first} --max {most}: --max must not be less than --min")
    answer = ask_about(
        "batch_size", preset, overrides, data_dir, first=first, most=most, steps=steps,
        minutes=minutes, memory_bytes=_memory_bytes(),
    )  # fmt: skip
    from tuitrain.analysis.batch_size import RULE, choose_sizes

    answer |= {**choose_sizes(answer["tried"]), "rule": RULE}
    answer["set"] = f"--set train.batch_size={answer['fastest']}" if answer["fastest"] else ""
    if json:
        output.data_json(answer)
        return
    from tuitrain.view.inspect.trials import size_lines

    print_lines(size_lines(answer, terminal_width() or 80))


def _memory_bytes() -> int | None:
    """Return what a container or job may still fill; None where it is not limited."""
    import psutil

    from tuitrain.telemetry.cgroup import find_limit

    read = find_limit(psutil.virtual_memory().total)
    usage = read() if read is not None else None
    return None if usage is None else max(0, usage.limit_bytes - usage.used_bytes)
