"""`tuitrain explain`: which pixels, columns or words decided about a sample.

Knows what may be asked for; values and their look are made elsewhere.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tuitrain.cli import output
from tuitrain.cli.control import open_client
from tuitrain.cli.inspect.asking import AskedGraphics, canvas, terminal_width
from tuitrain.cli.options import Json, RunArgument, RunsDir
from tuitrain.cli.trained.asking import Checkpoint, Code, DataDir, Device, Ema, ask
from tuitrain.errors import TuitrainError, UsageError

_STDIN = "-"
_PERMUTATION = "permutation"
_Method = Annotated[
    Literal["integrated-gradients", "occlusion", "grad-cam", "permutation"] | None,
    typer.Option(
        "--method",
        help="Occlusion and grad-cam are for images, permutation is for a table's whole "
        "validation part.",
        show_default="integrated-gradients; without FILE permutation",
    ),
]


def explain(
    run: RunArgument,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-",
            help="An image, a table, a file of texts or a series; -: stdin.",
            show_default=False,
        ),
    ] = "",
    method: _Method = None,
    name: Annotated[
        str,
        typer.Option(
            "--class",
            metavar="NAME",
            help="Explain this class, or the output of this number.",
            show_default="what is predicted",
        ),
    ] = "",
    row: Annotated[
        int, typer.Option("--row", min=1, help="Which row of a table, or line of a file of texts.")
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE.png", help="Write the drawn image.", show_default=False
        ),
    ] = None,
    steps: Annotated[
        int, typer.Option("--steps", min=1, max=10_000, help="Of integrated gradients.")
    ] = 50,
    window: Annotated[
        int | None,
        typer.Option(
            "--window",
            min=1,
            help="Pixels of an occlusion's patch.",
            show_default="an eighth of the image",
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, max=1000, help="Of a permutation.")
    ] = 10,
    graphics: AskedGraphics = None,
    checkpoint: Checkpoint = "",
    ema: Ema = False,
    device: Device = "",
    code: Code = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Explain a prediction: which pixels, columns or words decided, and how far to trust it.

    Without FILE: how much worse a table's main figure is without each column.
    """
    chosen = method or ("integrated-gradients" if file else _PERMUTATION)
    _check(chosen, file, name, out)
    from tuitrain.trained.opening import open_trained

    trained = open_trained(
        open_client(runs_dir).find(run), checkpoint, command="explain", code=code, device=device,
        data_dir=data_dir,
    )  # fmt: skip
    with _stdin() if file == _STDIN else nullcontext(file) as source:
        shown = "stdin" if file == _STDIN else file
        options = {
            "averaged": ema, "source": source or None, "shown": shown, "row": row,
            "method": chosen, "name": name, "steps": steps, "window": window or 0,
            "repeats": repeats, "picture": str(out.absolute()) if out else None,
        }  # fmt: skip
        try:
            answer = ask(trained.question("explanation", **options))
        except TuitrainError as error:
            # The file is this command's own, and gone by now.
            error.args = (str(error).replace(source or "-", shown or "-"),)
            raise
    _print({"run": trained.directory.id, "checkpoint": trained.name, **answer}, graphics, json)


def _check(method: str, file: str, name: str, out: Path | None) -> None:
    """Raise where what is asked for does not go together."""
    if not file and method != _PERMUTATION:
        raise UsageError(f"--method {method}: it explains a sample; name a FILE")
    if file and method == _PERMUTATION:
        raise UsageError(f"--method {_PERMUTATION}: it is of the validation part; leave FILE out")
    if not file and (name or out):
        raise UsageError(f"{'--class' if name else '-o'}: it is for a sample; name a FILE")
    if file not in {"", _STDIN} and not Path(file).exists():
        raise UsageError(f"{file}: there is no such file")
    if out is not None and out.suffix.lower() != ".png":
        raise UsageError(f"-o {out}: the image is written as PNG; its name must end in .png")


@contextmanager
def _stdin() -> Iterator[str]:
    """Yield a file with what comes on stdin."""
    with tempfile.TemporaryDirectory(prefix="tuitrain-explain-") as folder:
        path = Path(folder) / "stdin"
        path.write_bytes(sys.stdin.buffer.read())
        yield str(path)


def _print(answer: dict[str, Any], graphics: AskedGraphics, json: bool) -> None:
    if json:
        drawn = {key: value for key, value in answer.items() if key != "pictures"}
        output.data_json(drawn, indent=None if "values" in drawn else 2)
        return
    from tuitrain.view.evaluation.explanation import explanation_lines, importance_lines

    lines = importance_lines if answer["method"] == _PERMUTATION else explanation_lines
    output.data("\n".join(lines(answer, canvas(graphics, terminal_width()))))
