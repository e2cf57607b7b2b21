"""`tuitrain plot`: curves of runs, or pictures of what a checkpoint's model makes of its samples.

Knows what may be asked for; what is in a figure and how it is drawn is made elsewhere.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsArgument, RunsDir
from tuitrain.cli.trained.asking import Checkpoint, Code, DataDir, Device, Ema, ask
from tuitrain.cli.whole_file import check_file, whole_file
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from tuitrain.plots.panels import Figure
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.reader import RunReader

_ENDINGS = ("png", "svg", "pdf", "html")
_MOST_RUNS = 21
"""Of different colours and dashes there are so many."""


class What(StrEnum):
    """What is drawn."""

    CURVES = "curves"
    CONFUSION = "confusion"
    ROC = "roc"
    PR = "pr"
    CALIBRATION = "calibration"
    RESIDUALS = "residuals"
    SAMPLES = "samples"


@dataclass(frozen=True, slots=True)
class _Evaluating:
    """Which model is asked, and how."""

    checkpoint: str
    ema: bool
    device: str
    code: list[str] | None
    data_dir: Path | None


def plot(
    run: RunsArgument,
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .png, .svg, .pdf or .html file.",
            dir_okay=False,
            show_default="a PNG in the run's exports/",
        ),
    ] = None,
    what: Annotated[What, typer.Option("--what", help="What is drawn.")] = What.CURVES,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            "-m",
            metavar="NAME",
            help="Curves: only this metric, as val/loss, loss or 'val/*'; may be given again.",
            show_default=False,
        ),
    ] = None,
    axis: Annotated[
        str,
        typer.Option(
            "--x",
            metavar="AXIS",
            help="Curves: what lies along them: step, epoch, time, samples, power (of ten, of "
            "steps), or a metric, as lr, joined at the nearest step.",
        ),
    ] = "step",
    log: Annotated[bool, typer.Option("--log", help="Curves: values on a log scale.")] = False,
    smooth: Annotated[
        float | None,
        typer.Option(
            "--smooth",
            min=0.0,
            max=0.999,
            help="Curves: weight of the smoothing, 0 for none; what was measured stays behind.",
            show_default="by each curve's noise",
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, max=200, help="Samples: how many.")
    ] = 24,
    wrong: Annotated[
        bool,
        typer.Option("--wrong", help="Samples: the wrong ones that the model was surest of."),
    ] = False,
    checkpoint: Checkpoint = "",
    ema: Ema = False,
    device: Device = "",
    code: Code = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Draw runs into a file: their curves, or what the model makes of the validation part.

    Several runs lie in one figure; its legend says what differs between their settings. A page
    (.html) has cursor, zoom and log scale; the other files need tuitrain[plots].
    """
    directories = find_runs(run, runs_dir)
    _refuse_mixed(what, curves=[
        name for name, given in {"--metric": metric, "--log": log, "--smooth": smooth is not None,
                                 "--x": axis != "step"}.items() if given
    ], wrong=wrong, checkpoint=checkpoint or ema)  # fmt: skip
    path = output_file or _default_file(directories, what)
    ending = check_file(path, _ENDINGS)
    if ending != "html":
        from tuitrain.plots.drawing import require_library

        require_library(ending)
    if what is What.CURVES:
        from tuitrain.plots.curves import CurveChoices, curve_figure

        choices = CurveChoices(tuple(metric or ()), axis, log, smooth)
        with open_readers(directories) as readers:
            figure = curve_figure(readers, choices)
    else:
        asked = _Evaluating(checkpoint, ema, device, code, data_dir)
        figure = _evaluated(directories, what, asked, count, wrong)
    _write(figure, path, ending)
    _tell(path, output_file, what, directories, figure, json)


def find_runs(names: Sequence[str], runs_dir: Path | None) -> "list[RunDirectory]":
    """Return the runs that were named, each once.

    Raises:
        UsageError: there is no such run, or there are more than one figure can tell apart.
    """
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run

    root = runs_root(runs_dir)
    found = list(dict.fromkeys(find_run(root, name) for name in names))
    if len(found) > _MOST_RUNS:
        raise UsageError(
            f"{len(found)} runs are more than one figure can tell apart; name up to {_MOST_RUNS}"
        )
    return found


def _refuse_mixed(what: What, *, curves: list[str], wrong: bool, checkpoint: object) -> None:
    """Raise where options do not go together."""
    if what is What.CURVES and checkpoint:
        raise UsageError("--checkpoint and --ema: curves are of no checkpoint; leave them out")
    if what is not What.CURVES and curves:
        raise UsageError(f"{curves[0]}: it is for --what curves, not for --what {what.value}")
    if wrong and what is not What.SAMPLES:
        raise UsageError(f"--wrong: it is for --what samples, not for --what {what.value}")


def _default_file(directories: "Sequence[RunDirectory]", what: What) -> Path:
    """Return a file in the first run's own folder."""
    first = directories[0]
    more = f"-and-{len(directories) - 1}-more" if len(directories) > 1 else ""
    folder = first.exports
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} can't be written ({error.strerror}): name a file with -o"
        ) from error
    return folder / f"{first.id}{more}-{what.value}.png"


@contextmanager
def open_readers(directories: "Sequence[RunDirectory]") -> "Iterator[list[RunReader]]":
    """Yield a reader of each run."""
    from tuitrain.runs.reader import RunReader

    with ExitStack() as stack:
        yield [stack.enter_context(RunReader(directory)) for directory in directories]


def _evaluated(
    directories: "Sequence[RunDirectory]", what: What, asked: _Evaluating, count: int, wrong: bool
) -> "Figure":
    from tuitrain.plots.curves import run_labels
    from tuitrain.plots.evaluated import evaluated_figure
    from tuitrain.plots.panels import Figure
    from tuitrain.plots.pictures import picture_panel
    from tuitrain.trained.evaluation import Wanted, evaluate_model
    from tuitrain.trained.opening import open_trained

    models = [
        open_trained(
            directory,
            asked.checkpoint,
            command=f"plot --what {what.value}",
            code=asked.code,
            device=asked.device,
            data_dir=asked.data_dir,
        )
        for directory in directories
    ]
    with open_readers(directories) as readers:
        labels = run_labels(readers)
    evaluations = [evaluate_model(model, Wanted(asked.ema), ask) for model in models]
    if what is not What.SAMPLES:
        return evaluated_figure(what.value, evaluations, labels)
    panels = [
        picture_panel(model, evaluation, ask, count, wrong=wrong, title=label if labels[1:] else "")
        for model, evaluation, label in zip(models, evaluations, labels, strict=True)
    ]
    return Figure("Samples" if labels[1:] else f"Samples: {labels[0]}", tuple(panels))


def _write(figure: "Figure", path: Path, ending: str) -> None:
    with whole_file(path) as draft:
        if ending == "html":
            from tuitrain.plots.page.write import figure_page

            draft.write_text(figure_page(figure), encoding="utf-8")
        else:
            from tuitrain.plots.drawing import write_drawing

            write_drawing(figure, draft, ending)


def _tell(
    path: Path,
    given: Path | None,
    what: What,
    directories: "Sequence[RunDirectory]",
    figure: "Figure",
    json: bool,
) -> None:
    if json:
        output.data_json({
            "file": str(path.absolute()),
            "what": what.value,
            "runs": [directory.id for directory in directories],
            "panels": [panel.title for panel in figure.panels],
            "bytes": path.stat().st_size,
        })  # fmt: skip
    elif given is None:
        # Where it went is what was asked for.
        output.data(str(path))
    else:
        output.say(f"wrote {path}")
