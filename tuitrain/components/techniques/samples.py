"""Samples of the validation set, shown again at each evaluation.

They lie in the run's folder, `samples/step-NNNNNNNN/` for each evaluation that is kept: an
`index.json` that has texts and numbers and names the images, and those as PNG files beside it.
"""

import json
import math
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor, nn

from tuitrain.components.hooks import Hook, HookContext
from tuitrain.components.pictures import as_pixels, is_image, to_png
from tuitrain.components.registry import hook
from tuitrain.components.samples import Sample, SampleBatch
from tuitrain.components.task import Task
from tuitrain.errors import TrainingError

FORMAT = 1
"""Of `index.json`: {format, step, samples: [{PART: {kind, ...}}]}. Of the kinds, `text` has `text`,
`image` has `file`, `width`, `height` and `range`, the values of black and white, and `numbers` has
`shape` and the first MOST_NUMBERS `values`; what is not finite stands there as a text."""
MOST_NUMBERS = 1000
MOST_CHARACTERS = 20_000

_PART = re.compile(r"[a-z0-9_]{1,40}")
_TEMPORARY = ".tmp"


class ValidationSamples(Hook):
    """Writes what the model makes of the same samples at each evaluation."""

    leaves_body = True

    def __init__(
        self, model: nn.Module, task: Task, batch: SampleBatch, folder: Path | None, keep: int
    ) -> None:
        self._model = model
        self._task = task
        self._batch = batch
        self._given = folder
        self._keep = keep
        self._steps: list[int] = []
        """Of all evaluations so far."""

    def started(self, step: int) -> None:
        """Remove what a history that was given up has left.

        Raises:
            TrainingError: there is no run's folder to write to.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.glob(f".*{_TEMPORARY}"):
            shutil.rmtree(path)
        for path in self._folder.glob("step-*"):
            if path.name > _name(step):
                shutil.rmtree(path)

    @property
    def _folder(self) -> Path:
        if self._given is None:
            raise TrainingError("hooks.samples: there is no run's folder that could hold them")
        return self._given / "samples"

    def during_evaluation(self, step: int) -> None:
        """Write the samples of this step, and remove those of a step that is not kept any more."""
        samples = self._offered()
        if step not in self._steps:
            self._steps.append(step)
        write_samples(self._folder, step, samples)
        kept = {_name(self._steps[place]) for place in kept_places(len(self._steps), self._keep)}
        for path in self._folder.glob("step-*"):
            if path.name not in kept:
                shutil.rmtree(path)

    def _offered(self) -> Sequence[Sample]:
        own = getattr(self._model, "samples", None)
        if callable(own):
            found: Any = own(self._batch)
        else:
            found = self._task.samples(self._model, self._batch)
        return check_samples(found)

    def state_dict(self) -> dict[str, Any]:
        """Return the steps of all evaluations: which are kept follows from them."""
        return {"steps": list(self._steps)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to an earlier step."""
        self._steps = list(state["steps"])


def kept_places(number: int, keep: int) -> list[int]:
    """Return which of so many evaluations are kept, counted from 0: evenly spread, and the last.

    A function of the number alone, and what is kept of more was kept of fewer: so a run that was
    killed and resumed keeps the same.
    """
    stride = 1
    while (number - 1) // stride >= keep - 1:
        stride *= 2
    return sorted({*range(0, number, stride), number - 1})


def check_samples(found: Any) -> Sequence[Sample]:
    """Hold what a model or a task offers against what can be written.

    Raises:
        TrainingError: it is something else.
    """
    listed = isinstance(found, Sequence) and not isinstance(found, str)
    if not listed or not all(isinstance(sample, Mapping) for sample in found):
        raise TrainingError(
            f"hooks.samples: `samples` returned a {type(found).__name__}, it must return a list of "
            'dicts, one a sample, e.g. {"input": image, "output": text}'
        )
    for sample in found:
        for name, part in sample.items():
            if not isinstance(name, str) or not _PART.fullmatch(name):
                raise TrainingError(
                    f"hooks.samples: a part is called {name!r}, its name must be lower-case "
                    "letters, digits and underscores"
                )
            if not isinstance(part, Tensor | str | int | float):
                raise TrainingError(
                    f"hooks.samples: the part {name!r} is a {type(part).__name__}, it must be a "
                    "text, a number or a tensor"
                )
    return list(found)


def write_samples(folder: Path, step: int, samples: Sequence[Sample]) -> Path:
    """Write the samples of a step; their folder is whole or absent, whatever happens meanwhile.

    Raises:
        OSError: they can't be written; nothing is left of them.
    """
    path = folder / _name(step)
    temporary = folder / f".{path.name}{_TEMPORARY}"
    try:
        temporary.mkdir(mode=0o700)
        described = [
            {name: _write_part(temporary, f"{number}-{name}", part)
             for name, part in sample.items()}
            for number, sample in enumerate(samples)
        ]  # fmt: skip
        index = {"format": FORMAT, "step": step, "samples": described}
        _write(temporary / "index.json", json.dumps(index, allow_nan=False).encode())
        if path.exists():
            shutil.rmtree(path)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return path


def _write_part(folder: Path, name: str, part: Tensor | str | float) -> dict[str, Any]:
    if isinstance(part, str):
        return {"kind": "text", "text": part[:MOST_CHARACTERS]}
    if isinstance(part, Tensor) and is_image(part):
        pixels, spread = as_pixels(part)
        _write(folder / f"{name}.png", to_png(pixels))
        height, width, _channels = pixels.shape
        size = {"width": width, "height": height}
        return {"kind": "image", "file": f"{name}.png", **size, "range": list(spread)}
    if not isinstance(part, Tensor):
        return {"kind": "numbers", "shape": [], "values": [_plain(part)]}
    values = [_plain(each) for each in part.detach().flatten()[:MOST_NUMBERS].tolist()]
    return {"kind": "numbers", "shape": list(part.shape), "values": values}


def _plain(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _name(step: int) -> str:
    return f"step-{step:08d}"


@hook("samples")
def samples(
    run: HookContext,
    *,
    number: Annotated[int, Field(ge=1, le=64)] = 8,
    keep: Annotated[int, Field(ge=2, le=1000)] = 20,
) -> Hook:
    """What the model makes of `number` validation samples, kept of up to `keep` evaluations."""
    if run.samples is None:
        raise TrainingError("hooks.samples: there is no validation set to take them from")
    return ValidationSamples(run.model, run.task, run.samples(number), run.folder, keep)
