"""`tuitrain predict`: what a run's model says of images, rows or texts of one's own.

Knows sources and forms of output; what a run takes, its data set says.
"""

import csv
import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.control import open_client
from tuitrain.cli.options import Json, RunArgument, RunsDir
from tuitrain.cli.trained.asking import Checkpoint, Code, DataDir, Device, Ema, ask
from tuitrain.errors import EXIT_FAILED, TuitrainError, UsageError

if TYPE_CHECKING:
    from tuitrain.trained.opening import Trained

_STDIN = "-"


def predict(
    run: RunArgument,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|FOLDER|-...",
            help="Images or folders of them, tables with column names, or files of texts, one a "
            "line; -: stdin.",
            show_default=False,
        ),
    ],
    top: Annotated[int, typer.Option("--top", min=1, help="Classes of each, the likeliest.")] = 1,
    checkpoint: Checkpoint = "",
    ema: Ema = False,
    device: Device = "",
    code: Code = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Json = False,
) -> None:
    """Predict with a run's model, in the order of what is given.

    Samples are prepared as in the run's evaluations. Exit code 1 where one could not be read.
    """
    if json and as_csv:
        raise UsageError("--json and --csv: give one of them")
    if sources.count(_STDIN) > 1:
        raise UsageError("-: stdin can be read once; give it once")
    gone = [source for source in sources if source != _STDIN and not Path(source).exists()]
    if gone:
        raise UsageError(f"{gone[0]}: there is no such file or folder")
    from tuitrain.trained.opening import open_trained

    trained = open_trained(
        open_client(runs_dir).find(run), checkpoint, command="predict", code=code, device=device,
        data_dir=data_dir,
    )  # fmt: skip
    answer = _ask(trained, sources, ema, top)
    _print(trained, answer, json=json, as_csv=as_csv)
    broken = [row for row in answer["predictions"] if "error" in row]
    if broken:
        for row in broken:
            output.say(f"tuitrain: {row['error']}")
        raise typer.Exit(EXIT_FAILED)


def _ask(trained: "Trained", sources: Sequence[str], ema: bool, top: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tuitrain-predict-") as folder:
        stdin = Path(folder) / "stdin"
        if _STDIN in sources:
            stdin.write_bytes(sys.stdin.buffer.read())
        try:
            return ask(trained.question(
                "prediction", averaged=ema, sources=list(sources), top=top,
                stdin=str(stdin) if stdin.exists() else None,
            ))  # fmt: skip
        except TuitrainError as error:
            # The file is this command's own, and gone by now.
            error.args = (str(error).replace(str(stdin), "stdin"),)
            raise


def _print(trained: "Trained", answer: dict[str, Any], *, json: bool, as_csv: bool) -> None:
    rows = answer["predictions"]
    if json:
        about = {"run": trained.directory.id, "checkpoint": trained.name}
        output.data_json({**about, **answer})
    elif as_csv:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([_headings(rows), *map(_cells, rows)])
        output.data(text.getvalue().rstrip("\n"))
    else:
        from tuitrain.view.evaluation.predictions import prediction_text

        output.data(prediction_text(rows))


def _headings(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return CSV's column names: as many as the widest row has."""
    classes = max((len(row.get("classes", ())) for row in rows), default=0)
    values = max((len(row.get("values", ())) for row in rows), default=0)
    numbers = [f"value_{n + 1}" for n in range(values)] if values > 1 else ["value"] * values
    pairs = [part for n in range(classes) for part in (f"class_{n + 1}", f"probability_{n + 1}")]
    return ["name", *pairs, *numbers]


def _cells(row: dict[str, Any]) -> list[Any]:
    pairs = [part for one in row.get("classes", ()) for part in (one["class"], one["probability"])]
    return [row["name"], *pairs, *row.get("values", ())]
