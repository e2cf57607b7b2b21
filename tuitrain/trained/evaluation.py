"""An evaluation of a trained model: what is wanted, and what came of it.

A process of its own makes it, and ends with whoever waits for it.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuitrain.analysis.evaluation import Evaluated, by_group, make_report
from tuitrain.config.load import parse_preset, to_toml
from tuitrain.config.schema import Preset
from tuitrain.errors import UsageError
from tuitrain.messages import PerClassCounts
from tuitrain.supervisor.inspection import Question
from tuitrain.trained.opening import Trained


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for beside the run and its checkpoint."""

    ema: bool = False
    by: str = ""
    place: str = ""
    """Another file or folder; empty: none."""
    settings: tuple[str, ...] = ()
    """Of the data, as KEY=VALUE."""

    def named(self) -> list[str]:
        """Return in which way the data are others than the run's."""
        return [*self.settings, *([self.place] if self.place else [])]

    def config(self, preset: Preset) -> str | None:
        """Return a preset with other settings of its data; None: they are the run's.

        Raises:
            UsageError: a setting is none of the data.
        """
        if not self.settings:
            return None
        for text in self.settings:
            if not text.strip().startswith("data.") or text.strip().startswith("data.name"):
                raise UsageError(
                    f"--set {text}: only settings of the run's own data set can be others, "
                    "as --set data.KEY=VALUE"
                )
        return to_toml(parse_preset(to_toml(preset), "config.toml", self.settings))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation, to be shown or compared."""

    about: dict[str, Any]
    """The run, its checkpoint and its data."""
    found: Evaluated
    by: str
    """What the samples are grouped by; empty: they are not."""
    groups: Sequence[str] | None

    def report(self) -> dict[str, Any]:
        """Return the figures as JSON data."""
        groups = by_group(self.found, self.groups) if self.groups else None
        return {
            **self.about,
            **make_report(self.found),
            "by": None if groups is None else {"column": self.by, "groups": groups},
        }


def evaluate_model(
    trained: Trained, wanted: Wanted, ask: Callable[[Question], dict[str, Any]]
) -> Evaluation:
    """Return a model's evaluation.

    Args:
        trained: the model.
        wanted: which weights, on which data.
        ask: puts the question to a process and waits, as `tuitrain.supervisor.inspection.ask`.

    Raises:
        TuitrainError: the checkpoint, the data and what is wanted do not go together.
    """
    with tempfile.TemporaryDirectory(prefix="tuitrain-evaluate-") as folder:
        file = Path(folder) / "samples.npz"
        answer = ask(trained.question(
            "evaluation", averaged=wanted.ema, arrays=str(file), by=wanted.by or None,
            place=str(Path(wanted.place).expanduser().absolute()) if wanted.place else None,
            config=wanted.config(trained.preset),
        ))  # fmt: skip
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
    groups = _classes_of(found) if wanted.by == "class" else answer["groups"]
    return Evaluation(about, found, wanted.by, groups)


def _classes_of(found: Evaluated) -> list[str]:
    if found.family != "classes":
        raise UsageError("--by class: the task has no class a sample; name a column, or nothing")
    numbers = found.arrays["targets"].tolist()
    return [found.classes[n] if n < len(found.classes) else str(n) for n in numbers]
