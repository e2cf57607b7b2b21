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
from tuitrain.cli.inspect.asking import AskedGraphics, canvas, terminal_width
from tuitrain.cli.options import Json, RunArgument, RunsDir
from tuitrain.cli.trained.asking import Checkpoint, Code, DataDir, Device, Ema, ask
from tuitrain.errors import EXIT_FAILED, TuitrainError, UsageError

if TYPE_CHECKING:
    from tuitrain.trained.opening import Trained

_STDIN = "-"
_MOST_SHOWN = 64
"""Images that are drawn: the others are predicted all the same."""


def predict(
    run: RunArgument,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|FOLDER|-",
            help="Images or folders of them, tables with column names, files of texts, one a "
            "line, or series in CSV files; -: stdin.",
            show_default=False,
        ),
    ],
    top: Annotated[int, typer.Option("--top", min=1, help="Classes of each, the likeliest.")] = 1,
    show: Annotated[
        bool, typer.Option("--show", help=f"Draw the images, the first {_MOST_SHOWN} of them.")
    ] = False,
    graphics: AskedGraphics = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="Write masks (classes' numbers, and over the image) or reconstructions here.",
            show_default=False,
        ),
    ] = None,
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
    _check(sources, {"--json": json, "--csv": as_csv, "--show": show}, out)
    from tuitrain.trained.opening import open_trained

    trained = open_trained(
        open_client(runs_dir).find(run), checkpoint, command="predict", code=code, device=device,
        data_dir=data_dir,
    )  # fmt: skip
    answer = _ask(
        trained, sources, averaged=ema, top=top, show=_MOST_SHOWN if show else 0,
        out=str(out.absolute()) if out else None,
    )  # fmt: skip
    if show:
        _draw(answer["predictions"], graphics)
    else:
        _print(trained, answer, json=json, as_csv=as_csv)
    broken = [row for row in answer["predictions"] if "error" in row]
    if broken:
        for row in broken:
            output.say(f"tuitrain: {row['error']}")
        raise typer.Exit(EXIT_FAILED)


def _check(sources: Sequence[str], forms: dict[str, bool], out: Path | None) -> None:
    """Hold what is asked for against what can be done.

    Raises:
        UsageError: it does not go together, or would overwrite files.
    """
    chosen = [name for name, is_asked in forms.items() if is_asked]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)}: give one of them")
    if sources.count(_STDIN) > 1:
        raise UsageError("-: stdin can be read once; give it once")
    gone = [source for source in sources if source != _STDIN and not Path(source).exists()]
    if gone:
        raise UsageError(f"{gone[0]}: there is no such file or folder")
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out}: it is there and not empty; name a new folder")


def _ask(trained: "Trained", sources: Sequence[str], **options: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tuitrain-predict-") as folder:
        stdin = Path(folder) / "stdin"
        if _STDIN in sources:
            stdin.write_bytes(sys.stdin.buffer.read())
        try:
            return ask(trained.question(
                "prediction", sources=list(sources),
                stdin=str(stdin) if stdin.exists() else None, **options,
            ))  # fmt: skip
        except TuitrainError as error:
            # The file is this command's own, and gone by now.
            error.args = (str(error).replace(str(stdin), "stdin"),)
            raise


def _draw(rows: Sequence[dict[str, Any]], graphics: AskedGraphics) -> None:
    """Draw what can be drawn; what that does not tell is told in a table."""
    from tuitrain.view.evaluation.predictions import prediction_pictures, prediction_text

    lines = prediction_pictures(rows, canvas(graphics, terminal_width()))
    rest = [row for row in rows if "pictures" not in row or "shares" in row]
    if lines:
        output.data("\n".join(lines))
    if rest:
        output.data(("\n" if lines else "") + prediction_text(rest))


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
    kinds = (("classes", "probability"), ("shares", "share"))
    numbered = [(what, n + 1) for key, what in kinds for n in range(_widest(rows, key))]
    pairs = [part for what, n in numbered for part in (f"class_{n}", f"{what}_{n}")]
    values = _widest(rows, "values")
    numbers = [f"value_{n + 1}" for n in range(values)] if values > 1 else ["value"] * values
    errors = ["mse"] if any("mse" in row for row in rows) else []
    return ["name", *pairs, *numbers, *errors]


def _widest(rows: Sequence[dict[str, Any]], key: str) -> int:
    return max((len(row.get(key, ())) for row in rows), default=0)


def _cells(row: dict[str, Any]) -> list[Any]:
    classes = [(one["class"], one["probability"]) for one in row.get("classes", ())]
    shares = [(one["class"], one["share"]) for one in row.get("shares", ())]
    pairs = [part for pair in (*classes, *shares) for part in pair]
    return [row["name"], *pairs, *row.get("values", ()), *([row["mse"]] if "mse" in row else [])]
