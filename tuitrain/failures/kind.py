"""What a row of the table of failures is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailureKind:
    """One kind of failure: how a log gives it away, what it means, what to do."""

    name: str
    patterns: tuple[str, ...]
    """Regular expressions for one line; what they name can be used in the texts as {name}."""
    meaning: str
    figures: tuple[str, ...] = ()
    """Sentences that follow it where the line had all that they use."""
    advice: tuple[str, ...] = ()
    """The likeliest first; {run} and {preset} stand for what a command takes there."""
    is_symptom: bool = False
    """What is seen where something else failed first: any other kind goes before it."""
