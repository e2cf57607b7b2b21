"""`tuitrain samples`: what a run's model made of validation samples at an evaluation.

Knows what may be asked for; how things look is the view's.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.inspect.asking import AskedGraphics, canvas, terminal_width
from tuitrain.cli.options import Json, RunArgument, RunsDir
from tuitrain.errors import RecordError

if TYPE_CHECKING:
    from tuitrain.runs.samples import SampledStep
    from tuitrain.view.run.samples import Part


def samples(
    run: RunArgument,
    runs_dir: RunsDir = None,
    step: Annotated[
        int | None,
        typer.Option(
            "--step", min=0, help="Of the evaluation after this step.", show_default="the last one"
        ),
    ] = None,
    graphics: AskedGraphics = None,
    json: Json = False,
) -> None:
    """Show what a run's model made of validation samples, as the hook `samples` keeps it."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.samples import read_samples, sampled_steps

    directory = find_run(runs_root(runs_dir), run)
    steps = sampled_steps(directory)
    if not steps:
        raise RecordError(
            f'{directory.id} has no samples: a preset with [[hooks]] name = "samples" writes them '
            "at each evaluation, a script logs them (tuitrain help own-script), and logs that are "
            "watched may have some."
        )
    found = read_samples(directory, steps[-1] if step is None else step)
    if json:
        output.data_json(_as_json(found, directory.id, steps))
        return
    kept = f"{len(steps)} are kept, of steps {steps[0]:,} to {steps[-1]:,}"
    output.data(f"step {found.step:,}" + (f"; {kept}" if len(steps) > 1 else "") + "\n")
    output.data("\n".join(_lines(found, graphics)))


def _as_json(found: "SampledStep", run: str, steps: list[int]) -> dict[str, Any]:
    return {
        "run": run,
        "step": found.step,
        "steps": steps,
        "folder": str(found.folder),
        "samples": [dict(sample) for sample in found.samples],
    }


def _lines(found: "SampledStep", graphics: AskedGraphics) -> list[str]:
    from tuitrain.view.run.samples import shown_samples

    shown = [
        {name: _part(found, part) for name, part in sample.items()} for sample in found.samples
    ]
    return shown_samples(shown, canvas(graphics, terminal_width()))


def _part(found: "SampledStep", part: Any) -> "Part":
    """Return a part as it is drawn.

    Raises:
        RecordError: it is an image that can't be read.
    """
    from tuitrain.view.images.png import from_png

    if part["kind"] != "image":
        return dict(part)
    try:
        return from_png(found.image_bytes(part))
    except ValueError as error:
        raise RecordError(f"{found.folder / str(part['file'])}: {error}.") from error
