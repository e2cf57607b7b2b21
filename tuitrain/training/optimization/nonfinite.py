"""What is done about a loss that is not finite: the update is not made, and the run may end.

Where the host can look for free (a CPU), or the optimizer leaves no other way, it looks at each
step. Fused optimizers on an accelerator are told on the device instead: they leave the update out
when `found_inf` is 1, the same way a gradient scaler tells them, and nobody waits.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from tuitrain.training.memory.saved_tensors import dense_numbers
from tuitrain.training.metrics.recorder import Flushed

Policy = Literal["stop", "skip", "ignore"]

_WORDS = {
    "stop": "the run ends with the state before this step",
    "skip": "its update is left out",
    "ignore": "its update was made",
}


@dataclass(frozen=True, slots=True)
class NonfiniteLoss:
    """The first of a row of losses that are not finite."""

    step: int
    reason: str
    alert: str
    ends: bool
    """The run ends with the state before it."""
    left_out: bool
    """Every update from this step on was left out on the device, as the host only learns now."""


def are_finite(values: Iterable[Any]) -> bool:
    """Return whether every number in a state is finite; what is no tensor of numbers is passed."""
    tensors = (value for value in values if isinstance(value, Tensor))
    numbers = (t for t in tensors if (t.is_floating_point() or t.is_complex()) and not t.is_meta)
    return all(bool(torch.isfinite(dense_numbers(tensor)).all()) for tensor in numbers)


class NonfinitePolicy:
    """Decides, step by step, whether the update is made, and at a flush what is told of it."""

    def __init__(self, optimizer: Any, device: torch.device, policy: Policy, scaled: bool) -> None:
        self._policy = policy
        # A gradient scaler leaves out such updates by itself, and sets found_inf for that.
        self._idle = policy == "ignore" or scaled
        self._on_host = device.type == "cpu"
        fused = getattr(optimizer, "_step_supports_amp_scaling", False)
        self._on_device = not self._idle and device.type != "cpu" and fused
        self._found = torch.zeros((), device=device)
        self.was_finite = True
        """Whether every loss of the last flush was a finite number."""
        if self._on_device:
            optimizer.grad_scale = None
            optimizer.found_inf = self._found

    @property
    def ends(self) -> bool:
        """Whether a loss that is not finite ends the run."""
        return self._policy == "stop"

    def look(self, loss: Tensor) -> tuple[Tensor | float, bool]:
        """Return the loss to record, and whether to go on with the update of this step.

        On a CPU the number itself, as reading it costs less there than keeping a tensor.
        """
        if self._on_host:
            value = loss.item()
            return value, self._idle or math.isfinite(value)
        loss = loss.detach()
        if self._idle:
            return loss, True
        if self._on_device:
            bad = torch.isfinite(loss).logical_not()
            if self._policy == "stop":
                # Once set it stays: no later update may move the last finite state.
                torch.maximum(self._found, bad.float(), out=self._found)
            else:
                self._found.copy_(bad)
            return loss, True
        return loss, math.isfinite(loss.item())

    def review(self, flushed: Flushed) -> NonfiniteLoss | None:
        """Return the loss to tell of: the first that is not finite after one that was."""
        bad = flushed.first_nonfinite()
        was_finite, self.was_finite = self.was_finite, bad is None
        if bad is None or not was_finite:
            return None
        reason = f"loss is {flushed.losses[bad - flushed.first_step]} at step {bad}"
        return NonfiniteLoss(
            step=bad,
            reason=reason,
            alert=f"{reason}; {_WORDS[self._policy]}",
            ends=self.ends,
            left_out=self.ends and self._on_device,
        )
