"""`tuitrain evaluate`: a live run at its next step, or a checkpoint of any run, or two compared.

Knows what may be asked for; figures and their look are made elsewhere.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.control import open_client, order
from tuitrain.cli.options import Json, RunArgument, RunsDir, complete_run
from tuitrain.cli.trained.asking import Checkpoint, Code, Device, Ema, Trained, open_trained
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from tuitrain.analysis.evaluation import Evaluated
    from tuitrain.config.schema import Preset

_DATA_SETTINGS = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="data.KEY=VALUE",
        help="Evaluate on other data of the same kind; may be given again.",
        show_default=False,
    ),
]
_DATA_DIR = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where data sets are kept.",
        show_default="where they were in training",
        file_okay=False,
    ),
]


def evaluate(
    run: RunArgument,
    other: Annotated[
        str,
        typer.Argument(
            metavar="[OTHER]",
            help="Compare with this run on the same samples.",
            autocompletion=complete_run,
            show_default=False,
        ),
    ] = "",
    checkpoint: Checkpoint = "",
    ema: Ema = False,
    data: Annotated[
        str, typer.Option("--data", metavar="PATH", help="Other data: the same as --set data.path=")
    ] = "",
    settings: _DATA_SETTINGS = None,
    by: Annotated[
        str,
        typer.Option("--by", metavar="COLUMN|class", help="The figures of each group of samples."),
    ] = "",
    device: Device = "",
    code: Code = None,
    data_dir: _DATA_DIR = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Evaluate a checkpoint on the validation part: figures with intervals, and mistakes.

    A live run evaluates itself at its next step, unless an option or a second run is given.
    """
    client = open_client(runs_dir)
    directory = client.find(run)
    changes = [*(settings or ()), *([f"data.path={_quoted(data)}"] if data else [])]
    asked = other or checkpoint or ema or changes or by or device or code or data_dir
    from tuitrain.runs.lock import is_alive

    if not asked and is_alive(directory):
        from tuitrain.messages import Evaluate

        order(client, directory, Evaluate(), json)
        return
    if other and by:
        raise UsageError("--by: it is for one run; leave it out, or the second run")

    def opened(name: str) -> Trained:
        return open_trained(
            client.find(name), checkpoint, command="evaluate", code=code, device=device,
            data_dir=data_dir, change=lambda preset: _with_data(preset, changes),
        )  # fmt: skip

    first = _evaluation(opened(run), ema, by, changes)
    if other:
        _show_comparison(first, _evaluation(opened(other), ema, "", changes), json)
    else:
        _show(first, by, json)


def _quoted(path: str) -> str:
    import json

    return json.dumps(str(Path(path).expanduser().absolute()), ensure_ascii=False)


def _with_data(preset: "Preset", changes: Sequence[str]) -> "Preset":
    """Return the preset with other settings of its data.

    Raises:
        UsageError: a setting is none of the data, or leads nowhere.
    """
    if not changes:
        return preset
    from tuitrain.config.load import parse_preset, to_toml

    for text in changes:
        if not text.strip().startswith("data.") or text.strip().startswith("data.name"):
            raise UsageError(
                f"--set {text}: evaluations take other data of the same kind alone, as "
                "--set data.path=PATH"
            )
    return parse_preset(to_toml(preset), "config.toml", changes)


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """One evaluation, to be shown."""

    about: dict[str, Any]
    """The run, its checkpoint and its data."""
    found: "Evaluated"
    groups: Sequence[str] | None


def _evaluation(trained: Trained, ema: bool, by: str, changes: Sequence[str]) -> _Evaluation:
    import numpy as np

    from tuitrain.analysis.evaluation import Evaluated
    from tuitrain.messages import PerClassCounts

    with tempfile.TemporaryDirectory(prefix="tuitrain-evaluate-") as folder:
        file = Path(folder) / "samples.npz"
        answer = trained.ask("evaluation", averaged=ema, arrays=str(file), by=by or None)
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    counts = answer["counts"]
    found = Evaluated(
        family=answer["family"],
        metrics={name: float(value) for name, value in answer["metrics"].items()},
        classes=tuple(answer["classes"]),
        counts=PerClassCounts(**counts) if counts else None,
        arrays=arrays,
        names=answer["names"],
    )
    about = {
        "run": trained.directory.id,
        "checkpoint": trained.checkpoint.stem,
        **{key: answer[key] for key in ("step", "weights", "task")},
        "data": {
            "name": trained.preset.data.name,
            "settings": list(changes),
            "samples": answer["samples"],
            "fingerprint": answer["fingerprint"],
        },
        "device": answer["device"],
        "duration_s": answer["duration_s"],
    }
    groups = answer["groups"]
    if by == "class":
        groups = _classes_of(found)
    return _Evaluation(about, found, groups)


def _classes_of(found: "Evaluated") -> list[str]:
    if found.family != "classes":
        raise UsageError("--by class: the task has no class a sample; name a column, or nothing")
    numbers = found.arrays["targets"].tolist()
    return [found.classes[n] if n < len(found.classes) else str(n) for n in numbers]


def _show(evaluation: _Evaluation, by: str, json: bool) -> None:
    from tuitrain.analysis.evaluation import by_group, make_report

    groups = by_group(evaluation.found, evaluation.groups) if evaluation.groups else None
    report = {
        **evaluation.about,
        **make_report(evaluation.found),
        "by": None if groups is None else {"column": by, "groups": groups},
    }
    if json:
        output.data_json(report)
        return
    from tuitrain.view.evaluation.report import report_text

    output.data(report_text(report))


def _show_comparison(first: _Evaluation, second: _Evaluation, json: bool) -> None:
    """Compare two evaluations of the same samples.

    Raises:
        UsageError: they are not of the same samples.
    """
    from tuitrain.analysis.paired import compare

    one, two = first.about, second.about
    if one["task"] != two["task"]:
        raise UsageError(
            f"{one['run']} is of task {one['task']}, {two['run']} of {two['task']}: only the same "
            "task can be compared"
        )
    if one["data"]["fingerprint"] != two["data"]["fingerprint"]:
        raise UsageError(
            f"{one['run']} and {two['run']} were evaluated on different samples "
            f"({one['data']['samples']:,} of {one['data']['name']}, {two['data']['samples']:,} of "
            f"{two['data']['name']}): give both the same data with --set data.KEY=VALUE"
        )
    comparison = {"first": one, "second": two, **compare(first.found, second.found)}
    from tuitrain.view.evaluation.comparison import comparison_text, verdict

    comparison["verdict"] = verdict(comparison)
    if json:
        output.data_json(comparison)
    else:
        output.data(comparison_text(comparison))
