"""Files that torch reads: TorchScript, torch.export's programs, and weights alone."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tuitrain.errors import ExportError
from tuitrain.extras import require
from tuitrain.training.exporting.model import Portable, Predict, PreparedModel, deprecations_ignored

ABOUT = "tuitrain.json"
"""What a file's description is called within it."""
_QUANTISED = (nn.Linear, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell)
"""Layers that torch quantises while they run."""
_JIT: Any = torch.jit
"""Its functions have no annotations."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text that says something."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__).rstrip(".")


# --- TorchScript --------------------------------------------------------------------------------


def write_torchscript(portable: Portable, path: Path, about: str) -> None:
    """Trace a model and write it.

    Raises:
        ExportError: torch can't trace it.
    """
    with deprecations_ignored(), torch.no_grad():
        try:
            # Whether the trace holds is looked at on other batches, after it is read back.
            traced = _JIT.trace(portable.model, (portable.examples,), check_trace=False)
            _JIT.save(traced, str(path), _extra_files={ABOUT: about})
        except Exception as error:
            # A model's code and torch raise anything here.
            raise ExportError(
                f"torch.jit can't trace the model: {first_line(error)}; --format safetensors takes "
                "its weights"
            ) from error


def load_torchscript(path: Path) -> Predict:
    """Return what a file predicts."""
    with deprecations_ignored():
        loaded = _JIT.load(str(path), map_location="cpu")

    def predict(inputs: Tensor) -> Tensor:
        with deprecations_ignored(), torch.no_grad():
            outputs: Tensor = loaded(inputs)
            return outputs

    return predict


def quantised(portable: Portable) -> Portable:
    """Return a model whose linear and recurrent layers have weights in 8 bits.

    Raises:
        ExportError: it has no such layer, or torch can't quantise it.
    """
    model = copy.deepcopy(portable.model)
    if not any(isinstance(module, _QUANTISED) for module in model.modules()):
        raise ExportError(
            "--int8: the model has no linear or recurrent layer, which are all that torch "
            "quantises; --format onnx has convolutions too"
        )
    with deprecations_ignored():
        try:
            module: Any = torch.ao.quantization
            model.model = module.quantize_dynamic(model.model, set(_QUANTISED), dtype=torch.qint8)
            with torch.no_grad():
                model(portable.examples)
        except Exception as error:
            # Versions of torch without it, machines without its kernels, layers of one's own.
            raise ExportError(
                f"--int8: torch can't quantise the model: {first_line(error)}; try --format onnx"
            ) from error
    return Portable(model, portable.examples, portable.free)


# --- torch.export -------------------------------------------------------------------------------


def exported_program(portable: Portable) -> Any:
    """Return torch.export's program of a model, for batches of any size.

    Raises:
        ExportError: torch.export refuses it.
    """
    sizes = {
        place: torch.export.Dim(name, max=portable.examples.shape[1])
        if name == "length"
        else torch.export.Dim(name)
        for place, name in enumerate(portable.free)
    }
    with deprecations_ignored(), torch.no_grad():
        try:
            return torch.export.export(
                portable.model, (portable.examples,), dynamic_shapes=(sizes,)
            )
        except Exception as error:
            # A model's code and torch raise anything here.
            raise ExportError(
                f"torch.export refuses the model: {_reason(error)}; try --format torchscript, or "
                "safetensors for its weights"
            ) from error


def _reason(error: Exception) -> str:
    """Return why torch.export refuses a model; where a size is fixed, the line that says so."""
    lines = [line.strip(" -") for line in str(error).splitlines()]
    fixed = next((line for line in lines if line.startswith("You marked")), "")
    return (fixed or first_line(error)).split(". If you")[0].rstrip(".!")


def write_pt2(portable: Portable, path: Path, about: str) -> None:
    """Write torch.export's program of a model.

    Raises:
        ExportError: torch.export refuses it.
    """
    program = exported_program(portable)
    with deprecations_ignored():
        torch.export.save(program, str(path), extra_files={ABOUT: about})


def load_pt2(path: Path) -> Predict:
    """Return what a file predicts."""
    with deprecations_ignored():
        loaded = torch.export.load(str(path)).module()

    def predict(inputs: Tensor) -> Tensor:
        with torch.no_grad():
            outputs: Tensor = loaded(inputs)
            return outputs

    return predict


# --- safetensors --------------------------------------------------------------------------------


def safetensors_library() -> Any:
    """Return the library's part for torch.

    Raises:
        UsageError: it is not installed.
    """
    return require("safetensors.torch", "export", "export-model --format safetensors")


def write_safetensors(portable: Portable, path: Path, about: str) -> None:
    """Write a model's weights and buffers by their names.

    Raises:
        ExportError: its state is more than tensors.
    """
    library = safetensors_library()
    state = portable.model.model.state_dict()
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if others:
        raise ExportError(
            f"safetensors holds tensors alone, and the model's state has {others[0]}, which is "
            "none; take --format pt2 or torchscript"
        )
    # Copies: weights that two layers share are written under both of their names.
    tensors = {name: value.detach().contiguous().clone() for name, value in state.items()}
    library.save_file(tensors, str(path), metadata={"tuitrain": about, "format": "pt"})


def load_safetensors(path: Path, fresh: Callable[[], PreparedModel]) -> Predict:
    """Return what a model predicts that is built again and has a file's weights."""
    library = safetensors_library()
    model = fresh()
    model.model.load_state_dict(library.load_file(str(path)))
    model.eval()

    def predict(inputs: Tensor) -> Tensor:
        with torch.no_grad():
            outputs: Tensor = model(inputs)
            return outputs

    return predict
