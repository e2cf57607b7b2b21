"""Names of trackers as a preset and the command line give them: `KIND` or `KIND:PLACE`.

Knows the words only; nothing of how a tracker is written to.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

TrackerKind = Literal["tensorboard", "wandb", "mlflow", "trackio"]
TRACKER_KINDS: tuple[TrackerKind, ...] = get_args(TrackerKind)
TRACKER_PATTERN = rf"^({'|'.join(TRACKER_KINDS)})(:.*\S.*)?$"
TRACKER_WORDS = "tensorboard[:DIR], wandb[:PROJECT], mlflow[:EXPERIMENT] or trackio[:PROJECT]"


@dataclass(frozen=True, slots=True)
class TrackerTarget:
    """Where metrics go: what kind of tracker, and the place in it."""

    kind: TrackerKind
    place: str = ""
    """A folder of TensorBoard's, a project of W&B's or Trackio's, an experiment of MLflow's; empty:
    the usual one."""

    def __str__(self) -> str:
        """The target as it is written in a preset."""
        return f"{self.kind}:{self.place}" if self.place else self.kind


def parse_tracker(text: str) -> TrackerTarget:
    """Read a target.

    Raises:
        ValueError: it is none; the text says what is allowed.
    """
    kind, colon, place = text.partition(":")
    if kind not in TRACKER_KINDS or (colon and not place.strip()):
        raise ValueError(f"found {text!r}, which is no tracker; allowed: {TRACKER_WORDS}")
    return TrackerTarget(kind, place)


def with_whole_folder(text: str) -> str:
    """Return a target whose folder does not depend on where one is; what is none stays."""
    kind, _colon, place = text.partition(":")
    if kind != "tensorboard" or not place.strip():
        return text
    return f"{kind}:{whole_folder(place)}"


def whole_folder(text: str) -> str:
    """Return the whole path of a folder that counts from the current one."""
    return str(Path(text).expanduser().absolute())
