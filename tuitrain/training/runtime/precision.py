"""Number formats: autocast, the gradient scaler that fp16 needs, TensorFloat-32."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from tuitrain.config.schema import Precision as PrecisionName
from tuitrain.errors import DeviceError

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """How forward passes compute on a device."""

    def __init__(self, name: PrecisionName, device: torch.device) -> None:
        """Check that the device can do it.

        Raises:
            DeviceError: it can't.
        """
        if name == "tf32" and device.type != "cuda":
            raise DeviceError(f"train.precision = tf32 needs a CUDA device, this run has {device}")
        if name == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
            raise DeviceError(
                f"train.precision = bf16 is not supported by {torch.cuda.get_device_name(device)}; "
                "take fp16 or fp32"
            )
        if device.type == "cuda":
            # torch keeps this for the whole process; a worker trains one run.
            torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")
        self._type = _TYPES.get(name)
        self.is_plain = self._type is None
        """No autocast is needed: even an empty context costs a small model's step something."""
        self._device_type = device.type
        self.scaler = torch.amp.GradScaler(device.type) if name == "fp16" else None

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a forward pass."""
        if self._type is None:
            return nullcontext()
        return torch.autocast(self._device_type, self._type)
