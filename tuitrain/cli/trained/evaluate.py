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
from tuitrain.cli.trained.asking import (
    Checkpoint,
    Code,
    DataDir,
    Device,
    Ema,
    Trained,
    open_trained,
)
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
        help="The validation part that other settings of the data give; may be given again.",
        show_default=False,
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
    wanted = _Wanted(ema, by, data, tuple(settings or ()))

    def opened(name: str) -> Trained:
        return open_trained(
            client.find(name), checkpoint, command="evaluate", code=code, device=device,
            data_dir=data_dir,
        )  # fmt: skip

    first = _evaluation(opened(run), wanted)
    if other:
        _show_comparison(first, _evaluation(opened(other), wanted), json)
    else:
        _show(first, by, json)


def _refuse_mixed(groups_of_two: object, data_twice: object) -> None:
    """Raise where options do not go together."""
    if groups_of_two:
        raise UsageError("--by: it is for one run; leave it out, or the second run")
    if data_twice:
        raise UsageError("--data and --set: both name other data; give one of them")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for beside the run and its checkpoint."""

    ema: bool
    by: str
    place: str
    """Another file or folder; empty: none."""
    settings: tuple[str, ...]
    """Of the data, as KEY=VALUE."""

    def named(self) -> list[str]:
        """Return in which way the data are others than the run's."""
        return [*self.settings, *([self.place] if self.place else [])]

    def config(self, preset: "Preset") -> str | None:
        """Return a preset with other settings of its data; None: they are the run's.

        Raises:
            UsageError: a setting is none of the data.
        """
        if not self.settings:
            return None
        from tuitrain.config.load import parse_preset, to_toml

        for text in self.settings:
            if not text.strip().startswith("data.") or text.strip().startswith("data.name"):
                raise UsageError(
                    f"--set {text}: only settings of the run's own data set can be others, "
                    "as --set data.KEY=VALUE"
                )
        return to_toml(parse_preset(to_toml(preset), "config.toml", self.settings))


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """One evaluation, to be shown."""

    about: dict[str, Any]
    """The run, its checkpoint and its data."""
    found: "Evaluated"
    groups: Sequence[str] | None


def _evaluation(trained: Trained, wanted: _Wanted) -> _Evaluation:
    import numpy as np

    from tuitrain.analysis.evaluation import Evaluated
    from tuitrain.messages import PerClassCounts

    with tempfile.TemporaryDirectory(prefix="tuitrain-evaluate-") as folder:
        file = Path(folder) / "samples.npz"
        answer = trained.ask(
            "evaluation", averaged=wanted.ema, arrays=str(file), by=wanted.by or None,
            place=str(Path(wanted.place).expanduser().absolute()) if wanted.place else None,
            config=wanted.config(trained.preset),
        )  # fmt: skip
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
        "checkpoint": trained.name,
        "file": trained.checkpoint.name,
        **{key: answer[key] for key in ("step", "weights", "task")},
        "data": {
            "name": trained.preset.data.name,
            "settings": wanted.named(),
            "samples": answer["samples"],
            "fingerprint": answer["fingerprint"],
        },
        "device": answer["device"],
        "duration_s": answer["duration_s"],
    }
    groups = answer["groups"]
    if wanted.by == "class":
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
