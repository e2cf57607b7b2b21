"""Formats that a model is written in; loads nothing, as the command line names them in its help."""

from enum import StrEnum

TOLERANCE = 1e-4
"""Sums in another order differ by some 1e-6 of the largest output; what is wrong, by far more."""


class ModelFormat(StrEnum):
    """How a model is written."""

    ONNX = "onnx"
    TORCHSCRIPT = "torchscript"
    PT2 = "pt2"
    SAFETENSORS = "safetensors"

    @property
    def suffix(self) -> str:
        """What a file of the format ends in."""
        return ".pt" if self is ModelFormat.TORCHSCRIPT else f".{self}"
