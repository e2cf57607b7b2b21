"""Single validation samples of a run, by their numbers, to be looked at beside their predictions.

Needs the run's data alone, and no model.
"""

from collections.abc import Sequence
from typing import Any

from tuitrain.components.data import DataContext
from tuitrain.training.build import pick_device
from tuitrain.training.data.build import build_data
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.inspection.samples import validation_samples
from tuitrain.training.task import find_task


def show_samples(
    inspected: Inspected, *, checkpoint: str, numbers: Sequence[int]
) -> dict[str, Any]:
    """Return samples as pixels, text or values, as JSON data.

    Args:
        inspected: the run's preset.
        checkpoint: of the run; no sample depends on it.
        numbers: of the samples in the validation part, as an evaluation numbers them.

    Raises:
        TuitrainError: the data set is not here.
    """
    del checkpoint
    preset = inspected.preset
    task = find_task(preset.task)
    context = DataContext(
        inspected.data_directory, inspected.report, inspected.report, False, task.has_classes,
        task.name,
    )  # fmt: skip
    data = build_data(preset, task, pick_device("cpu"), context)
    return {"samples": validation_samples(data, numbers)}
