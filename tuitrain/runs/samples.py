"""What a run's model made of validation samples, as the hook `samples` has written it.

Each evaluation that is kept has a folder `samples/step-NNNNNNNN/` with an `index.json`; a folder
is whole or absent. Texts come as they were written: who shows them makes them safe for a terminal.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuitrain.errors import RecordError
from tuitrain.runs.directory import RunDirectory

FORMAT = 1
"""Of `index.json`; a newer one is refused."""

_FOLDER = re.compile(r"step-(\d{8,})")


@dataclass(frozen=True, slots=True)
class SampledStep:
    """The samples of one evaluation."""

    step: int
    folder: Path
    samples: tuple[Mapping[str, Mapping[str, Any]], ...]
    """Of each sample its parts by name, in their order: `kind` is text (`text`), numbers (`shape`,
    `values`) or image (`file` in the folder, `width`, `height`, `range` of black and white)."""

    def image_bytes(self, part: Mapping[str, Any]) -> bytes:
        """Return the PNG file that a part names.

        Raises:
            RecordError: there is none.
        """
        try:
            # A name alone: an index leads to no other folder.
            return (self.folder / Path(part["file"]).name).read_bytes()
        except (OSError, KeyError, TypeError) as error:
            raise RecordError(f"an image of {self.folder} can't be read: {error}.") from error


def sampled_steps(directory: RunDirectory) -> list[int]:
    """Return the steps that have samples, ascending; none where there is no such hook."""
    if not directory.samples.is_dir():
        return []
    found = (_FOLDER.fullmatch(path.name) for path in directory.samples.iterdir())
    return sorted(int(match[1]) for match in found if match)


def read_samples(directory: RunDirectory, step: int) -> SampledStep:
    """Return the samples of a step.

    Raises:
        RecordError: there are none (any more), or they can't be read.
    """
    folder = directory.samples / f"step-{step:08d}"
    try:
        index = json.loads((folder / "index.json").read_text("utf-8"))
        if index["format"] > FORMAT:
            raise RecordError(f"{folder} was written by a newer tuitrain: it can't be shown here.")
        return SampledStep(int(index["step"]), folder, tuple(index["samples"]))
    except FileNotFoundError as error:
        kept = ", ".join(map(str, sampled_steps(directory))) or "none"
        raise RecordError(
            f"there are no samples of step {step} in {directory.samples}; kept are those of steps "
            f"{kept}."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"the samples in {folder} can't be read: {error}.") from error
