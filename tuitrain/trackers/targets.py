"""Targets as a user gives them, and whether what they need is installed.

Loads no tracker's library.
"""

from collections.abc import Iterable, Mapping

from tuitrain.config.tracking import TrackerKind, TrackerTarget, parse_tracker
from tuitrain.errors import UsageError
from tuitrain.extras import installed

EXTRAS: Mapping[TrackerKind, str] = {"trackio": "trackio"}
"""Which extra brings a tracker's library, where it is not `trackers`."""


def read_target(text: str) -> TrackerTarget:
    """Read a target.

    Raises:
        UsageError: it is none.
    """
    try:
        return parse_tracker(text)
    except ValueError as error:
        raise UsageError(str(error)) from error


def check_trackers(targets: Iterable[str]) -> None:
    """Hold the libraries that trackers need against what is installed.

    Raises:
        UsageError: one is missing; the text says what installs it.
    """
    for text in targets:
        kind = read_target(text).kind
        # Each library is imported under its tracker's own name.
        installed((kind,), EXTRAS.get(kind, "trackers"), f"logging to {kind}")
