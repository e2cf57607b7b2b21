"""`tuitrain evaluate`: a live run at its next step, or a checkpoint of any run, or two compared.

Knows what may be asked for; figures and their look are made elsewhere.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.control import open_client, order
from tuitrain.cli.options import Json, RunArgument, RunsDir, complete_run
from tuitrain.cli.trained.asking import Checkpoint, Code, DataDir, Device, Ema, ask
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from tuitrain.trained.evaluation import Evaluation

_DATA_SETTINGS = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="data.KEY=VALUE",
        help="The validation part that other settings of the data give; may be given again.",
        show_default=False,
    ),
]


def evaluate(
    run: RunArgument,
    other: Annotated[
        str,
        typer.Argument(
            metavar="OTHER",
            help="Compare with this run on the same samples.",
            autocompletion=complete_run,
            show_default=False,
        ),
    ] = "",
    checkpoint: Checkpoint = "",
    ema: Ema = False,
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="PATH",
            help="All samples of another file or folder.",
        ),
    ] = "",
    settings: _DATA_SETTINGS = None,
    by: Annotated[
        str,
        typer.Option("--by", metavar="COLUMN|class", help="The figures of each group of samples."),
    ] = "",
    device: Device = "",
    code: Code = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Evaluate a checkpoint on the validation part: figures with intervals, and mistakes.

    A live run evaluates itself at its next step, unless an option or a second run is given.
    """
    client = open_client(runs_dir)
    directory = client.find(run)
    asked = other or checkpoint or ema or data or settings or by or device or code or data_dir
    from tuitrain.runs.lock import is_alive

    if not asked and is_alive(directory):
        from tuitrain.messages import Evaluate

        order(client, directory, Evaluate(), json)
        return
    _refuse_mixed(other and by, data and settings)
    from tuitrain.trained.evaluation import Wanted, evaluate_model
    from tuitrain.trained.opening import open_trained

    wanted = Wanted(ema, by, data, tuple(settings or ()))

    def evaluation(name: str) -> "Evaluation":
        trained = open_trained(
            client.find(name), checkpoint, command="evaluate", code=code, device=device,
            data_dir=data_dir,
        )  # fmt: skip
        return evaluate_model(trained, wanted, ask)

    first = evaluation(run)
    if other:
        _show_comparison(first, evaluation(other), json)
    else:
        _show(first, json)


def _refuse_mixed(groups_of_two: object, data_twice: object) -> None:
    """Raise where options do not go together."""
    if groups_of_two:
        raise UsageError("--by: it is for one run; leave it out, or the second run")
    if data_twice:
        raise UsageError("--data and --set: both name other data; give one of them")


def _show(evaluation: "Evaluation", json: bool) -> None:
    report = evaluation.report()
    if json:
        output.data_json(report)
        return
    from tuitrain.view.evaluation.report import report_text

    output.data(report_text(report))


def _show_comparison(first: "Evaluation", second: "Evaluation", json: bool) -> None:
    """Compare two evaluations of the same samples.

    Raises:
        UsageError: they are not of the same samples.
    """
    from tuitrain.analysis.paired import compare, refuse_unlike

    one, two = first.about, second.about
    refuse_unlike(one, two)
    comparison = {"first": one, "second": two, **compare(first.found, second.found)}
    from tuitrain.view.evaluation.comparison import comparison_text, verdict

    comparison["verdict"] = verdict(comparison)
    if json:
        output.data_json(comparison)
    else:
        output.data(comparison_text(comparison))
