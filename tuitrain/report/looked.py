"""One run as a report looks at it: its record, and an evaluation or why there is none."""

from dataclasses import dataclass, field
from typing import Any

from tuitrain.plots.pictures import Ask
from tuitrain.runs.reader import RunReader
from tuitrain.runs.summary import RunSummary
from tuitrain.trained.evaluation import Evaluation
from tuitrain.trained.opening import Trained


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking a run's model."""

    trained: Trained | None = None
    evaluation: Evaluation | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    """The evaluation's report; empty: there is none."""
    trouble: str = ""
    """Why there is no evaluation; empty also where none was wanted."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One run."""

    reader: RunReader
    summary: RunSummary
    meta: dict[str, Any]
    alive: bool
    asked: Asked
    ask: Ask
    """Puts a question to a process and waits."""
