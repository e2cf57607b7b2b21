"""ONNX files: written by torch's exporter, quantised and run by onnxruntime."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from tuitrain.errors import ExportError
from tuitrain.extras import require
from tuitrain.training.exporting.model import (
    INPUTS,
    OUTPUTS,
    Portable,
    Predict,
    deprecations_ignored,
)
from tuitrain.training.exporting.torch_files import exported_program, first_line

_WHAT = "export-model --format onnx"
_MOST_BYTES = 2**31 - 2**20
"""What a protobuf message may hold, with room for the graph."""
_LACKING = re.compile(r"No ONNX function found for <OpOverload\(op='([\w.:]+)'")
_INTEGER_OPERATORS = {
    "MatMulInteger", "ConvInteger", "DynamicQuantizeLSTM", "QAttention", "DequantizeLinear",
}  # fmt: skip


def require_libraries() -> None:
    """Hold the machine against the libraries that this needs.

    Raises:
        UsageError: one is not installed.
    """
    for library in ("onnx", "onnxscript", "onnxruntime"):
        require(library, "export", _WHAT)


def write_onnx(portable: Portable, path: Path, about: str) -> None:
    """Write a model as an ONNX graph, with its description in the graph's metadata.

    Raises:
        ExportError: a layer has no ONNX operator, or the model is too large for one file.
    """
    size = sum(tensor.nbytes for tensor in portable.model.state_dict().values())
    if size > _MOST_BYTES:
        raise ExportError(
            f"an ONNX file holds 2 GiB, the model's weights take {size / 2**30:.1f} GiB; take "
            "--format pt2, torchscript or safetensors"
        )
    program = exported_program(portable)
    with deprecations_ignored(), torch.no_grad():
        try:
            made = torch.onnx.export(
                program, dynamo=True, verbose=False, input_names=[INPUTS], output_names=[OUTPUTS]
            )
        except Exception as error:
            # The exporter's own errors are private to it.
            raise ExportError(_refusal(error)) from error
    if made is None:
        raise ExportError("torch.onnx gave no graph of the model; take --format pt2")
    made.model.metadata_props["tuitrain"] = about
    made.save(str(path))


def _refusal(error: BaseException) -> str:
    """Return which operator is missing, where that is what the exporter stumbled over."""
    lacking = _LACKING.search(_whole_text(error))
    if lacking:
        return (
            f"the model uses {lacking[1]}, for which there is no ONNX operator; take --format pt2 "
            "or torchscript"
        )
    return f"torch.onnx can't export the model: {first_line(error)}; take --format pt2"


def _whole_text(error: BaseException | None) -> str:
    """Return the texts of an error and of all that led to it."""
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def load_onnx(path: Path) -> Predict:
    """Return what a file predicts, by onnxruntime on the CPU.

    Raises:
        ExportError: onnxruntime has no kernel for something in it.
    """
    runtime = require("onnxruntime", "export", _WHAT)
    try:
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime's errors have no base class of their own.
        raise ExportError(
            f"onnxruntime can't open what was written: {first_line(error)}"
        ) from error

    def predict(inputs: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {INPUTS: inputs.numpy()})[0])

    return predict


def quantise_onnx(path: Path, made: Path) -> None:
    """Write a file again with weights in 8 bits; what runs through is quantised as it comes.

    Raises:
        ExportError: nothing in it can be.
    """
    onnx = require("onnx", "export", _WHAT)
    quantization = require("onnxruntime.quantization", "export", _WHAT)
    with _advice_left_out():
        # Unsigned, as convolutions of signed weights have no kernel on some machines.
        quantization.quantize_dynamic(
            str(path), str(made), weight_type=quantization.QuantType.QUInt8
        )
    operators = {node.op_type for node in onnx.load(str(made)).graph.node}
    if not operators & _INTEGER_OPERATORS:
        raise ExportError("--int8: onnxruntime finds nothing in the model that it could quantise")


@contextmanager
def _advice_left_out() -> Iterator[None]:
    """Leave out onnxruntime's advice on other ways to quantise, which it logs each time."""

    def keep(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Please consider to run pre-processing")

    logger = logging.getLogger()
    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)
