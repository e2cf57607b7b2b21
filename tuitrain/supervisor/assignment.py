"""What a supervisor is to do: the value that whoever starts one fills in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuitrain.runs.directory import RunDirectory


@dataclass(frozen=True, slots=True)
class Assignment:
    """One run to start or to resume."""

    directory: RunDirectory
    resume: bool
    data_directory: Path
    code_folders: Sequence[str]
    """Put first on the worker's import path, for a user's own code."""
    grace_s: float
    """How long a stop may take before the worker is killed."""
