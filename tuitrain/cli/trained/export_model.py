"""`tuitrain export-model`: a run's model as a file that others run, compared with the model.

Knows formats by their names and endings; they are written elsewhere.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.control import open_client
from tuitrain.cli.options import Json, RunArgument, RunsDir
from tuitrain.cli.trained.asking import Checkpoint, Code, DataDir, Ema, ask
from tuitrain.errors import EXIT_FAILED
from tuitrain.trained.formats import TOLERANCE, ModelFormat


def export_model(
    run: RunArgument,
    format: Annotated[
        ModelFormat,
        typer.Option(
            help="onnx, torchscript and pt2 (torch.export) hold the model with its normalisation, "
            "safetensors its weights alone.",
            show_default=False,
        ),
    ],
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to write.",
            show_default="the run's name, here",
        ),
    ] = None,
    checkpoint: Checkpoint = "",
    ema: Ema = False,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            min=0,
            metavar="X",
            help="Greatest difference from the model that passes, in units of the largest output "
            "where that is beyond 1.",
        ),
    ] = TOLERANCE,
    int8: Annotated[
        bool,
        typer.Option("--int8", help="Weights in 8 bits (dynamic quantisation): onnx, torchscript."),
    ] = False,
    code: Code = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Write a run's model as a file, and compare it with the model on validation samples.

    Beside it: FILE.json, which describes it, and FILE.predict.py, which predicts without
    tuitrain. Exit code 1 where the two differ by more than the tolerance.
    """  # fmt: skip
    from tuitrain.trained.exporting import ExportWanted, export_trained
    from tuitrain.trained.opening import open_trained

    wanted = ExportWanted(format, ema, int8, tolerance)
    directory = open_client(runs_dir).find(run)
    target = wanted.target(output_file, directory.id)
    trained = open_trained(
        directory, checkpoint, command="export-model", code=code, device="cpu", data_dir=data_dir
    )
    answer = export_trained(trained, wanted, target, ask)
    if json:
        output.data_json(answer)
    else:
        output.data(_text(answer))
    if not answer["comparison"]["within"]:
        output.say(
            f"tuitrain: {target.name} differs from the model by "
            f"{answer['comparison']['difference']:.2g}, more than --tolerance {tolerance:g}"
        )
        raise typer.Exit(EXIT_FAILED)


def _text(answer: dict[str, Any]) -> str:
    """Return what was written and how far it is from the model, in lines."""
    from tuitrain.units import size

    compared, quantised = answer["comparison"], answer["quantised"]
    file, *beside = [path for path in answer["files"].values() if path]
    lines = [
        f"wrote {file} ({size(answer['size_bytes'])}), {', '.join(Path(p).name for p in beside)}",
        f"compared on {compared['samples']} {_samples(compared)}: greatest difference "
        f"{compared['difference']:.2g}, allowed {compared['tolerance']:g}",
    ]
    if quantised is not None:
        lines.append(
            f"int8: {size(quantised['size_bytes_before'])} before, {size(answer['size_bytes'])} "
            f"after; greatest difference {quantised['difference']:.2g}; {_figures(quantised)}"
        )
    if answer["files"]["script"] is None:
        lines.append(f"no script: {_without_script(answer)}")
    return "\n".join(lines)


def _samples(compared: dict[str, Any]) -> str:
    if not compared["made_up_because"]:
        return "samples of the validation part"
    return f"made-up samples, as the data set can't be opened ({compared['made_up_because']})"


def _figures(quantised: dict[str, Any]) -> str:
    if quantised["metric"] is None:
        return "no metric, as there are no validation samples"
    before, after = quantised["before"], quantised["after"]
    return f"{quantised['metric']} {before:.4g} before, {after:.4g} after"


def _without_script(answer: dict[str, Any]) -> str:
    if answer["format"] == ModelFormat.SAFETENSORS:
        return "the file holds weights, and the model's code builds what they belong to"
    if answer["says"] is None:
        return f"task = {answer['task']} gives no class and no numbers for a sample as a whole"
    return "the data set does not say how samples from elsewhere are read"
