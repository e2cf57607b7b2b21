"""Writes a checkpoint's model into a file of another format, and compares the two.

Beside the file lie its description, as JSON, and a script that predicts with it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

import tuitrain
from tuitrain.components.readers.kept import kept_reader
from tuitrain.components.task import Task
from tuitrain.config.load import to_toml
from tuitrain.errors import TuitrainError, UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.evaluating.collect import family_of
from tuitrain.training.evaluating.other_data import with_other_settings
from tuitrain.training.evaluating.restore import Restored, built_again, restored
from tuitrain.training.exporting import onnx_file, torch_files
from tuitrain.training.exporting.checks import COMPARED, greatest_difference, main_figure
from tuitrain.training.exporting.model import (
    INPUTS,
    OUTPUTS,
    Portable,
    Predict,
    PreparedModel,
    made_up,
    make_portable,
    portable_preset,
)
from tuitrain.training.exporting.script import predicting_script
from tuitrain.training.inspection.answers import Inspected

Format = Literal["onnx", "torchscript", "pt2", "safetensors"]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is written, and where."""

    format: Format
    file: Path
    run: str
    int8: bool
    tolerance: float


def export_model(
    inspected: Inspected,
    *,
    checkpoint: str,
    averaged: bool,
    format: Format,
    folder: str,
    name: str,
    run: str,
    int8: bool,
    tolerance: float,
) -> Answer:
    """Write a model's file, and return what it holds and how far it is from the model.

    Args:
        inspected: the run's preset.
        checkpoint: the file of the weights.
        averaged: take the weights that a hook averaged.
        format: of the file.
        folder: where it is written, with what belongs to it.
        name: of the file.
        run: the run's name, for the description.
        int8: quantise the weights.
        tolerance: the greatest difference that passes; only told.

    Raises:
        ExportError: the format can't take the model.
        TuitrainError: the checkpoint can't be loaded, or a library is missing.
    """
    _require_libraries(format)
    wanted = _Wanted(format, Path(folder, name), run, int8, tolerance)
    inspected = replace(inspected, preset=portable_preset(inspected.preset))
    with restored(inspected, Path(checkpoint), averaged, needs_data=False) as model:
        reason = _take_validation(inspected, model)
        return _write(inspected, wanted, model, reason)


def _require_libraries(format: Format) -> None:
    if format == "onnx":
        onnx_file.require_libraries()
    elif format == "safetensors":
        torch_files.safetensors_library()


def _take_validation(inspected: Inspected, model: Restored) -> str:
    """Give a model the run's validation part, or made-up samples and return why."""
    parts = model.components
    if model.has_data:
        return ""
    inspected.report("opening the data set to compare on")
    try:
        found = with_other_settings(parts, to_toml(inspected.preset), inspected)
    except UsageError:
        reason = "its classes, shapes or vocabularies are no longer the run's"
    except TuitrainError as error:
        reason = str(error)
    else:
        parts.data = replace(found, stands_in=False)
        return ""
    parts.data = replace(parts.data, validation=made_up(parts, COMPARED))
    return reason


def _write(inspected: Inspected, wanted: _Wanted, model: Restored, reason: str) -> Answer:
    """Write all files; `reason` says why samples are made up, and is empty where they are not."""
    parts = model.components
    portable = make_portable(parts)
    about = _describe(wanted, model, portable)
    files = _Files(wanted, portable, json.dumps(about), partial(_fresh, inspected, parts))
    inspected.report(f"writing {wanted.file.name}")
    files.write(wanted.file)
    inspected.report("comparing it with the model")
    samples, difference = greatest_difference(portable, files.load(wanted.file), parts)
    compared = {
        "samples": samples,
        "made_up_because": reason or None,
        "difference": difference,
        "tolerance": wanted.tolerance,
        "within": difference <= wanted.tolerance,
    }
    quantised = _quantise(files, parts, inspected.report) if wanted.int8 else None
    about |= {"comparison": compared, "quantised": quantised}
    names = _write_beside(wanted, about, parts)
    return {**about, "size_bytes": wanted.file.stat().st_size, "files": names}


# --- the files ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Files:
    """Writes and reads a model in one format."""

    wanted: _Wanted
    portable: Portable
    about: str
    fresh: Callable[[], PreparedModel]

    def write(self, path: Path, portable: Portable | None = None) -> None:
        """Write a model, the one in 32 bits where none is given."""
        write = {
            "onnx": onnx_file.write_onnx,
            "torchscript": torch_files.write_torchscript,
            "pt2": torch_files.write_pt2,
            "safetensors": torch_files.write_safetensors,
        }[self.wanted.format]
        write(portable or self.portable, path, self.about)

    def load(self, path: Path) -> Predict:
        """Return what a file predicts."""
        if self.wanted.format == "safetensors":
            return torch_files.load_safetensors(path, self.fresh)
        load = {
            "onnx": onnx_file.load_onnx,
            "torchscript": torch_files.load_torchscript,
            "pt2": torch_files.load_pt2,
        }[self.wanted.format]
        return load(path)

    def write_small(self, path: Path) -> None:
        """Write the model with weights in 8 bits."""
        if self.wanted.format == "torchscript":
            self.write(path, torch_files.quantised(self.portable))
        else:
            onnx_file.quantise_onnx(self.wanted.file, path)


def _fresh(inspected: Inspected, parts: TrainingComponents) -> PreparedModel:
    """Return the model built again, with the weights that it begins with."""
    return PreparedModel(built_again(inspected, parts))


def _quantise(files: _Files, parts: TrainingComponents, report: Callable[[str], None]) -> Answer:
    """Put the file in 8 bits in the place of the other, and return what that changes."""
    whole = files.wanted.file
    small = whole.with_name(f"small-{whole.name}")
    files.write_small(small)
    predict = files.load(small)
    _samples, difference = greatest_difference(files.portable, predict, parts)
    figures: Answer = {
        "difference": difference, "size_bytes_before": whole.stat().st_size,
        "metric": None, "before": None, "after": None,
    }  # fmt: skip
    small.replace(whole)
    if parts.data.stands_in:
        return figures
    report("measuring what that changes on the validation part")

    def original(inputs: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            outputs: torch.Tensor = files.portable.model(inputs)
            return outputs

    before, after = main_figure(original, parts), main_figure(predict, parts)
    if before is None or after is None:
        return figures
    return {**figures, "metric": before[0], "before": before[1], "after": after[1]}


def _write_beside(wanted: _Wanted, about: Answer, parts: TrainingComponents) -> Answer:
    """Write the description and the script; return the names of all files."""
    file = wanted.file
    description, script = file.with_name(f"{file.name}.json"), f"{file.name}.predict.py"
    description.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    # safetensors' own writer lets nobody else read its files.
    file.chmod(description.stat().st_mode)
    text = predicting_script(about, (file.name, description.name), parts.data.reader)
    if text is not None:
        file.with_name(script).write_text(text, encoding="utf-8")
    return {"model": file.name, "description": description.name, "script": text and script}


# --- the description ----------------------------------------------------------------------------


def _describe(wanted: _Wanted, model: Restored, portable: Portable) -> Answer:
    """Return what must be known to use a file, as JSON data."""
    parts = model.components
    with torch.no_grad():
        outputs = portable.model(portable.examples)
    reader = parts.data.reader
    says = _says(parts.task)
    return {
        "written_by": f"tuitrain {tuitrain.__version__}",
        "format": wanted.format,
        "int8": wanted.int8,
        "run": wanted.run,
        "step": model.step,
        "weights": model.weights,
        "model": parts.preset.model.name,
        "task": parts.task.name,
        "input": _dimensions(INPUTS, portable.examples, portable.names),
        "output": _dimensions(OUTPUTS, outputs, [*portable.free, *outputs.shape[1:]]),
        "says": says,
        "classes": _class_names(parts, says),
        "normalised": "by the caller" if wanted.format == "safetensors" else "inside",
        "statistics": _statistics(parts),
        "reader": None if reader is None else kept_reader(reader, parts.preset.data.name),
    }


def _dimensions(name: str, tensor: torch.Tensor, sizes: Sequence[str | int]) -> Answer:
    shape = list(sizes)[: tensor.ndim]
    return {"name": name, "type": str(tensor.dtype).removeprefix("torch."), "shape": shape}


def _says(task: Task) -> str | None:
    """Return what a sample's outputs are scores or values of; None: of no sample as a whole."""
    family = family_of(task)
    if family == "classes":
        return "classes" if task.has_classes else "yes_no"
    return {"tokens": "next_token", "numbers": "numbers"}.get(family)


def _class_names(parts: TrainingComponents, says: str | None) -> list[str]:
    """Return the classes' names in the order of the scores."""
    if parts.data.classes or says in {None, "numbers"}:
        return list(parts.data.classes)
    return [str(number) for number in range(max(2, parts.data.spec.outputs))]


def _statistics(parts: TrainingComponents) -> Answer | None:
    by = parts.data.preparation.normalised_by
    if by is None:
        return None
    return {
        "mean": by.mean.flatten().tolist(),
        "deviation": (1 / by.inverse_deviation).flatten().tolist(),
    }
