"""Other data of the same kind in place of the validation part, prepared as in the run.

What is measured of the training part (statistics, vocabularies, classes) stays the run's own.
"""

from dataclasses import replace
from pathlib import Path

from tuitrain.components.data import DataContext, SampleReader, Samples
from tuitrain.components.readers.images import pixel_reader
from tuitrain.config.load import parse_preset
from tuitrain.errors import UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.build import Data, build_data
from tuitrain.training.data.sources import raw_samples, sample_shape, sample_type
from tuitrain.training.inspection.answers import Inspected


def reader_of(data: Data) -> SampleReader | None:
    """Return what reads samples that are not in the data set; None: nothing does."""
    if data.reader is not None:
        return data.reader
    return pixel_reader(sample_shape(data.train), sample_type(data.train), data.classes)


def with_other_place(parts: TrainingComponents, path: str) -> Data:
    """Return the data with all samples of another file or folder for validation.

    Raises:
        TuitrainError: they don't fit the run.
    """
    reader = reader_of(parts.data)
    if reader is None:
        raise UsageError(
            f"--data {path}: data.name = {parts.preset.data.name} can't be read from another "
            "place; change its settings with --set data.KEY=VALUE"
        )
    samples, facts = reader.labelled(Path(path))
    own, _targets = raw_samples(parts.data.train, range(1))
    if samples.inputs.shape[1:] != own.shape[1:]:
        raise UsageError(
            f"--data {path}: its samples have the shape {tuple(samples.inputs.shape[1:])}, those "
            f"of the run {tuple(own.shape[1:])}"
        )
    if samples.targets.is_floating_point():
        wide = raw_samples(parts.data.train, range(1))[1].dtype
        samples = Samples(samples.inputs, samples.targets.to(wide))
    return replace(parts.data, validation=samples, facts=lambda: facts)


def with_other_settings(parts: TrainingComponents, config: str, inspected: Inspected) -> Data:
    """Return the data with the validation part that other settings of the data set give.

    Raises:
        TuitrainError: they don't fit the run.
    """
    preset = parse_preset(config, "config.toml")
    task = parts.task
    context = DataContext(
        inspected.data_directory, inspected.report, inspected.report, False, task.has_classes,
        task.name,
    )  # fmt: skip
    other = build_data(preset, task, parts.device, context)
    own = parts.data
    if other.classes != own.classes:
        raise UsageError(
            f"--set: with these settings the data have the classes {', '.join(other.classes)}, the "
            f"run has {', '.join(own.classes)}"
        )
    if other.spec.input_shape != own.spec.input_shape or other.spec.outputs != own.spec.outputs:
        raise UsageError(
            f"--set: with these settings a sample has the shape {other.spec.input_shape} and "
            f"{other.spec.outputs} outputs, in the run {own.spec.input_shape} and "
            f"{own.spec.outputs}"
        )
    if other.spec.codes != own.spec.codes or other.spec.vocabulary != own.spec.vocabulary:
        raise UsageError(
            "--set: with these settings texts and categories get other numbers than in the run; "
            "take --data PATH, which keeps the run's"
        )
    return replace(own, validation=other.validation, facts=other.facts)
