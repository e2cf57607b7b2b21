"""`tuitrain report`: a file with all there is to say of one run, or of several side by side.

Without a file it prints how well each class is told. Knows what may be asked for; what is in a
report and how it looks is made elsewhere.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsArgument, RunsDir
from tuitrain.cli.record.report import print_classes
from tuitrain.cli.trained.asking import Checkpoint, Code, DataDir, Device, Ema, ask
from tuitrain.cli.trained.plot import find_runs, open_readers
from tuitrain.cli.whole_file import check_file, whole_file
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from tuitrain.report.document import ReportChoices
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.trained.opening import Trained

_ENDINGS = ("html", "md")


def report(
    run: RunsArgument,
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .html or .md file.",
            dir_okay=False,
            show_default="print the figures of each class",
        ),
    ] = None,
    evaluate: Annotated[
        bool,
        typer.Option(
            " /--no-evaluate",
            help="Leave out the evaluation of the checkpoint.",
            show_default=False,
        ),
    ] = True,
    checkpoint: Checkpoint = "",
    ema: Ema = False,
    device: Device = "",
    code: Code = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Report on a run in one file: curves, evaluation, settings, time and memory, environment.

    Several runs are compared. Without -o, the latest and the best recorded evaluation of one run
    are printed: metrics, figures per class, confusions.
    """
    asked = checkpoint or ema or device or code or data_dir
    if not evaluate and asked:
        raise UsageError("--no-evaluate: no checkpoint is asked then; leave the other options out")
    directories = find_runs(run, runs_dir)
    if output_file is None:
        if asked or not evaluate or len(directories) > 1:
            raise UsageError(
                "a report of several runs, or of a checkpoint, is a file: name it with -o, as "
                "report.html or report.md"
            )
        print_classes(directories[0], json)
        return
    ending = check_file(output_file, _ENDINGS)
    from tuitrain.report.document import ReportChoices

    def open_model(directory: "RunDirectory") -> "Trained":
        from tuitrain.trained.opening import open_trained

        return open_trained(
            directory, checkpoint, command=f"report -o {output_file}", code=code, device=device,
            data_dir=data_dir,
        )  # fmt: skip

    choices = ReportChoices(open_model if evaluate else None, ema, bool(checkpoint or ema))
    _write(directories, choices, output_file, ending, json)


def _write(
    directories: "list[RunDirectory]",
    choices: "ReportChoices",
    path: Path,
    ending: str,
    json: bool,
) -> None:
    from tuitrain.report.document import described, look_at, report_document
    from tuitrain.report.html import html_report
    from tuitrain.report.markdown import markdown_report

    with open_readers(directories) as readers:
        runs = [look_at(reader, choices, ask) for reader in readers]
        document = report_document(runs, time.time())
        text = html_report(document) if ending == "html" else markdown_report(document)
        told = described(document, runs)
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8")
    for run in runs:
        if run.asked.trouble:
            trouble = run.asked.trouble.removeprefix(f"{run.summary.id}: ")
            output.say(f"{run.summary.id}: not evaluated: {trouble}")
    if json:
        output.data_json({"file": str(path.absolute()), "bytes": path.stat().st_size, **told})
    else:
        output.say(f"wrote {path}")
