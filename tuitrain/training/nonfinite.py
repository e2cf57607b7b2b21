"""Keeps an update from being made when its loss is not finite.

Where the host can look for free (a CPU), or the optimizer leaves no other way, it looks at each
step. Fused optimizers on an accelerator are told on the device instead: they leave the update out
when `found_inf` is 1, the same way a gradient scaler tells them, and nobody waits.
"""

import math
from typing import Any, Literal

import torch
from torch import Tensor

Policy = Literal["stop", "skip", "ignore"]


class NonfinitePolicy:
    """Decides, step by step, whether the update is made."""

    def __init__(self, optimizer: Any, device: torch.device, policy: Policy, scaled: bool) -> None:
        self._optimizer = optimizer
        self._policy = policy
        # A gradient scaler leaves out such updates by itself, and sets found_inf for that.
        self._idle = policy == "ignore" or scaled
        fused = getattr(optimizer, "_step_supports_amp_scaling", False)
        self._on_device = not self._idle and device.type != "cpu" and fused
        self._found = torch.zeros((), device=device)
        if self._on_device:
            optimizer.grad_scale = None
            optimizer.found_inf = self._found

    @property
    def on_device(self) -> bool:
        """Whether the host learns only at the flush that updates were left out."""
        return self._on_device

    def allows(self, loss: Tensor) -> bool:
        """Say whether to go on with the update of this step."""
        if self._idle:
            return True
        if self._on_device:
            bad = torch.isfinite(loss).logical_not()
            if self._policy == "stop":
                # Once set it stays: no later update may move the last finite state.
                torch.maximum(self._found, bad.float(), out=self._found)
            else:
                self._found.copy_(bad)
            return True
        return math.isfinite(loss.item())
