"""What a worker that warms up tells the launch screen: devices, and what a preset will take.

Plain frozen data; `tuitrain.ui.prewarm` brings it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device that can be trained on."""

    name: str
    """As `train.device` takes it: cpu, cuda:0, mps."""
    product: str
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a preset will take, from building its model in the warm worker."""

    config: str
    """The TOML text that it is of."""
    device: str
    parameters: int
    weights_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    activations_bytes: int
    """Of one batch, forward and backward."""
    data_bytes: int
    """Of the whole set where it is held on the device, else 0."""
    steps_per_epoch: int
    total_steps: int
    error: str = ""
    """Why there is none, in words; the numbers are 0 then."""

    @property
    def total_bytes(self) -> int:
        """All of it together."""
        return (
            self.weights_bytes
            + self.gradients_bytes
            + self.optimizer_bytes
            + self.activations_bytes
            + self.data_bytes
        )


@dataclass(frozen=True, slots=True)
class WarmReport:
    """What is known so far."""

    ready: bool = False
    """Imports and device are done: training starts at once."""
    devices: tuple[DeviceFacts, ...] = ()
    estimate: Estimate | None = None
    error: str = ""
    """Why no worker could warm up; launching still works, only slower."""
