"""What a diagnosis consists of: a sentence, the values it rests on, and what to do.

Plain values; knows neither rules nor screens.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "overfitting",
    "underfitting",
    "rate too high",
    "rate too low",
    "dead outputs",
    "imbalance",
    "noisy validation",
]
Severity = Literal["info", "warning"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value that a diagnosis rests on."""

    metric: str
    step: int
    value: float


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do, and what does it."""

    text: str
    key: str = ""
    """Of the run screen, where one does it."""
    command: str = ""
    """On the command line, where one does it."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a run's curves show."""

    kind: Kind
    severity: Severity
    text: str
    """A sentence with numbers."""
    step: int
    """The last step that was looked at."""
    evidence: tuple[Evidence, ...]
    advice: tuple[Advice, ...]
