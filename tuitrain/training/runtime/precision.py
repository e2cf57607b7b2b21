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
        self._device_type = device.type
        self.name: PrecisionName = "fp32" if name == "auto" else name
        self.is_settled = name != "auto"
        """Whether it is known which one it is; until then, it is fp32."""
        self.why = ""
        """Of one that was chosen: what was measured."""
        self.scaler = torch.amp.GradScaler(device.type) if name == "fp16" else None

    @property
    def is_plain(self) -> bool:
        """No autocast is needed: even an empty context costs a small model's step something."""
        return self.name not in _TYPES

    def settle(self, name: PrecisionName, why: str) -> None:
        """Compute in a format from now on; of those without a scaler."""
        if self._device_type == "cuda":
            torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")
        self.name, self.is_settled, self.why = name, True, why

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a forward pass."""
        number_type = _TYPES.get(self.name)
        if number_type is None:
            return nullcontext()
        return torch.autocast(self._device_type, number_type)
