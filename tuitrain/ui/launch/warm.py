"""What a worker that warms up tells the launch screen: devices, and what a preset will take.

Plain frozen data; `tuitrain.ui.launch.prewarm` brings it.
"""

from dataclasses import dataclass

from tuitrain.messages import CostEstimated, DeviceMemory


@dataclass(frozen=True, slots=True)
class WarmReport:
    """What is known so far."""

    ready: bool = False
    """Imports and device are done: training starts at once."""
    devices: tuple[DeviceMemory, ...] = ()
    holds_devices: bool = False
    """The worker has a context of a GPU: it can't lead several ranks."""
    estimate: CostEstimated | None = None
    error: str = ""
    """Why no worker could warm up; launching still works, only slower."""
